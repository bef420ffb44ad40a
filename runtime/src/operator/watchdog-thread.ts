/**
 * The watchdog's thread; see `watchdog.ts`. It does nothing asynchronous that the main thread would
 * have to help with.
 */
import { writeFileSync, writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { workerData } from 'node:worker_threads';
import { keepAlive, systemClock } from '../util/clock.ts';
import type { CurrentReconcile } from '../observability/reconcile-context.ts';
import type { BlockedReconcile, BlockedReport, WatchdogData } from './watchdog.ts';

const CHECK_INTERVAL_MS = 500;
/**
 * How long the inspector may take: a main thread that is blocked outside JavaScript never answers.
 */
const INSPECT_TIMEOUT_MS = 1_000;

const { heartbeat, blockedMs, reportFile, lastReport } = workerData as WatchdogData;
const count = new Int32Array(heartbeat);
let lastBeats = -1;
let since = systemClock.monotonic();
let lastCheckAt = since;

keepAlive();
checkHeartbeat();

function checkHeartbeat(): void {
  const now = systemClock.monotonic();
  const beats = Atomics.load(count, 0);
  // Late itself: the whole process stood still, and its main thread needs a moment too.
  if (
    beats !== lastBeats ||
    Atomics.load(count, 1) === 1 ||
    now - lastCheckAt > 4 * CHECK_INTERVAL_MS
  ) {
    since = now;
  }
  lastBeats = beats;
  lastCheckAt = now;
  if (now - since < blockedMs) {
    systemClock.after(CHECK_INTERVAL_MS, checkHeartbeat);
  } else {
    inspectMainThread();
  }
}

interface MainThreadState {
  readonly reconciles: readonly CurrentReconcile[];
  readonly stack: readonly string[];
}

function inspectMainThread(): void {
  systemClock.after(INSPECT_TIMEOUT_MS, () => reportAndKill({ reconciles: [], stack: [] }));
  const session = new Session();
  const urls = new Map<string, string>();
  session.connectToMainThread();
  session.on('Debugger.scriptParsed', ({ params }) => void urls.set(params.scriptId, params.url));
  session.on('Debugger.paused', ({ params }) => {
    const frames = params.callFrames.filter(
      ({ location }) => !(urls.get(location.scriptId) ?? '').startsWith('node:'),
    );
    const stack = frames.map(
      ({ functionName, location }) =>
        `${functionName || '(anonymous)'} (${urls.get(location.scriptId) ?? 'unknown'}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1})`,
    );
    const callFrameId = params.callFrames[0]?.callFrameId ?? '';
    const expression =
      "JSON.stringify(globalThis[Symbol.for('autopilot.currentReconcile')]?.() ?? {})";
    session.post(
      'Debugger.evaluateOnCallFrame',
      { callFrameId, expression, returnByValue: true },
      (_, answer) => {
        const { current, running = [] } = parseReconciles(answer?.result.value);
        reportAndKill({ reconciles: current === undefined ? running : [current], stack });
      },
    );
  });
  session.post('Debugger.enable');
  session.post('Debugger.pause');
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
  const blocked: readonly BlockedReconcile[] = reconciles.map(({ resource, phase }) => ({
    resource,
    phase,
  }));
  const isSameAgain = JSON.stringify(blocked) === JSON.stringify(lastReport?.reconciles);
  const report: BlockedReport = {
    at: systemClock.now(),
    reconciles: blocked,
    consecutiveTimes: isSameAgain ? (lastReport?.consecutiveTimes ?? 0) + 1 : 1,
    stack,
  };
  try {
    writeFileSync(reportFile, JSON.stringify(report));
  } catch {
    // Nowhere to write: the log below still says it.
  }
  const message = `the event loop is blocked for ${blockedMs / 1000} s: this process ends so that another one can go on`;
  try {
    writeSync(
      1,
      `${JSON.stringify({ time: new Date(systemClock.now()).toISOString(), level: 'error', message, reconciles, stack })}\n`,
    );
  } catch {
    // Nobody reads the log fast enough: the note says it.
  }
  process.kill(process.pid, 'SIGKILL');
  throw new Error('killed');
}
