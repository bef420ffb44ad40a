/**
 * The first tests of a project: one for each worker, one that flies the whole machine. The user's
 * from the moment they exist.
 */
import type { Model, ModelPhase, ProjectFile } from '../../model/model.ts';
import { quoteString } from '../../util/typescript-text.ts';

export function renderTests(model: Model): ProjectFile[] {
  const userOwned = (path: string, content: string): ProjectFile => ({
    path,
    content,
    ownership: 'user-owned',
  });
  return [
    ...model.phases
      .filter((phase) => !phase.final)
      .map((phase) => userOwned(`test/${phase.file}.test.ts`, workerTest(phase))),
    ...(model.finalizer ? [userOwned('test/finalizer.test.ts', FINALIZER_TEST)] : []),
    userOwned('test/machine.test.ts', machineTest(model)),
    userOwned('test/scenarios/life.ts', lifeScenario(model)),
  ];
}

function workerTest(phase: ModelPhase): string {
  const file = `src/workers/${phase.file}.ts`;
  return `import { PermanentError } from 'autopilot-runtime';
import { expect } from 'chai';
import type { Context } from '../src/generated/${phase.file}.ts';
import { sync } from '../${file}';

describe(${quoteString(phase.name)}, () => {
  it('says that it is not implemented yet', async () => {
    // A worker is a plain function: give it the part of the context that it uses, look at what it returns.
    const outcome = await sync({} as Context).catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(PermanentError).with.property('message', ${quoteString(`${phase.name} is not implemented yet: edit ${file}`)});
  });
});
`;
}

const FINALIZER_TEST = `import { PermanentError } from 'autopilot-runtime';
import { expect } from 'chai';
import type { Context } from '../src/generated/finalizer.ts';
import { finalize } from '../src/finalizer.ts';

describe('the finalizer', () => {
  it('says that it is not implemented yet', async () => {
    // A plain function, as workers are: give it the part of the context that it uses, look at what it returns.
    const outcome = await finalize({} as Context).catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(PermanentError).with.property('message', 'The finalizer is not implemented yet: edit src/finalizer.ts');
  });
});
`;

function machineTest(model: Model): string {
  const initial = model.phases.find((phase) => phase.initial);
  const state = initial === undefined ? '' : initial.name;
  const stub = `${state} is not implemented yet: edit src/workers/${initial?.file}.ts`;
  const seen =
    initial?.final === true
      ? ''
      : `    expect(status.conditions[0].message).to.equal(${quoteString(stub)});\n`;
  return `import type { Sandbox } from 'autopilot-sandbox';
import { startSandbox } from 'autopilot-sandbox';
import { expect } from 'chai';
import crd from '../src/generated/crd.json' with { type: 'json' };
import { scheduler } from '../src/generated/scheduler.ts';

describe(${quoteString(`the machine of ${model.kind}`)}, () => {
  let sandbox: Sandbox;

  // An in-memory cluster and a clock that moves when told to: sandbox.advance('10m').
  beforeEach(async () => {
    sandbox = await startSandbox(scheduler, { crd });
  });
  afterEach(() => sandbox.stop());

  it(${quoteString(`takes a new ${model.kind}`)}, async () => {
    await sandbox.create({ apiVersion: ${quoteString(`${model.group}/${model.version}`)}, kind: ${quoteString(model.kind)}, metadata: { name: 'example' }, spec: {} });
    const { status } = (await sandbox.get(${quoteString(model.kind)}, 'example')) ?? {};
    // As long as its worker is not written. Then: the phases you want to see, sandbox.events, sandbox.list('Service') …
    expect(status.phase).to.equal(${quoteString(state)});
${seen}  });
});
`;
}

function lifeScenario(model: Model): string {
  return `import { create, remove, quiesce, scenario } from 'autopilot-sandbox/explore';

// \`npm run verify\` runs every scenario of this folder, and the samples in examples/: without faults, then with crashes, stale caches,
// lost events and errors of the API server at every place. Whenever nothing is due any more, the cluster has to be as it was without the fault.
export const life = scenario({
  name: 'life',
  // What is there before: the objects that your workers read.
  objects: [],
  steps: [
    create({ apiVersion: ${quoteString(`${model.group}/${model.version}`)}, kind: ${quoteString(model.kind)}, metadata: { name: 'example' }, spec: {} }),
    quiesce(),
    // patch(${quoteString(model.kind)}, 'example', { spec: { … } }), wait('5m'), quiesce(),
    remove(${quoteString(model.kind)}, 'example'),
  ],
  // Sentences that hold after every write: 'nobody is without a route': (snapshot) => snapshot.list('Service').length > 0
  invariants: {},
});
`;
}
