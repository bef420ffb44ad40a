/** How far it is: one line that changes in a terminal, a line now and then elsewhere. */
import type { Progress } from '../explore/index.ts';

const WIDTH = 24;
/** Elsewhere a line comes this often. */
const EVERY_MS = 10_000;

export interface Meter {
  show(progress: Progress, elapsedMs: number): void;
  /** Takes the line away. */
  clear(): void;
}

export function meter(write: (text: string) => void, isTerminal: boolean, budgetMs: number): Meter {
  let last = isTerminal ? -Infinity : 0;
  return {
    show(progress, elapsedMs) {
      if (elapsedMs - last < (isTerminal ? 100 : EVERY_MS)) return;
      last = elapsedMs;
      const part = Math.min(1, elapsedMs / budgetMs);
      const full = Math.round(part * WIDTH);
      if (isTerminal) write(`\r\u001B[2K${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${line(progress)}`);
      else write(`${Math.round(part * 100)} % ${line(progress)}\n`);
    },
    clear() {
      if (isTerminal) write('\r\u001B[2K');
    },
  };
}

function line({ scenario, stage, flown, singles: [done, all], findings }: Progress): string {
  const what = stage === 'shrinking' ? stage : `single fault ${done} of ${all}`;
  return `${scenario}: ${what}, ${flown} flights${findings === 0 ? '' : `, ${findings} broken`}`;
}
