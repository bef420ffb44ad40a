/**
 * What the main thread does, as another thread of the process sees it. Linux only: the kernel's
 * figures are in /proc.
 */
import { readFileSync } from 'node:fs';

/** Length of a clock tick in milliseconds: USER_HZ is 100 on every Linux platform of Node. */
const TICK_MS = 10;

/** The main thread at one moment. */
export interface MainThreadSample {
  /** CPU time of the main thread since its start, in milliseconds. */
  readonly cpuMs: number;
  /**
   * Whether the main thread waits for something, such as a system call. A thread that waits for a
   * CPU is not asleep.
   */
  readonly isAsleep: boolean;
}

/** @returns undefined where there is no /proc. */
export function sampleMainThread(): MainThreadSample | undefined {
  try {
    return parseStat(readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Reads a line of /proc/PID/stat. The name of the thread may contain spaces and parentheses. */
export function parseStat(line: string): MainThreadSample | undefined {
  const [state, ...numbers] = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(numbers[10]) + Number(numbers[11]);
  return Number.isNaN(ticks)
    ? undefined
    : { cpuMs: ticks * TICK_MS, isAsleep: state === 'S' || state === 'D' };
}
