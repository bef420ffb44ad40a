/**
 * Shows the progress of exploration: one line that changes in a terminal, or a line every 10 s if
 * the output is not a terminal.
 */
import type { ExplorationProgress } from '../exploration/index.ts';

/** Columns of the bar. In a narrow terminal the bar takes a quarter of the line. */
const BAR_WIDTH = 24;
/** Time between two lines if the output is not a terminal. */
const LINE_INTERVAL_MS = 10_000;
/** Time between two updates of the line in a terminal. */
const UPDATE_INTERVAL_MS = 100;
/** Moves to the start of the line and clears it. */
const CLEAR_LINE = '\r\u001B[2K';

/** Shows the progress of exploration. */
export interface ProgressMeter {
  /** Shows the progress, unless the last update was too short ago. */
  show(progress: ExplorationProgress, elapsedMs: number): void;
  /** Clears the line in a terminal. */
  clear(): void;
}

/**
 * @param write writes to the output.
 * @param columns the present width of the terminal. Undefined: the output is not a terminal.
 * @param budgetMs the whole budget, in milliseconds.
 */
export function createProgressMeter(
  write: (text: string) => void,
  columns: () => number | undefined,
  budgetMs: number,
): ProgressMeter {
  let last = columns() === undefined ? 0 : -Infinity;
  return {
    show(progress, elapsedMs) {
      const width = columns();
      const intervalMs = width === undefined ? LINE_INTERVAL_MS : UPDATE_INTERVAL_MS;
      if (elapsedMs - last < intervalMs) {
        return;
      }
      last = elapsedMs;
      const part = Math.min(1, elapsedMs / budgetMs);
      if (width === undefined) {
        write(`${Math.round(part * 100)} % ${formatLine(progress)}\n`);
        return;
      }
      const bar = formatBar(part, Math.min(BAR_WIDTH, Math.floor(width / 4)));
      // A line as wide as the terminal would wrap, and CLEAR_LINE clears only one row.
      write(`${CLEAR_LINE}${`${bar} ${formatLine(progress)}`.slice(0, width - 1)}`);
    },
    clear() {
      if (columns() !== undefined) {
        write(CLEAR_LINE);
      }
    },
  };
}

function formatBar(part: number, width: number): string {
  const full = Math.round(part * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** The scenario's name comes last, because a narrow terminal cuts the end of the line off. */
function formatLine(progress: ExplorationProgress): string {
  const { scenario, runs, findings } = progress;
  const violated = findings === 0 ? '' : `${findings} violated, `;
  return `${runs} runs, ${violated}${formatStage(progress)}: ${scenario}`;
}

function formatStage({ stage, singles: [done, all] }: ExplorationProgress): string {
  if (stage === 'shrinking') {
    return stage;
  }
  return done < all ? `single fault ${done} of ${all}` : 'pairs and orders';
}
