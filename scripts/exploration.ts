/**
 * Writes docs/reference/exploration.md: the faults, and the number of runs until each seeded bug is
 * found.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Exploration } from '../sandbox/src/exploration/index.ts';
import { explore, FAULTS } from '../sandbox/src/exploration/index.ts';
import { bugs, correctScenarios, hunt } from '../test/exploration/seeded/bugs.ts';
import { root } from './build.ts';

const SITE_NAMES = {
  write: 'a write',
  request: 'a request',
  event: 'a watch event',
  call: 'a call of a worker',
  instant: 'an instant',
  resource: 'a resource',
  approval: 'a resource that waits for an approval',
  output: 'an output',
  claim: 'an object with claims',
  former: 'a former output, or an object whose claims were given back',
  kind: 'a kind',
  query: 'a metrics query',
  rollout: 'the rollout of a Deployment',
} as const;

const explorations: Exploration[] = [];
for (const { subject, scenario, maxRuns } of correctScenarios) {
  explorations.push(
    await explore(subject, scenario, { maxFindings: 9, hasBudget: (runs) => runs < maxRuns }),
  );
}
const bugRows: string[] = [];
for (const bug of bugs) {
  const [finding] = (await hunt(bug)).findings;
  if (finding === undefined) {
    throw new Error(`the seeded bug was not found: a ${bug.where} that ${bug.name}`);
  }
  const { violation, faults, foundInRun } = finding;
  const faultKinds = faults.map(({ kind }) => kind).join(', ') || 'none';
  const cells = [bug.where, bug.name, faultKinds, violation.invariant, foundInRun];
  bugRows.push(`| ${cells.join(' | ')} |`);
}
const faultRows = Object.entries(FAULTS).map(
  ([kind, { at, description }]) => `| \`${kind}\` | ${SITE_NAMES[at]} | ${description} |`,
);
const correctRuns = explorations.map(
  ({ scenario, singles: [runs, all], pairs, schedules }) =>
    `- \`${scenario}\`: ${runs} of ${all} single faults, ${pairs} pairs, ${schedules} other orders`,
);

writeFileSync(
  join(root, 'docs/reference/exploration.md'),
  `<!-- Written by scripts/exploration.ts. -->

# Exploration

Exploration runs a scenario without faults (the baseline run), then with faults, and checks that the
invariants hold in every run. Two commands use it:

- \`npm run verify\` of a generated project.
- \`explore\` of \`autopilot-sandbox/explore\`, in a test of your own.

## Which faults are injected

A fault site is a request, a watch event, a call of a worker, or an instant at which nothing is due.
Its situation is what happens there: the number of changes by users so far, the phases of the
resources, and the kind of request, event or call.

Some sites count once in each situation: a resource, an output, an object with claims, a kind, a
metrics query and the rollout of a Deployment.

- Half of the runs have one fault. Each kind of fault is injected once in each situation, then
  again, until each fault was injected at each site.
- A quarter of the runs have two faults. The second one is usually injected into what the operator
  does right after the first. Sites that exist only because of the first fault come first, and
  faults of the same kind come first.
- A quarter of the runs have several delays, which change the order of events.

The report counts the single faults that were run. If the budget was too small for all of them,
\`npm run verify\` estimates the budget that would be enough. Without a budget \`explore\` runs each
single fault once, and nothing else.

## Acts of people

People act on the resource, on its outputs, and on the objects in which it claims fields. Objects of
the scenario belong to an owner, who has applied their manifests by server-side apply. A change of
such an object by the scenario changes the manifest too.

- Each act ends within minutes. The run must then end as the baseline run does, or in a state that
  the scenario's \`accepts\` accepts. \`accepts\` receives the kinds of the faults in the run.
- After \`resource-deleted\` any state is right in which no invariant is violated.
- An invariant of the scenario that an act violates is no finding. It is a finding if a write of the
  operator violates the invariant.
- An output is looked after only in phases that declare the output. If people never act on such
  outputs, list the acts in \`ignoredFaults\` of the scenario: \`output-deleted Service\`.

## Objects of other owners

Three invariants hold for objects in which a resource claims fields:

- The owner of an object can apply at any time. Exploration tries a server-side dry run at each
  quiescence.
- A claim gives back what the owner wants by then, not an older value.
- Without a claim nothing of the operator is left in the object: no value, no annotation and no
  entry of its field managers.

## Imperfect inputs

Prometheus may be unreachable, slow, silent or stale for five minutes. A kind may answer 500 or go
away for two minutes. The rollout of a Deployment may fail. The simulator \`deployments\` is needed
for the last of these.

## Requests that arrive

In a scenario with the simulator \`traffic\`, all requests must arrive while a resource is
Ready=True. Exploration checks that at each quiescence, and in runs without faults also when a
resource becomes ready.

## RBAC rules

\`npm run verify\` grants the operator the RBAC rules of the project's chart
(\`templates/_rules.tpl\`, and \`rbac.extraRules\` of \`values.yaml\`). Any other request gets the
response 403 and is a finding. The first line of the report says if the rules cannot be read.

## Threads

\`npm run verify\` uses as many worker threads as there are cores, at most eight. The runs and their
results do not depend on the number of threads.

## Memory of workers

Each simulated process loads the modules of the project again: the first one, one after a crash, and
a standby. State that a worker keeps in a variable of its module is therefore lost, as it is in a
cluster.

- Not reloaded are \`globalThis\`, packages, CommonJS modules, and modules outside of the project.
  State that a worker keeps there is found only if it makes a second baseline run differ from the
  first.
- If a module uses top-level await, the modules cannot be reloaded. All processes then share them,
  and \`npm run verify\` prints a warning.
- Node never unloads a module. A thread is replaced after 500 reloads. One reload takes 80 to 160 kB
  of memory.
- Reloading takes a tenth (AutoRoute) to a fifth (the canary) of the budget.
- If you pass \`explore\` a function that creates the scheduler, create all state of workers inside
  that function, so that each simulated process starts without it.

## Faults

| fault | injected at | what happens |
|---|---|---|
${faultRows.join('\n')}

## What it finds

Each row is a seeded bug (\`test/exploration/seeded\`): a deliberate mistake in a worker or in the
runtime. A test checks that each of them is found. The last column is the number of the first run
that violated an invariant. The number depends on the version of the runtime and on the seed.

| in the | that | fault | violated invariant | runs |
|---|---|---|---|---|
${bugRows.join('\n')}

The correct operators violate no invariant:

${correctRuns.join('\n')}
`,
);
for (const { scenario, findings } of explorations) {
  if (findings.length > 0) {
    const [finding] = findings;
    throw new Error(
      `the correct operator violates an invariant in '${scenario}': ${finding?.violation.detail}`,
    );
  }
}
