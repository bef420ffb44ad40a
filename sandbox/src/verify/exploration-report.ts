/** Formats the results of exploration for the terminal. */
import type { Exploration, Finding, RunResult } from '../exploration/index.ts';
import { formatTrace } from '../exploration/index.ts';

/** Lines of a trace that are shown before its first fault. */
const LINES_BEFORE_FAULT = 6;
/** Lines of a trace that are shown in all. `--replay` shows the whole trace. */
const MAX_LINES = 40;

/** @returns the report of one scenario: counts, notes, and each violated invariant. */
export function formatExploration(exploration: Exploration): string {
  const { scenario, findings, baseline } = exploration;
  const notes = findNotImplemented(baseline).map(
    (sentence) => `  ${sentence}: exploration ends there`,
  );
  const counts = formatCounts(exploration);
  if (findings.length === 0) {
    return [
      `✔ ${scenario}: ${counts}; all invariants held`,
      ...notes,
      ...formatBudgetHint(exploration),
    ].join('\n');
  }
  const violated =
    findings.length === 1
      ? 'one invariant was violated'
      : `${findings.length} invariants were violated`;
  return [`✘ ${scenario}: ${counts}; ${violated}`, ...notes, ...findings.map(formatFinding)].join(
    '\n',
  );
}

function formatCounts({ singles: [done, all], pairs, schedules }: Exploration): string {
  const singles =
    done < all
      ? `${done} of ${all} single faults (${Math.floor((done * 100) / all)} %)`
      : `all ${all} single faults`;
  return `${singles}, ${pairs} pairs, ${schedules} other orders of events`;
}

function formatBudgetHint({ singles: [done, all] }: Exploration): readonly string[] {
  return done < all
    ? [`  ${all - done} single faults were not run because the budget ended: increase --budget`]
    : [];
}

function formatFinding(finding: Finding): string {
  const { violation, foundInRun, occurrences, trace, token } = finding;
  const first = Math.max(
    0,
    trace.findIndex(({ fault }) => fault !== undefined) - LINES_BEFORE_FAULT,
  );
  const shown = trace.slice(first, first + MAX_LINES);
  const more = trace.length - first - shown.length;
  const others = occurrences > 1 ? `, and in ${occurrences - 1} more` : '';
  return [
    '',
    `  Violated: ${violation.invariant}`,
    `  ${violation.detail}`,
    `  ${formatFaults(finding)}; found in run ${foundInRun}${others}`,
    '',
    ...(first > 0 ? [`    … ${first} lines before`] : []),
    ...formatTrace(shown)
      .split('\n')
      .map((line) => `    ${line}`),
    ...(more > 0 ? [`    … ${more} lines after`] : []),
    '',
    `  npm run verify -- --replay ${token}`,
  ].join('\n');
}

function formatFaults({ faults }: Finding): string {
  return faults.length === 0
    ? 'without any fault'
    : `with ${faults.map(({ kind, nth }) => `${kind}@${nth}`).join(', ')}`;
}

/** @returns the whole trace of a run, then the violated invariants. */
export function formatReplay({ trace, violations }: RunResult): string {
  const end = violations.map(({ invariant, detail }) => `✘ ${invariant}\n  ${detail}`);
  return [formatTrace(trace), '', ...(end.length === 0 ? ['✔ all invariants held'] : end)].join(
    '\n',
  );
}

interface StatusCondition {
  readonly reason: string;
  readonly message: string;
}

/** Finds the messages of workers that are not implemented yet, in conditions and in the trace. */
function findNotImplemented({ resources, trace }: RunResult): readonly string[] {
  const conditions = resources.flatMap(({ status }) => {
    const known = status as { readonly conditions?: readonly StatusCondition[] } | undefined;
    return known?.conditions ?? [];
  });
  const messages = conditions
    .filter(({ reason }) => reason === 'NotImplemented')
    .map(({ message }) => message);
  const thrown = trace.flatMap(
    ({ what }) => /throws PermanentError: (.* is not implemented yet: .*)$/.exec(what)?.[1] ?? [],
  );
  return [...new Set([...messages, ...thrown])];
}
