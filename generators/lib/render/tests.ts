/** The first tests of a project: one for each worker, one that flies the whole machine. The user's from the moment they exist. */
import type { Model, ModelPhase, ProjectFile } from '../model.ts';
import { quote } from './source.ts';

export function renderTests(model: Model): ProjectFile[] {
  const yours = (path: string, content: string): ProjectFile => ({ path, content, ownership: 'yours' });
  return [...model.phases.filter((phase) => !phase.final).map((phase) => yours(`test/${phase.file}.test.ts`, workerTest(phase))), yours('test/machine.test.ts', machineTest(model))];
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

function machineTest(model: Model): string {
  const initial = model.phases.find((phase) => phase.initial)?.name ?? '';
  return `import { expect } from 'chai';
import { scheduler } from '../src/generated/scheduler.ts';

describe(${quote(`the machine of ${model.kind}`)}, () => {
  it(${quote(`starts in ${initial}`)}, () => {
    expect(scheduler.phases.filter((phase) => phase.initial).map((phase) => phase.name)).to.deep.equal([${quote(initial)}]);
  });

  it('has a worker for every phase that is not final', () => {
    const idle = scheduler.phases.filter((phase) => !phase.final && phase.worker === undefined);
    expect(idle.map((phase) => phase.name)).to.deep.equal([]);
  });
});
`;
}
