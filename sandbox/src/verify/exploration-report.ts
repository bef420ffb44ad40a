/** What exploration found, for people. */
import type { Exploration, Finding, Flown } from '../explore/index.ts';
import { traceText } from '../explore/index.ts';

/**
 * Lines of a trace that are shown before its first fault, and in all. The whole is shown by
 * `--replay`.
 */
const BEFORE = 6;
const MOST = 40;

export function explorationText({
  scenario,
  singles,
  pairs,
  schedules,
  findings,
  quiet,
}: Exploration): string {
  const [done, all] = singles;
  const flown =
    done < all
      ? `${done} of ${all} single faults (${Math.floor((done * 100) / all)} %)`
      : `all ${all} single faults`;
  const counts = `${flown}, ${pairs} pairs, ${schedules} other orders of events`;
  const notes = notImplemented(quiet).map(
    (sentence) => `  ${sentence}: there is nothing to explore beyond it`,
  );
  if (findings.length === 0) {
    const short =
      done < all
        ? [
            `  ${all - done} single faults were not flown, the budget was over: give more with --budget`,
          ]
        : [];
    return [`✔ ${scenario}: ${counts}; every promise was kept`, ...notes, ...short].join('\n');
  }
  const broken =
    findings.length === 1 ? 'one promise was broken' : `${findings.length} promises were broken`;
  return [`✘ ${scenario}: ${counts}; ${broken}`, ...notes, ...findings.map(findingText)].join('\n');
}

function findingText({ violation, faults, foundAfter, times, trace, token }: Finding): string {
  const cause =
    faults.length === 0
      ? 'without any fault'
      : `with ${faults.map(({ kind, nth }) => `${kind}@${nth}`).join(', ')}`;
  const first = Math.max(0, trace.findIndex(({ fault }) => fault !== undefined) - BEFORE);
  const shown = trace.slice(first, first + MOST);
  const more = trace.length - first - shown.length;
  return [
    '',
    `  Broken: ${violation.promise}`,
    `  ${violation.detail}`,
    `  ${cause}; found by flight ${foundAfter}${times > 1 ? `, and by ${times - 1} more` : ''}`,
    '',
    ...(first > 0 ? [`    … ${first} lines before`] : []),
    ...traceText(shown)
      .split('\n')
      .map((line) => `    ${line}`),
    ...(more > 0 ? [`    … ${more} lines after`] : []),
    '',
    `  npm run verify -- --replay ${token}`,
  ].join('\n');
}

export function replayText({ trace, violations }: Flown): string {
  const end = violations.map(({ promise, detail }) => `✘ ${promise}\n  ${detail}`);
  return [traceText(trace), '', ...(end.length === 0 ? ['✔ every promise was kept'] : end)].join(
    '\n',
  );
}

interface Condition {
  readonly reason: string;
  readonly message: string;
}

/** What the stubs of workers that are not written yet say. */
function notImplemented({ resources, trace }: Flown): readonly string[] {
  const conditions = resources.flatMap(
    ({ status }) =>
      (status as { readonly conditions?: readonly Condition[] } | undefined)?.conditions ?? [],
  );
  const said = conditions
    .filter(({ reason }) => reason === 'NotImplemented')
    .map(({ message }) => message);
  const thrown = trace.flatMap(
    ({ what }) => /throws PermanentError: (.* is not implemented yet: .*)$/.exec(what)?.[1] ?? [],
  );
  return [...new Set([...said, ...thrown])];
}
