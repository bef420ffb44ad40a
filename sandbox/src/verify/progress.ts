/** How far it is: one line that changes in a terminal, a line now and then elsewhere. */
import type { ExplorationProgress } from '../exploration/index.ts';

/** The bar is as wide, and in a narrow terminal a quarter of that. */
const BAR_WIDTH = 24;
/** Elsewhere a line comes this often. */
const LINE_INTERVAL_MS = 10_000;

export interface ProgressMeter {
  show(progress: ExplorationProgress, elapsedMs: number): void;
  /** Takes the line away. */
  clear(): void;
}

/** @param columns how wide the terminal is at the moment; undefined where there is none */
export function createProgressMeter(
  write: (text: string) => void,
  columns: () => number | undefined,
  budgetMs: number,
): ProgressMeter {
  let last = columns() === undefined ? 0 : -Infinity;
  return {
    show(progress, elapsedMs) {
      const room = columns();
      if (elapsedMs - last < (room === undefined ? LINE_INTERVAL_MS : 100)) {
        return;
      }
      last = elapsedMs;
      const part = Math.min(1, elapsedMs / budgetMs);
      if (room === undefined) {
        write(`${Math.round(part * 100)} % ${formatLine(progress)}\n`);
      }
      // A line that is too long, or as long as the terminal is wide, wraps, and is never taken
      // away.
      else {
        write(
          `\r\u001B[2K${`${formatBar(part, Math.min(BAR_WIDTH, Math.floor(room / 4)))} ${formatLine(progress)}`.slice(0, room - 1)}`,
        );
      }
    },
    clear() {
      if (columns() !== undefined) {
        write('\r\u001B[2K');
      }
    },
  };
}

function formatBar(part: number, width: number): string {
  const full = Math.round(part * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** What changes comes first: the name of the scenario may be cut off. */
function formatLine({
  scenario,
  stage,
  runs,
  singles: [done, all],
  findings,
}: ExplorationProgress): string {
  const what =
    stage === 'shrinking'
      ? stage
      : done < all
        ? `single fault ${done} of ${all}`
        : 'pairs and orders';
  return `${runs} runs, ${findings === 0 ? '' : `${findings} violated, `}${what}: ${scenario}`;
}
