/** Cuts a trace to what an author needs: the faults, and what happened before the violation. */
import type { TraceEntry } from '../exploration/index.ts';
import { formatTrace } from '../exploration/index.ts';

/** Lines before and after a fault. */
const AROUND_FAULT = [3, 8] as const;
/** Lines before the instant of a violation. */
const LINES_BEFORE_VIOLATION = 14;
/** Marks the last line before a violation was found. */
const VIOLATION_MARK = '   ← violated';

/**
 * @param violatedAt instant of the violation, in milliseconds of virtual time.
 * @param width columns of the terminal, at which lines are cut.
 * @returns lines of the trace, and how many are left out between them.
 */
export function excerptTrace(
  trace: readonly TraceEntry[],
  violatedAt: number,
  width: number,
): readonly string[] {
  const violation = trace.findLastIndex(({ at }) => at <= violatedAt);
  const kept = keptIndexes(trace, violation);
  const formatted = formatTrace(trace).split('\n');
  const lines: string[] = [];
  let next = 0;
  for (const index of kept) {
    lines.push(...omission(index - next));
    const line = formatted[index] ?? '';
    lines.push(
      index === violation
        ? `${cut(line, width - VIOLATION_MARK.length)}${VIOLATION_MARK}`
        : cut(line, width),
    );
    next = index + 1;
  }
  return [...lines, ...omission(trace.length - next)];
}

function keptIndexes(trace: readonly TraceEntry[], violation: number): readonly number[] {
  const kept = new Set<number>();
  const keep = (around: number, [before, after]: readonly [number, number]): void => {
    const last = Math.min(trace.length - 1, around + after);
    for (let index = Math.max(0, around - before); index <= last; index++) {
      kept.add(index);
    }
  };
  for (const [index, { fault }] of trace.entries()) {
    if (fault !== undefined) {
      keep(index, AROUND_FAULT);
    }
  }
  // Watches are opened again all the time, and tell nothing.
  const before = trace
    .slice(0, violation + 1)
    .flatMap(({ what }, index) => (what.startsWith('watch ') ? [] : [index]))
    .slice(-LINES_BEFORE_VIOLATION);
  for (const index of [...before, violation]) {
    kept.add(index);
  }
  return [...kept].sort((a, b) => a - b);
}

function omission(lines: number): readonly string[] {
  return lines > 0 ? [`      … ${lines} ${lines === 1 ? 'line' : 'lines'}`] : [];
}

function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}
