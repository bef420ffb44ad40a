import { expect } from 'chai';
import { nodeProblem } from '../../generators/lib/node-version.ts';
import { askProject, parsePhase } from '../../generators/lib/dialogue.ts';
import type { Ask, Question } from '../../generators/lib/dialogue.ts';
import { loadModel } from '../../generators/lib/load.ts';
import { projectText } from '../../generators/lib/edit.ts';

/** Answers in order; each is held against the question's own validation, as the terminal does. */
function script(answers: readonly (readonly [name: string, answer: unknown])[]): { ask: Ask; asked: Question[] } {
  const asked: Question[] = [];
  const ask: Ask = async (question) => {
    const [name, answer] = answers[asked.length] ?? ['nothing', undefined];
    expect(question.name, `question ${asked.length}`).to.equal(name);
    asked.push(question);
    const verdict = question.validate?.(answer as never) ?? true;
    expect(verdict, question.message).to.equal(true);
    for (const choice of Array.isArray(answer) ? (answer as string[]) : []) expect(question.choices).to.include(choice);
    return answer;
  };
  return { ask, asked };
}

describe('the dialogue of yo autopilot', () => {
  it('asks for kind, apiVersion, name and then phase by phase', async () => {
    const { ask, asked } = script([
      ['kind', 'Canary'],
      ['apiVersion', 'examples.io/v1'],
      ['operatorName', 'canary-operator'],
      ['name', 'Waiting'],
      ['description', 'Waits'],
      ['inputs', ['deployments']],
      ['outputs', []],
      ['next', 'Shifting'],
      ['another', true],
      ['name', 'Shifting'],
      ['description', ''],
      ['final', false],
      ['inputs', ['metrics']],
      ['outputs', ['virtualservices']],
      ['next', 'Waiting, Done'],
      ['another', true],
      ['name', 'Done'],
      ['description', ''],
      ['final', true],
      ['another', false],
      ['write', true],
    ]);
    const project = await askProject(ask, () => {}, {});
    expect(asked).to.have.length(21);
    const loaded = loadModel(projectText(project), 'autopilot.yaml');
    expect('model' in loaded && loaded.model.phases.map(({ name, next, initial, final }) => ({ name, next, initial, final }))).to.deep.equal([
      { name: 'Waiting', next: ['Waiting', 'Shifting'], initial: true, final: false },
      { name: 'Shifting', next: ['Waiting', 'Shifting', 'Done'], initial: false, final: false },
      { name: 'Done', next: [], initial: false, final: true },
    ]);
  });

  it("offers the original's three phases when no first phase is named, and asks nothing that is given", async () => {
    const { ask } = script([
      ['name', ''],
      ['write', true],
    ]);
    const project = await askProject(ask, () => {}, { kind: 'Canary', apiVersion: 'examples.io/v1', operatorName: 'canary' });
    expect(project.phases.map(({ name }) => name)).to.deep.equal(['Initializing', 'Processing', 'Finished']);
  });

  it('does not ask where a single phase may go: it says which targets are not there, and drops them', async () => {
    const { ask } = script([
      ['name', 'Waiting'],
      ['description', ''],
      ['inputs', []],
      ['outputs', []],
      ['next', 'Running'],
      ['another', false],
      ['write', true],
    ]);
    const said: string[] = [];
    const project = await askProject(ask, (line) => said.push(line), { kind: 'Canary', apiVersion: 'examples.io/v1', operatorName: 'canary' });
    expect(said.join('\n')).to.contain("names 'Running', which is not a phase");
    expect(project.phases.map(({ name, next }) => [name, next])).to.deep.equal([['Waiting', []]]);
  });

  it('says which target does not exist and asks again', async () => {
    const { ask } = script([
      ['name', 'Waiting'],
      ['description', ''],
      ['inputs', []],
      ['outputs', []],
      ['next', 'Dne'],
      ['another', true],
      ['name', 'Done'],
      ['description', ''],
      ['final', true],
      ['another', false],
      ['next', ['Done']],
      ['write', true],
    ]);
    const said: string[] = [];
    const project = await askProject(ask, (line) => said.push(line), { kind: 'Canary', apiVersion: 'examples.io/v1', operatorName: 'canary' });
    expect(said.join('\n')).to.match(/names 'Dne', which is not a phase, did you mean 'Done'\?/);
    expect(project.phases[0]?.next).to.deep.equal(['Done']);
  });
});

describe('the last look', () => {
  it('shows the machine before anything is written, and a no writes nothing', async () => {
    const { ask } = script([
      ['name', ''],
      ['write', false],
    ]);
    const said: string[] = [];
    const stopped = await askProject(ask, (line) => said.push(line), { kind: 'Canary', apiVersion: 'examples.io/v1', operatorName: 'canary' }).catch(
      (error: Error) => error.message,
    );
    expect(stopped).to.equal('Stopped; nothing was written.');
    expect(said.at(-1)).to.contain('│ Processing   │ ──▶ Finished');
  });
});

describe('a phase as an option', () => {
  it('has its inputs, outputs, targets and marks', () => {
    expect(parsePhase('Evaluating:inputs=metrics,virtualservices:outputs=virtualservices:next=Promoting,RollBack:ready')).to.deep.equal({
      name: 'Evaluating',
      inputs: ['metrics', 'virtualservices'],
      outputs: ['virtualservices'],
      next: ['Promoting', 'RollBack'],
      ready: true,
    });
  });

  it('names the part that is wrong', () => {
    expect(() => parsePhase('Evaluating:input=metrics')).to.throw(
      "--phase 'Evaluating:input=metrics': 'input=metrics' is not inputs=…, outputs=…, next=…, description=…, initial, final or ready, did you mean 'inputs'?",
    );
    expect(() => parsePhase('a/b')).to.throw("--phase 'a/b': 'a/b' must be letters and digits");
  });
});

describe('the Node version', () => {
  it('is refused below 22.22.2 with one sentence that names both', () => {
    expect(nodeProblem('20.20.1')).to.equal('generator-autopilot needs Node 22.22.2 or newer (24 recommended); this is Node 20.20.1.');
    expect(nodeProblem('22.22.1')).to.be.a('string');
  });

  it('is accepted from 22.22.2 on', () => {
    for (const version of ['22.22.2', '22.23.0', '24.0.0', '26.10.0']) expect(nodeProblem(version), version).to.equal(undefined);
  });
});
