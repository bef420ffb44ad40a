/**
 * Files that are the user's from the moment they exist: spec, workers, main, sample, README.
 * Written once.
 */
import { operatorConfigText } from '../../model/operator-config.ts';
import type { Model, ModelPhase, ProjectFile } from '../../model/model.ts';
import { machineSection, replaceMachineSection } from '../../model/graph.ts';
import { docComment, quoteString } from '../../util/typescript-text.ts';

export function renderUserFiles(model: Model): ProjectFile[] {
  const userOwned = (path: string, content: string): ProjectFile => ({
    path,
    content,
    ownership: 'user-owned',
  });
  return [
    userOwned('autopilot-operator.yaml', operatorConfigText),
    userOwned('src/spec.ts', specStub(model)),
    ...model.phases
      .filter((phase) => !phase.final)
      .map((phase) => userOwned(`src/workers/${phase.file}.ts`, workerStub(model, phase))),
    ...(model.finalizer ? [userOwned('src/finalizer.ts', finalizerStub(model))] : []),
    userOwned('src/main.ts', MAIN),
    userOwned(`examples/${model.kind.toLowerCase()}.yaml`, sample(model)),
    userOwned('.gitignore', 'node_modules/\n*.log\n'),
    {
      ...userOwned('README.md', readme(model)),
      refresh: (text) => replaceMachineSection(text, machineSection(model)),
    },
  ];
}

export function specStub(model: Model): string {
  return `/**
 * What users of ${model.kind} write, and what its status tells them. Plain TypeScript: the CustomResourceDefinition's schema is made
 * from these interfaces, descriptions from their comments. After an edit: yo autopilot:generate
 *
 * An interface ${model.kind}Config, exported here, types the \`config:\` of autopilot-operator.yaml, which workers get as context.config.
 */

/** What is wanted. */
export interface ${model.kind}Spec {}

/** What your workers note down; lies directly in status, beside phase and conditions. */
export interface ${model.kind}StatusInfo {}
`;
}

function workerStub(model: Model, phase: ModelPhase): string {
  const others = phase.next.filter((name) => name !== phase.name);
  const facts = [
    phase.description?.trim() ?? `${phase.name} of ${model.kind}.`,
    '',
    ...(phase.inputs.length > 0 || phase.metrics
      ? [
          `Reads: ${[...phase.inputs.map(({ kind }) => kind.name), ...(phase.metrics ? ['metrics'] : [])].join(', ')}.`,
        ]
      : []),
    ...(phase.outputs.length > 0
      ? [`Writes: ${phase.outputs.map(({ kind }) => kind.name).join(', ')}.`]
      : []),
    `Goes to: ${others.length > 0 ? others.join(', ') : 'nowhere else'}.`,
  ];
  return `import { notImplemented } from 'autopilot-runtime/generated';
import type { Context, Result } from '../generated/${phase.file}.ts';

${docComment(facts.join('\n'))}export async function sync(_context: Context): Promise<Result> {
  // Look at _context.resource and return { next: ${quoteString(others[0] ?? phase.name)} }.
  return notImplemented(${quoteString(phase.name)}, ${quoteString(`src/workers/${phase.file}.ts`)});
}
`;
}

function finalizerStub(model: Model): string {
  const { kind } = model;
  return `import { notImplemented } from 'autopilot-runtime/generated';
import type { Context, Result } from './generated/finalizer.ts';

/**
 * What is to be done before a ${kind} may go. What it made is deleted and what it edited is put back by the runtime: this is for
 * anything else. Called until it returns { done: true }, so it may be called several times.
 */
export async function finalize(_context: Context): Promise<Result> {
  // Nothing to do: return { done: true }. Not ready yet: return { done: false, requeueAfter: '10s' }.
  return notImplemented('The finalizer', 'src/finalizer.ts');
}
`;
}

const MAIN = `/** The operator: \`node src/main.ts\`, against KUBECONFIG or inside a cluster. */
import { run } from 'autopilot-runtime';
import { scheduler } from './generated/scheduler.ts';

await run(scheduler);
`;

function sample(model: Model): string {
  return `apiVersion: ${model.group}/${model.version}\nkind: ${model.kind}\nmetadata:\n  name: example\nspec: {}\n`;
}

function readme(model: Model): string {
  return `# ${model.operatorName}

A Kubernetes operator for ${model.kind} (\`${model.group}/${model.version}\`), a state machine:

${machineSection(model)}

## Work on it

- \`autopilot.yaml\` names the phases; \`src/spec.ts\` the fields; \`src/workers/\` says what each phase does.
- \`yo autopilot:generate\` (or \`autopilot generate\`) after an edit of autopilot.yaml or src/spec.ts.
- \`yo autopilot:phase\` (or \`autopilot phase\`) adds, changes, renames, removes and moves phases.
- \`npm test\` runs the state machine in an in-memory cluster; \`npm run typecheck\` checks every worker against its phase.
- \`npm run verify\` explores crashes, stale caches, lost events and errors of the API server, with the RBAC rules that the chart grants;
  \`test/scenarios/\` says what happens around it.
- \`npm run dev\` runs the operator on this machine, against the current kubeconfig; \`npm run dev -- --sandbox\` without a cluster.

## Rules for workers

- A worker may be called again for what it has done already, and a crash may come between outputs and status: decide by \`status\`, never by
  what your own outputs left behind. A request to make one may even arrive after its operator has died, when the next one has gone on: return
  the list of that kind with \`prune: true\`, or read it and go back to a phase that does.
- What a resource writes does not wake it: a phase that reads its own outputs must go back to the phase that writes them when they are not
  as they should be, and sees what came of its own writes in its next sync only (\`requeueAfter\`).
- Nothing is kept in memory, and time is \`context.now\`. \`npm run verify\` finds most workers that break these rules, not all.

## Install it

\`\`\`
npm run build -- IMAGE --push
npm run deploy -- IMAGE
kubectl apply -f examples/${model.kind.toLowerCase()}.yaml
npm run logs -- -f
\`\`\`

\`npm run deploy\` is \`helm upgrade --install\` of \`charts/${model.operatorName}\`, whose README lists its values. \`npm run undeploy\` uninstalls.
Each takes \`-- --help\`.
`;
}
