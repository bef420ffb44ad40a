/** What exploration found, for people. */
import type { Exploration, Finding, RunResult } from '../exploration/index.ts';
import { formatTrace } from '../exploration/index.ts';

/**
 * Lines of a trace that are shown before its first fault, and in all. The whole is shown by
 * `--replay`.
 */
const LINES_BEFORE_FAULT = 6;
const MAX_LINES = 40;

export function formatExploration({
  scenario,
  singles,
  pairs,
  schedules,
  findings,
  baseline,
}: Exploration): string {
  const [done, all] = singles;
  const singlesText =
    done < all
      ? `${done} of ${all} single faults (${Math.floor((done * 100) / all)} %)`
      : `all ${all} single faults`;
  const counts = `${singlesText}, ${pairs} pairs, ${schedules} other orders of events`;
  const notes = findNotImplemented(baseline).map(
    (sentence) => `  ${sentence}: there is nothing to explore beyond it`,
  );
  if (findings.length === 0) {
    const short =
      done < all
        ? [
            `  ${all - done} single faults were not run, because the budget was used up: increase --budget`,
          ]
        : [];
    return [`✔ ${scenario}: ${counts}; all invariants held`, ...notes, ...short].join('\n');
  }
  const broken =
    findings.length === 1
      ? 'one invariant was violated'
      : `${findings.length} invariants were violated`;
  return [`✘ ${scenario}: ${counts}; ${broken}`, ...notes, ...findings.map(formatFinding)].join(
    '\n',
  );
}

function formatFinding({
  violation,
  faults,
  foundInRun,
  occurrences,
  trace,
  token,
}: Finding): string {
  const cause =
    faults.length === 0
      ? 'without any fault'
      : `with ${faults.map(({ kind, nth }) => `${kind}@${nth}`).join(', ')}`;
  const first = Math.max(
    0,
    trace.findIndex(({ fault }) => fault !== undefined) - LINES_BEFORE_FAULT,
  );
  const shown = trace.slice(first, first + MAX_LINES);
  const more = trace.length - first - shown.length;
  return [
    '',
    `  Violated: ${violation.invariant}`,
    `  ${violation.detail}`,
    `  ${cause}; found in run ${foundInRun}${occurrences > 1 ? `, and by ${occurrences - 1} more` : ''}`,
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

/** What the stubs of workers that are not written yet say. */
function findNotImplemented({ resources, trace }: RunResult): readonly string[] {
  const conditions = resources.flatMap(
    ({ status }) =>
      (status as { readonly conditions?: readonly StatusCondition[] } | undefined)?.conditions ??
      [],
  );
  const messages = conditions
    .filter(({ reason }) => reason === 'NotImplemented')
    .map(({ message }) => message);
  const thrown = trace.flatMap(
    ({ what }) => /throws PermanentError: (.* is not implemented yet: .*)$/.exec(what)?.[1] ?? [],
  );
  return [...new Set([...messages, ...thrown])];
}
