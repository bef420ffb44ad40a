/**
 * The watchdog's thread; see `watchdog.ts`. It does nothing asynchronous that the main thread would
 * have to help with.
 */
import { writeFileSync, writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { workerData } from 'node:worker_threads';
import { keepAlive, systemClock } from '../clock.ts';
import type { CurrentSync } from '../observe/current.ts';
import type { BlockedSync, Note, WatchdogData } from './watchdog.ts';

const LOOK_MS = 500;
/**
 * How long the inspector may take: a main thread that is blocked outside JavaScript never answers.
 */
const INSPECT_MS = 1_000;

const { beat, blockedMs, note, before } = workerData as WatchdogData;
const count = new Int32Array(beat);
let last = -1;
let since = systemClock.monotonic();
let looked = since;

keepAlive();
look();

function look(): void {
  const now = systemClock.monotonic();
  const beats = Atomics.load(count, 0);
  // Late itself: the whole process stood still, and its main thread needs a moment too.
  if (beats !== last || Atomics.load(count, 1) === 1 || now - looked > 4 * LOOK_MS) {
    since = now;
  }
  last = beats;
  looked = now;
  if (now - since < blockedMs) {
    systemClock.after(LOOK_MS, look);
  } else {
    inspect();
  }
}

interface Found {
  readonly syncs: readonly CurrentSync[];
  readonly stack: readonly string[];
}

function inspect(): void {
  systemClock.after(INSPECT_MS, () => end({ syncs: [], stack: [] }));
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
    const expression = "JSON.stringify(globalThis[Symbol.for('autopilot.currentSync')]?.() ?? {})";
    session.post(
      'Debugger.evaluateOnCallFrame',
      { callFrameId, expression, returnByValue: true },
      (_, answer) => {
        const { current, running = [] } = parse(answer?.result.value);
        end({ syncs: current === undefined ? running : [current], stack });
      },
    );
  });
  session.post('Debugger.enable');
  session.post('Debugger.pause');
}

function parse(value: unknown): {
  readonly current?: CurrentSync;
  readonly running?: readonly CurrentSync[];
} {
  try {
    return JSON.parse(String(value)) as ReturnType<typeof parse>;
  } catch {
    return {};
  }
}

function end({ syncs, stack }: Found): never {
  const blocked: readonly BlockedSync[] = syncs.map(({ resource, phase }) => ({ resource, phase }));
  const again = JSON.stringify(blocked) === JSON.stringify(before?.syncs);
  const left: Note = {
    at: systemClock.now(),
    syncs: blocked,
    times: again ? (before?.times ?? 0) + 1 : 1,
    stack,
  };
  try {
    writeFileSync(note, JSON.stringify(left));
  } catch {
    // Nowhere to write: the log below still says it.
  }
  const message = `the event loop is blocked for ${blockedMs / 1000} s: this process ends so that another one can go on`;
  try {
    writeSync(
      1,
      `${JSON.stringify({ time: new Date(systemClock.now()).toISOString(), level: 'error', message, syncs, stack })}\n`,
    );
  } catch {
    // Nobody reads the log fast enough: the note says it.
  }
  process.kill(process.pid, 'SIGKILL');
  throw new Error('killed');
}
