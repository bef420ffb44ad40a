/**
 * A thread that watches the main one. A worker that blocks the event loop (an endless loop, a
 * regular expression that never ends) stops
 * everything: syncs, probes, the lease. The thread then looks into the main one with the inspector,
 * says which sync it is and where in
 * the code, leaves a note for the next process, and ends this one before the lease expires: another
 * replica goes on.
 */
import { readFile, rm } from 'node:fs/promises';
import inspector from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../util/clock.ts';
import { DEFERRAL_MAX_AGE_MS } from '../reconciler/deferral.ts';

/** The main thread shows that it lives. */
const HEARTBEAT_MS = 500;
/**
 * Blocked for so long, the process is ended: before the lease is given up (10 s) and long before it
 * expires (15 s).
 */
export const BLOCKED_MS = 8_000;

export interface BlockedReconcile {
  readonly resource: string;
  readonly phase: string;
}

/** What a process that was ended leaves for the next one. */
export interface BlockedReport {
  readonly at: number;
  readonly reconciles: readonly BlockedReconcile[];
  /** In how many processes in a row. */
  readonly consecutiveTimes: number;
  /** Where the main thread was, innermost first. */
  readonly stack: readonly string[];
}

export interface WatchdogData {
  /**
   * Two numbers of 32 bits: a count that goes up, and 1 while a debugger may stop the main thread.
   */
  readonly heartbeat: SharedArrayBuffer;
  readonly blockedMs: number;
  readonly reportFile: string;
  readonly lastReport: BlockedReport | undefined;
}

/**
 * In AUTOPILOT_STATE, which in the chart's Pod outlives the container, or in the temporary
 * directory.
 */
export function blockedReportFile(operatorName: string): string {
  return join(process.env['AUTOPILOT_STATE'] ?? tmpdir(), `autopilot-${operatorName}-blocked.json`);
}

/** What the last process left, if it was ended within the hour. */
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
    // None, or none that can be read.
  }
  return undefined;
}

export interface Watchdog {
  stop(): Promise<void>;
}

/**
 * Starts the thread. Under a debugger standing still is what one wants: undefined then, and it only
 * looks on when one comes later.
 */
export function startWatchdog(options: {
  readonly clock: Clock;
  readonly reportFile: string;
  readonly lastReport: BlockedReport | undefined;
  readonly blockedMs?: number;
}): Watchdog | undefined {
  if (inspector.url() !== undefined) {
    return undefined;
  }
  const { clock, reportFile, lastReport, blockedMs = BLOCKED_MS } = options;
  const heartbeat = new SharedArrayBuffer(8);
  const count = new Int32Array(heartbeat);
  const sendHeartbeat = (): void => {
    Atomics.add(count, 0, 1);
    Atomics.store(count, 1, inspector.url() === undefined ? 0 : 1);
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
