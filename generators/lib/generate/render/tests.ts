/** The first tests of a project: one for each worker, one that flies the whole machine. The user's from the moment they exist. */
import type { Model, ModelPhase, ProjectFile } from '../model.ts';
import { quote } from './source.ts';

export function renderTests(model: Model): ProjectFile[] {
  const yours = (path: string, content: string): ProjectFile => ({ path, content, ownership: 'yours' });
  return [
    ...model.phases.filter((phase) => !phase.final).map((phase) => yours(`test/${phase.file}.test.ts`, workerTest(phase))),
    ...(model.finalizer ? [yours('test/finalizer.test.ts', FINALIZER_TEST)] : []),
    yours('test/machine.test.ts', machineTest(model)),
    yours('test/scenarios/life.ts', lifeScenario(model)),
  ];
}

function workerTest(phase: ModelPhase): string {
  const file = `src/workers/${phase.file}.ts`;
  return `import { PermanentError } from 'autopilot-runtime';
import { expect } from 'chai';
import type { Context } from '../src/generated/${phase.file}.ts';
import { sync } from '../${file}';

describe(${quote(phase.name)}, () => {
  it('says that it is not implemented yet', async () => {
    // A worker is a plain function: give it the part of the context that it uses, look at what it returns.
    const outcome = await sync({} as Context).catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(PermanentError).with.property('message', ${quote(`${phase.name} is not implemented yet: edit ${file}`)});
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
  const seen = initial?.final === true ? '' : `    expect(status.conditions[0].message).to.equal(${quote(stub)});\n`;
  return `import type { Flight } from 'autopilot-sandbox';
import { fly } from 'autopilot-sandbox';
import { expect } from 'chai';
import crd from '../src/generated/crd.json' with { type: 'json' };
import { scheduler } from '../src/generated/scheduler.ts';

describe(${quote(`the machine of ${model.kind}`)}, () => {
  let flight: Flight;

  // An in-memory cluster and a clock that moves when told to: flight.advance('10m').
  beforeEach(async () => {
    flight = await fly(scheduler, { crd });
  });
  afterEach(() => flight.stop());

  it(${quote(`takes a new ${model.kind}`)}, async () => {
    await flight.create({ apiVersion: ${quote(`${model.group}/${model.version}`)}, kind: ${quote(model.kind)}, metadata: { name: 'example' }, spec: {} });
    const { status } = (await flight.get(${quote(model.kind)}, 'example')) ?? {};
    // As long as its worker is not written. Then: the phases you want to see, flight.events, flight.list('Service') …
    expect(status.phase).to.equal(${quote(state)});
${seen}  });
});
`;
}

function lifeScenario(model: Model): string {
  return `import { create, remove, rest, scenario } from 'autopilot-sandbox/explore';

// \`npm run verify\` flies every scenario of this folder, and the samples in examples/: without faults, then with crashes, stale caches,
// lost events and errors of the API server at every place. At each rest the cluster has to be as it was without the fault.
export const life = scenario({
  name: 'life',
  // What is there before: the objects that your workers read.
  objects: [],
  steps: [
    create({ apiVersion: ${quote(`${model.group}/${model.version}`)}, kind: ${quote(model.kind)}, metadata: { name: 'example' }, spec: {} }),
    rest(),
    // patch(${quote(model.kind)}, 'example', { spec: { … } }), wait('5m'), rest(),
    remove(${quote(model.kind)}, 'example'),
  ],
  // Sentences that hold after every write: 'nobody is without a route': (look) => look.list('Service').length > 0
  invariants: {},
});
`;
}
