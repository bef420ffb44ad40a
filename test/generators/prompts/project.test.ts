import { expect } from 'chai';
import { nodeProblem } from '../../../generators/lib/util/node-version.ts';
import { askProject, kindFromFolder } from '../../../generators/lib/prompts/project.ts';
import type { Question } from '../../../generators/lib/prompts/ask.ts';
import { loadModel } from '../../../generators/lib/model/load.ts';
import { projectText } from '../../../generators/lib/model/project-text.ts';
import type { NewProject } from '../../../generators/lib/model/new-project.ts';
import { parsePhase } from '../../../generators/lib/model/phase-options.ts';
import { createAsk } from '../../../generators/lib/cli/terminal.ts';
import { DEFAULT, scriptAnswers } from '../support/scripted-answers.ts';
import type { Answers } from '../support/scripted-answers.ts';

const offer = { dir: 'my-canary', examples: [{ value: 'autoroute' }] };
const given = { kind: 'Canary', apiVersion: 'examples.io/v1', operatorName: 'canary' };

async function answerPrompts(
  answers: Answers,
  options: object = given,
): Promise<{ project: NewProject; said: string[]; asked: Question[] }> {
  const { ask, asked } = scriptAnswers(answers);
  const said: string[] = [];
  const project = await askProject(ask, (line) => said.push(line), options, offer);
  expect(asked).to.have.length(answers.length);
  if ('example' in project) {
    throw new Error('an example');
  }
  return { project, said, asked };
}

const phase = (name: string, ...rest: Answers): Answers => [
  ['name', name],
  ['description', ''],
  ...rest,
];

describe('the prompts of yo autopilot', () => {
  it('asks for kind, apiVersion, name and then phase by phase', async () => {
    const { project } = await answerPrompts(
      [
        ['start', 'a state machine of your own'],
        ['kind', 'Release'],
        ['apiVersion', 'examples.io/v1'],
        ['operatorName', 'release-operator'],
        ['name', 'Waiting'],
        ['description', 'Waits'],
        ['ready', true],
        ['inputs', ['deployments']],
        ['outputs', []],
        ['next', 'Shifting'],
        ['another', true],
        ...phase(
          'Shifting',
          ['final', false],
          ['ready', false],
          ['inputs', ['metrics']],
          ['outputs', ['virtualservices']],
          ['next', 'Waiting, Done'],
        ),
        ['another', true],
        ...phase('Done', ['final', true], ['ready', DEFAULT]),
        ['another', false],
        ['finalizer', false],
        ['write', true],
      ],
      {},
    );
    const loaded = loadModel(projectText(project), 'autopilot.yaml');
    expect(
      'model' in loaded &&
        loaded.model.phases.map(({ name, next, initial, final, ready }) => ({
          name,
          next,
          initial,
          final,
          ready,
        })),
    ).to.deep.equal([
      { name: 'Waiting', next: ['Waiting', 'Shifting'], initial: true, final: false, ready: true },
      {
        name: 'Shifting',
        next: ['Waiting', 'Shifting', 'Done'],
        initial: false,
        final: false,
        ready: false,
      },
      { name: 'Done', next: [], initial: false, final: true, ready: true },
    ]);
  });

  it('makes a valid state machine when every answer is the default', async () => {
    const enter = (...names: readonly string[]): Answers => names.map((name) => [name, DEFAULT]);
    const worker = ['ready', 'inputs', 'outputs', 'next', 'another'];
    const { project } = await answerPrompts(
      [
        ...enter('start', 'kind', 'apiVersion', 'operatorName'),
        ['name', 'Starting'],
        ...enter(
          'description',
          ...worker,
          'name',
          'description',
          'final',
          ...worker,
          'name',
          'description',
          'final',
          'ready',
          'another',
          'finalizer',
          'write',
        ),
      ],
      {},
    );
    expect(project).to.deep.include({
      kind: 'Canary',
      apiVersion: 'examples.io/v1',
      operatorName: 'canary-operator',
    });
    expect(project.phases.map(({ name, next, final }) => [name, final ?? next])).to.deep.equal([
      ['Starting', ['Processing']],
      ['Processing', ['Finished']],
      ['Finished', true],
    ]);
  });

  it("takes a kind from the folder's name when it can be one", () => {
    const kinds = [
      'my-canary',
      'canary-operator',
      'traffic_shift',
      '/tmp/x/Canary',
      'machine',
      '123',
      '.',
    ].map(kindFromFolder);
    expect(kinds).to.deep.equal([
      'Canary',
      'Canary',
      'TrafficShift',
      'Canary',
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('starts from an example when that is chosen', async () => {
    const { ask } = scriptAnswers([
      ['start', 'autoroute'],
      ['write', true],
    ]);
    expect(await askProject(ask, () => {}, {}, offer)).to.deep.equal({ example: 'autoroute' });
  });

  it("offers the original's three phases when no first phase is named, and asks nothing that is given", async () => {
    const { project } = await answerPrompts([
      ['name', ''],
      ['finalizer', DEFAULT],
      ['write', true],
    ]);
    expect(project.phases.map(({ name }) => name)).to.deep.equal([
      'Initializing',
      'Processing',
      'Finished',
    ]);
  });

  it('stops at phases given as options that are wrong, instead of asking about them', async () => {
    const wrong = {
      ...given,
      phases: [{ name: 'Waiting', initial: true, inputs: ['deployment'] }],
    };
    const error = await answerPrompts([], wrong).catch((reason: Error) => reason.message);
    expect(error).to.match(
      /names 'deployment', which is not a known kind, did you mean 'deployments'\?/,
    );
  });

  it('does not ask where a single phase may go: it says which targets are not there, and drops them', async () => {
    const { project, said } = await answerPrompts([
      ...phase('Waiting', ['ready', true], ['inputs', []], ['outputs', []], ['next', 'Running']),
      ['another', false],
      ['finalizer', DEFAULT],
      ['write', true],
    ]);
    expect(said.join('\n')).to.contain("names 'Running', which is not a phase");
    expect(project.phases.map(({ name, next }) => [name, next])).to.deep.equal([['Waiting', []]]);
  });

  it('says which target does not exist and asks again', async () => {
    const { project, said } = await answerPrompts([
      ...phase('Waiting', ['ready', true], ['inputs', []], ['outputs', []], ['next', 'Dne']),
      ['another', true],
      ...phase('Done', ['final', true], ['ready', DEFAULT]),
      ['another', false],
      ['next', ['Done']],
      ['finalizer', DEFAULT],
      ['write', true],
    ]);
    expect(said.join('\n')).to.match(/names 'Dne', which is not a phase, did you mean 'Done'\?/);
    expect(project.phases[0]?.next).to.deep.equal(['Done']);
  });
});

describe('a final phase', () => {
  it('is a failure when its name says so, unless a person says otherwise', async () => {
    const { project } = await answerPrompts([
      ...phase(
        'Trying',
        ['ready', false],
        ['inputs', []],
        ['outputs', []],
        ['next', 'Done, Failed, Cancelled'],
      ),
      ['another', DEFAULT],
      ...phase('Done', ['final', DEFAULT], ['ready', DEFAULT]),
      ['another', DEFAULT],
      ...phase('Failed', ['final', DEFAULT], ['ready', DEFAULT]),
      ['another', DEFAULT],
      ...phase('Cancelled', ['final', DEFAULT], ['ready', true]),
      ['another', DEFAULT],
      ['finalizer', DEFAULT],
      ['write', true],
    ]);
    const text = projectText(project);
    expect(text.match(/name: Failed\n {4}final: true\n {4}ready: false\n/), text).to.have.length(1);
    const loaded = loadModel(text, 'autopilot.yaml');
    expect('model' in loaded && loaded.model.phases.map(({ ready }) => ready)).to.deep.equal([
      false,
      true,
      false,
      true,
    ]);
  });

  it('is written with a finalizer when the user wants one', async () => {
    const { project } = await answerPrompts([
      ['name', ''],
      ['finalizer', true],
      ['inputs', ['metrics', 'pods']],
      ['outputs', []],
      ['write', true],
    ]);
    const text = projectText(project);
    expect(text).to.contain('\nfinalizer:\n  inputs: [metrics, pods]\n');
    const loaded = loadModel(text, 'autopilot.yaml');
    expect(
      'model' in loaded && loaded.model.finalizer?.inputs.map(({ kind }) => kind.name),
    ).to.deep.equal(['pods']);
  });
});

describe('the confirmation', () => {
  it('shows the state machine before anything is written, and a no writes nothing', async () => {
    const { ask } = scriptAnswers([
      ['name', ''],
      ['finalizer', DEFAULT],
      ['write', false],
    ]);
    const said: string[] = [];
    const stopped = await askProject(ask, (line) => said.push(line), given, offer).catch(
      (error: Error) => error.message,
    );
    expect(stopped).to.equal('Stopped; nothing was written.');
    expect(said.at(-1)).to.contain('│ Processing   │ ──▶ Finished');
  });
});

describe('a question mark', () => {
  /** What the terminal is asked for, and what it answers. */
  function adapter(...answers: unknown[]): {
    prompt(questions: never): Promise<unknown>;
    readonly prompts: Record<string, unknown>[];
  } {
    const prompts: Record<string, unknown>[] = [];
    return {
      prompts,
      async prompt(questions: never) {
        const [question] = questions as [Record<string, unknown>];
        prompts.push(question);
        return { [String(question['name'])]: answers[prompts.length - 1] };
      },
    };
  }
  const help = ['It is explained.'];

  it('explains a question and asks it again', async () => {
    const said: string[] = [];
    const terminal = adapter(' ? ', 'Canary');
    const validate = (text: string): true | string => text === 'Canary' || 'wrong';
    const answer = await createAsk(terminal, (line) => said.push(line))({
      type: 'input',
      name: 'kind',
      message: 'Kind',
      help,
      validate,
    });
    expect([answer, terminal.prompts.length]).to.deep.equal(['Canary', 2]);
    expect(said.join()).to.contain('It is explained.');
    const check = terminal.prompts[0]?.['validate'] as (text: string) => true | string;
    expect([check('?'), check('canary')]).to.deep.equal([true, 'wrong']);
  });

  it('in a list keeps what was chosen before it', async () => {
    const terminal = adapter(['pods', '?'], ['pods']);
    const answer = await createAsk(terminal, () => {})({
      type: 'checkbox',
      name: 'inputs',
      message: 'What?',
      help,
      choices: [{ value: 'jobs' }, { value: 'pods' }],
    });
    expect(answer).to.deep.equal(['pods']);
    const choices = terminal.prompts[1]?.['choices'] as { value: string; checked?: boolean }[];
    expect(choices.map(({ value, checked }) => [value, checked ?? false])).to.deep.equal([
      ['jobs', false],
      ['pods', true],
      ['?', false],
    ]);
  });

  it('is understood at a yes or no, where everything else is asked again', async () => {
    const terminal = adapter('?', 'Yes');
    expect(
      await createAsk(terminal, () => {})({
        type: 'confirm',
        name: 'final',
        message: 'Final?',
        help,
        default: false,
      }),
    ).to.equal(true);
    const check = terminal.prompts[0]?.['validate'] as (text: string) => true | string;
    expect(['y', 'NO', '?', 'perhaps'].map(check)).to.deep.equal([
      true,
      true,
      true,
      'answer y or n, or ? for help',
    ]);
  });
});

describe('a phase as an option', () => {
  it('has its inputs, outputs, targets and marks', () => {
    expect(
      parsePhase(
        'Evaluating:inputs=metrics,virtualservices:outputs=virtualservices:next=Promoting,RollBack:ready',
      ),
    ).to.deep.equal({
      name: 'Evaluating',
      inputs: ['metrics', 'virtualservices'],
      outputs: ['virtualservices'],
      next: ['Promoting', 'RollBack'],
      ready: true,
    });
  });

  it('names the part that is wrong', () => {
    expect(() => parsePhase('Evaluating:input=metrics')).to.throw(
      "--phase 'Evaluating:input=metrics': 'input=metrics' is not inputs=…, outputs=…, next=…, description=…, while-paused=…, initial, final, resting, ready or not-ready, did you mean 'inputs'?",
    );
    expect(() => parsePhase('a/b')).to.throw("--phase 'a/b': 'a/b' must be letters and digits");
  });
});

describe('the Node version', () => {
  it('is refused below engines in package.json, with one line that names both versions', () => {
    expect(nodeProblem('20.20.1')).to.equal(
      'generator-autopilot needs Node 24.12 or newer; this is Node 20.20.1.',
    );
    expect(nodeProblem('24.11.9')).to.be.a('string');
  });

  it('is accepted from engines in package.json on', () => {
    for (const version of ['24.12.0', '24.13.1', '25.0.0', '26.10.0']) {
      expect(nodeProblem(version), version).to.equal(undefined);
    }
  });
});
