/** Formats the results of exploration for the terminal. */
import type { Exploration, FaultSiteType, Finding, RunResult } from '../exploration/index.ts';
import { FAULTS, formatTrace } from '../exploration/index.ts';
import { FINAL_STATE } from '../exploration/quiescence.ts';
import { excerptTrace } from './trace-excerpt.ts';

/** Columns of a line if the output is not a terminal. */
const DEFAULT_WIDTH = 120;
/** Sites of faults at which people act. */
const ACTS: ReadonlySet<FaultSiteType> = new Set([
  'approval',
  'claim',
  'former',
  'output',
  'resource',
]);
/** Columns before the lines of a finding. */
const INDENT = 4;

/** @returns true if the scenario checked nothing, because no resource left its first phase. */
export function isVacuous({ findings, phases, baseline }: Exploration): boolean {
  return (
    findings.length === 0 && phases.entered.length <= 1 && baseline.heldInFirstPhase.length > 0
  );
}

/** @returns true if a worker is not implemented yet, so that exploration ends there. */
export function isUnfinished({ baseline }: Exploration): boolean {
  return findNotImplemented(baseline).length > 0;
}

/**
 * @param width columns of the terminal.
 * @returns the report of one scenario: counts, phases, notes, and each violated invariant.
 */
export function formatExploration(exploration: Exploration, width = DEFAULT_WIDTH): string {
  const { scenario, findings, baseline } = exploration;
  const notes = findNotImplemented(baseline).map(
    (sentence) => `  ${sentence}: exploration ends there`,
  );
  const counts = formatCounts(exploration);
  const found = findings.flatMap((finding) => formatFinding(finding, width));
  return [
    `${formatVerdict(exploration)} ${scenario}: ${counts}; ${formatOutcome(exploration)}`,
    ...formatPhases(exploration),
    ...(isVacuous(exploration) && notes.length === 0
      ? baseline.heldInFirstPhase.flatMap((sentence) => wrap(sentence, width, 2))
      : []),
    ...notes,
    ...(findings.length === 0 ? formatBudgetHint(exploration) : found),
  ].join('\n');
}

function formatVerdict(exploration: Exploration): string {
  if (exploration.findings.length > 0) {
    return '✘';
  }
  return isVacuous(exploration) ? '○' : '✔';
}

function formatOutcome(exploration: Exploration): string {
  const { length } = exploration.findings;
  if (length > 0) {
    return length === 1 ? 'one invariant was violated' : `${length} invariants were violated`;
  }
  return isVacuous(exploration)
    ? 'nothing after the first phase was checked'
    : 'all invariants held';
}

function formatPhases({ phases: { entered, never } }: Exploration): readonly string[] {
  if (never.length === 0) {
    return [];
  }
  const some = entered.length === 0 ? 'no phase was entered' : `entered: ${entered.join(', ')}`;
  return [`  ${some}; never entered: ${never.join(', ')}`];
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

function formatFinding(finding: Finding, width: number): readonly string[] {
  const { violation, foundInRun, occurrences, trace, token } = finding;
  const others = occurrences > 1 ? `, and in ${occurrences - 1} more` : '';
  return [
    '',
    `  Violated: ${violation.invariant}`,
    ...violation.detail.split('; ').flatMap((part) => wrap(part, width, INDENT)),
    '',
    ...formatFaults(finding).flatMap((line) => wrap(line, width, 2)),
    `  found in run ${foundInRun}${others}`,
    '',
    ...excerptTrace(trace, violation.at, width - INDENT).map(
      (line) => `${' '.repeat(INDENT)}${line}`,
    ),
    '',
    ...adviceFor(finding).flatMap((line) => wrap(line, width, 2)),
    `  npm run verify -- --replay ${token}`,
  ];
}

/** The name of each fault, and what it does. */
function formatFaults({ faults }: Finding): readonly string[] {
  return faults.length === 0
    ? ['without any fault']
    : faults.map(({ kind, nth }) => `with ${kind}@${nth}: ${FAULTS[kind].description}`);
}

/** What an author can say in the scenario if the operator is right. */
function adviceFor({ violation: { invariant }, faults }: Finding): readonly string[] {
  const acts = faults.filter(({ kind }) => ACTS.has(FAULTS[kind].at)).map(({ kind }) => kind);
  return [
    ...(invariant === FINAL_STATE
      ? [
          "If this end is right too, return true for it from the scenario's `accepts`. If only a field may differ, name it in `ignoredFields`: ['Kind.path.to.field'].",
        ]
      : []),
    ...(acts.length === 0
      ? []
      : [`If no user would do this here, name it in \`ignoredFaults\`: ['${acts.join("', '")}'].`]),
  ];
}

/** Breaks a line between words. */
function wrap(text: string, width: number, indent: number): readonly string[] {
  const most = Math.max(20, width - indent);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > most) {
      lines.push(line);
      line = `  ${word}`;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((each) => `${' '.repeat(indent)}${each}`);
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
