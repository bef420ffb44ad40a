/**
 * Writes docs/reference/exploration.md: the faults, the promises that are looked after, and what
 * finding each seeded bug costs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Exploration } from '../sandbox/src/exploration/index.ts';
import { explore, FAULTS } from '../sandbox/src/exploration/index.ts';
import { bugs, correct, hunt, MAX_RUNS, scenarios } from '../test/exploration/seeded/bugs.ts';
import { root } from './build.ts';

const baselines: Exploration[] = [];
for (const scenario of scenarios) {
  baselines.push(
    await explore(correct, scenario, { maxFindings: 9, hasBudget: (runs) => runs < MAX_RUNS }),
  );
}
const rows: string[] = [];
for (const bug of bugs) {
  const [finding] = (await hunt(bug)).findings;
  if (finding === undefined) {
    throw new Error(`the ${bug.where} that ${bug.name} was not found`);
  }
  const { violation, faults, foundInRun } = finding;
  rows.push(
    `| ${bug.where} | ${bug.name} | ${faults.map(({ kind }) => kind).join(', ') || 'none'} | ${violation.invariant} | ${foundInRun} |`,
  );
}

const siteNames = {
  write: 'a write',
  request: 'a request',
  event: 'a watch event',
  call: 'a call of a worker',
  instant: 'an instant',
} as const;
writeFileSync(
  join(root, 'docs/reference/exploration.md'),
  `<!-- Written by scripts/exploration.ts. -->

# Exploration

\`explore\` of \`autopilot-sandbox/explore\`, and \`npm run verify\` of a generated project, fly a scenario without faults and then with these
faults at the places where they can stand. Within a budget, half of the flights have a single fault: each kind in each situation (after so
many acts of people, with the resources in such phases, at such a request or event) once, then again, until each fault stood at each place.
A quarter have two: nearly always the second one meets what the operator does right after the first, things that it would not do without a
fault first, and faults of the same kind first; so answers are lost in a row. A quarter have delays that make another order of events. The
report says how many of the single faults were flown, and \`npm run verify\` which budget would have been enough for all.
Without a budget \`explore\` flies all single faults and nothing else.

\`npm run verify\` flies with the rights that the project's chart gives its operator (\`templates/_rules.tpl\`, and \`rbac.extraRules\` of
\`values.yaml\`): a request that they do not grant is answered 403, and is a finding. Its first line says so if it cannot read them. It flies
in as many threads as there are cores, eight at the most; which flights these are, and what they find, is the same with any number.

Each process of a flight, the first, one after a crash and one that stands by, loads the modules of the project anew, so what a worker keeps
in a variable of its module is lost as it is in a cluster: all thirteen wrong workers below are found. The same for all processes of a
thread are \`globalThis\`, packages, CommonJS modules, and what lies outside of the project; what a worker keeps there is found only if it makes
the second flight go another way than the first. If a module cannot be loaded anew, because it awaits something at its top, all processes
share the modules, and \`npm run verify\` says so. Node never gives a module back: a thread that has loaded a project 500 times (of 80 to
160 kB each) is replaced. Loading takes a tenth (AutoRoute) to a fifth (the canary) of the flights that the budget could have had. A test
of your own that calls \`explore\` with a function that makes the scheduler for each process is to make the memory of its workers in it too.

| fault | stands at | what happens |
|---|---|---|
${Object.entries(FAULTS)
  .map(([kind, { at, description }]) => `| \`${kind}\` | ${siteNames[at]} | ${description} |`)
  .join('\n')}

## What it finds

Each line is a mistake that was made on purpose (\`test/exploration/seeded\`), in a worker or around the runtime. A test looks for all of them.
The last column is the number of flights until the first one that broke a promise; it changes with the runtime and the seed.

| in the | that | fault | promise that was broken | flights |
|---|---|---|---|---|
${rows.join('\n')}

The same machine without mistakes keeps every promise in the same flights, and more: ${baselines
    .map(
      ({ scenario, singles: [runs, all], pairs, schedules }) =>
        `${runs} of ${all} single faults, ${pairs} pairs and ${schedules} other orders in \`${scenario}\``,
    )
    .join('; ')}.
`,
);
for (const { scenario, findings } of baselines) {
  if (findings.length > 0) {
    throw new Error(`the correct machine fails in ${scenario}: ${findings[0]?.violation.detail}`);
  }
}
