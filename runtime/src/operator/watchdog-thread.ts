/**
 * The watchdog's thread; see `watchdog.ts`. Everything here is synchronous or uses timers of this
 * thread, because a blocked main thread answers nothing.
 */
import { writeFileSync, writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import type { Debugger } from 'node:inspector';
import { workerData } from 'node:worker_threads';
import { keepAlive, systemClock } from '../util/clock.ts';
import type { CurrentReconcile } from '../observability/reconcile-context.ts';
import { CHECK_INTERVAL_MS, HeartbeatSilence } from './heartbeat-silence.ts';
import { sampleMainThread } from './main-thread-cpu.ts';
import type { BlockedReconcile, BlockedReport, WatchdogData } from './watchdog.ts';

/**
 * Time that the inspector may take. A main thread that is blocked outside of JavaScript never stops
 * for the inspector.
 */
const INSPECT_TIMEOUT_MS = 1_000;
const STDOUT = 1;

const { heartbeat, blockedMs, reportFile, lastReport } = workerData as WatchdogData;
const counters = new Int32Array(heartbeat);
const silence = new HeartbeatSilence(blockedMs, systemClock.monotonic());

keepAlive();
checkHeartbeat();

function checkHeartbeat(): void {
  const isBlocked = silence.check({
    now: systemClock.monotonic(),
    beats: Atomics.load(counters, 0),
    isDebugged: Atomics.load(counters, 1) === 1,
    thread: sampleMainThread(),
  });
  if (isBlocked) {
    inspectMainThread();
  } else {
    systemClock.after(CHECK_INTERVAL_MS, checkHeartbeat);
  }
}

interface MainThreadState {
  readonly reconciles: readonly CurrentReconcile[];
  readonly stack: readonly string[];
}

function inspectMainThread(): void {
  systemClock.after(INSPECT_TIMEOUT_MS, () => reportAndKill({ reconciles: [], stack: [] }));
  const session = new Session();
  const urlByScript = new Map<string, string>();
  session.connectToMainThread();
  session.on('Debugger.scriptParsed', ({ params }) => {
    urlByScript.set(params.scriptId, params.url);
  });
  session.on('Debugger.paused', ({ params: { callFrames } }) => {
    const stack = formatStack(callFrames, urlByScript);
    const callFrameId = callFrames[0]?.callFrameId ?? '';
    const expression =
      "JSON.stringify(globalThis[Symbol.for('autopilot.currentReconcile')]?.() ?? {})";
    session.post(
      'Debugger.evaluateOnCallFrame',
      { callFrameId, expression, returnByValue: true },
      (_, response) => {
        const { current, running = [] } = parseReconciles(response?.result.value);
        reportAndKill({ reconciles: current === undefined ? running : [current], stack });
      },
    );
  });
  session.post('Debugger.enable');
  session.post('Debugger.pause');
}

/** Formats the frames of files; frames of Node itself are left out. */
function formatStack(
  frames: readonly Debugger.CallFrame[],
  urlByScript: ReadonlyMap<string, string>,
): readonly string[] {
  return frames.flatMap(({ functionName, location }) => {
    const url = urlByScript.get(location.scriptId) ?? 'unknown';
    if (url.startsWith('node:')) {
      return [];
    }
    const name = functionName || '(anonymous)';
    const line = location.lineNumber + 1;
    const column = (location.columnNumber ?? 0) + 1;
    return [`${name} (${url}:${line}:${column})`];
  });
}

function parseReconciles(value: unknown): {
  readonly current?: CurrentReconcile;
  readonly running?: readonly CurrentReconcile[];
} {
  try {
    return JSON.parse(String(value)) as ReturnType<typeof parseReconciles>;
  } catch {
    return {};
  }
}

function reportAndKill({ reconciles, stack }: MainThreadState): never {
  const at = systemClock.now();
  writeReport(reconciles, stack, at);
  const seconds = blockedMs / 1000;
  const message = `the event loop has been blocked for ${seconds} s; killing this process so that another replica can take over`;
  const time = new Date(at).toISOString();
  const line = JSON.stringify({ time, level: 'error', message, reconciles, stack });
  try {
    writeSync(STDOUT, `${line}\n`);
  } catch {
    // The pipe is full. The report has the same information.
  }
  process.kill(process.pid, 'SIGKILL');
  throw new Error('killed');
}

function writeReport(
  reconciles: readonly CurrentReconcile[],
  stack: readonly string[],
  at: number,
): void {
  const blocked: readonly BlockedReconcile[] = reconciles.map(({ resource, phase }) => ({
    resource,
    phase,
  }));
  const isRepeated = JSON.stringify(blocked) === JSON.stringify(lastReport?.reconciles);
  const consecutiveTimes = isRepeated ? (lastReport?.consecutiveTimes ?? 0) + 1 : 1;
  const report: BlockedReport = { at, reconciles: blocked, consecutiveTimes, stack };
  try {
    writeFileSync(reportFile, JSON.stringify(report));
  } catch {
    // The folder is not writable. The log line has the same information.
  }
}
