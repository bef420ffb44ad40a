/**
 * A thread that watches the main thread.
 *
 * A worker that blocks the event loop (an endless loop, a regular expression with catastrophic
 * backtracking) stops everything: reconciles, probes, renewal of the lease. The thread then
 * inspects the main thread, logs the reconcile and the place in the code, writes a report for the
 * next process, and kills this process before the lease expires. Another replica takes over.
 */
import { readFile, rm } from 'node:fs/promises';
import inspector from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../util/clock.ts';
import { DEFERRAL_MAX_AGE_MS } from '../reconciler/deferral.ts';

/** Time between two heartbeats of the main thread. */
const HEARTBEAT_MS = 500;
/**
 * Time without a heartbeat after which the process is killed: less than the renew deadline of the
 * lease (10 s) and much less than its duration (15 s). A process with a CPU limit is killed later
 * (see `heartbeat-silence.ts`): its lease may expire first, and then it writes nothing.
 */
export const BLOCKED_MS = 8_000;

/** A reconcile that was running when the event loop was blocked. */
export interface BlockedReconcile {
  /** Resource as `namespace/name`. */
  readonly resource: string;
  /** Phase of the resource. */
  readonly phase: string;
}

/** Report that a killed process leaves for the next one. */
export interface BlockedReport {
  /** Time at which the process was killed, in milliseconds since 1970. */
  readonly at: number;
  /** The reconcile that blocked the event loop, or all that were running when it is unknown. */
  readonly reconciles: readonly BlockedReconcile[];
  /** Number of consecutive processes that were killed with the same reconciles. */
  readonly consecutiveTimes: number;
  /** Stack of the main thread, innermost call first. Empty outside of JavaScript. */
  readonly stack: readonly string[];
}

/** What the thread receives. */
export interface WatchdogData {
  /**
   * Two 32-bit integers: the number of heartbeats, and 1 while a debugger may stop the main thread.
   */
  readonly heartbeat: SharedArrayBuffer;
  /** Time without a heartbeat after which the process is killed. */
  readonly blockedMs: number;
  /** Path of the report. */
  readonly reportFile: string;
  /** Report of the previous process. */
  readonly lastReport: BlockedReport | undefined;
}

/**
 * @returns the path of the report: in the folder AUTOPILOT_STATE, which outlives the container in
 * the chart's Pod, or else in the folder for temporary files.
 */
export function blockedReportFile(operatorName: string): string {
  return join(process.env['AUTOPILOT_STATE'] ?? tmpdir(), `autopilot-${operatorName}-blocked.json`);
}

/** @returns the report of the previous process if it was killed within the last hour. */
export async function readBlockedReport(
  file: string,
  now: number,
): Promise<BlockedReport | undefined> {
  try {
    const report = JSON.parse(await readFile(file, 'utf8')) as BlockedReport;
    if (now - report.at < DEFERRAL_MAX_AGE_MS) {
      return report;
    }
    await rm(file, { force: true });
  } catch {
    // The file does not exist or cannot be read: there is no report.
  }
  return undefined;
}

/** A running watchdog. */
export interface Watchdog {
  /** Ends the thread. */
  stop(): Promise<void>;
}

/** Options of `startWatchdog`. */
export interface WatchdogOptions {
  readonly clock: Clock;
  /** Path of the report. */
  readonly reportFile: string;
  /** Report of the previous process. */
  readonly lastReport: BlockedReport | undefined;
  /** Time without a heartbeat after which the process is killed. Default: 8 s. */
  readonly blockedMs?: number;
}

/**
 * Starts the thread.
 *
 * @returns undefined when a debugger is attached, because a stopped event loop is expected then. If
 * a debugger attaches later, the watchdog only observes.
 */
export function startWatchdog(options: WatchdogOptions): Watchdog | undefined {
  if (inspector.url() !== undefined) {
    return undefined;
  }
  const { clock, reportFile, lastReport, blockedMs = BLOCKED_MS } = options;
  const heartbeat = new SharedArrayBuffer(8);
  const counters = new Int32Array(heartbeat);
  const sendHeartbeat = (): void => {
    Atomics.add(counters, 0, 1);
    Atomics.store(counters, 1, inspector.url() === undefined ? 0 : 1);
    timer = clock.after(HEARTBEAT_MS, sendHeartbeat);
  };
  let timer = clock.after(HEARTBEAT_MS, sendHeartbeat);
  const file = import.meta.url.endsWith('.ts') ? './watchdog-thread.ts' : './watchdog-thread.js';
  const workerData: WatchdogData = { heartbeat, blockedMs, reportFile, lastReport };
  const thread = new Worker(new URL(file, import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  });
  thread.unref();
  thread.on('error', () => undefined);
  return {
    async stop() {
      timer.cancel();
      await thread.terminate();
    },
  };
}
