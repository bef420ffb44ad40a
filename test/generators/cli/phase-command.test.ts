import { expect } from 'chai';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateProject, loadModel, scaffold, upToDate } from '../../../generators/lib/index.ts';
import type { ModelPhase } from '../../../generators/lib/index.ts';
import { runPhaseCommand } from '../../../generators/lib/cli/phase-command.ts';
import type { PhaseCommandOptions } from '../../../generators/lib/cli/phase-command.ts';
import { DEFAULT, scriptAnswers } from '../support/scripted-answers.ts';
import type { Answers } from '../support/scripted-answers.ts';

describe('yo autopilot:phase', function () {
  this.timeout(120_000);
  let dir: string;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-phase-'));
    await scaffold({ dir, kind: 'Canary', runtime: 'registry' });
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const read = (path: string): string => readFileSync(join(dir, path), 'utf8');
  const phases = (): readonly ModelPhase[] => {
    const loaded = loadModel(read('autopilot.yaml'), 'autopilot.yaml');
    return 'model' in loaded ? loaded.model.phases : [];
  };
  const everything = (): unknown =>
    readdirSync(dir, { recursive: true }).map((name) => [
      name,
      statSync(join(dir, String(name))).mtimeMs,
    ]);

  /** @returns what was said, or the error */
  async function change(
    words: readonly string[],
    answers: Answers,
    options: PhaseCommandOptions = {},
  ): Promise<string> {
    const { ask, asked } = scriptAnswers(answers);
    const said: string[] = [];
    const error = await runPhaseCommand(dir, words, options, {
      ask,
      print: (line) => said.push(line),
    }).then(
      () => undefined,
      (reason: Error) => reason.message,
    );
    if (error !== undefined) {
      return error;
    }
    expect(asked).to.have.length(answers.length);
    expect(upToDate((await generateProject(dir, { dryRun: true })).plan)).to.equal(true);
    return said.join('\n');
  }

  it('without a word asks what to do, and draws the state machine before and after', async () => {
    const said = await change(
      [],
      [
        ['verb', 'add'],
        ['name', 'Waiting'],
        ['description', ''],
        ['final', false],
        ['ready', DEFAULT],
        ['inputs', ['deployments']],
        ['outputs', []],
        ['next', ['Processing']],
        ['before', ['Initializing']],
        ['write', true],
      ],
    );
    expect(said).to.match(
      /Initializing │ ──▶ Processing\n[^]*Initializing │ ──▶ Waiting, Processing\n/,
    );
    expect(said)
      .to.contain('create src/workers/waiting.ts')
      .and.to.contain('created src/workers/waiting.ts');
    expect(phases().map(({ name, ready }) => [name, ready])).to.deep.include(['Waiting', true]);
  });

  it('edits what a phase is, with what it is now as the default: Enter alone changes nothing', async () => {
    const before = everything();
    const enter: Answers = ['description', 'final', 'ready', 'inputs', 'outputs', 'next'].map(
      (name) => [name, DEFAULT],
    );
    expect(await change(['edit', 'Processing'], enter)).to.contain('Nothing to change.');
    expect(everything()).to.deep.equal(before);
    await change(
      [],
      [
        ['verb', 'edit'],
        ['phase', 'Processing'],
        ...enter.slice(0, 3),
        ['inputs', ['metrics', 'pods']],
        ...enter.slice(4),
        ['write', true],
      ],
    );
    expect(read('autopilot.yaml')).to.contain('inputs: [metrics, pods]');
  });

  it('makes a phase final, which takes away what a worker would use', async () => {
    await change(['edit', 'Initializing'], [], { next: 'Processing,Finished' });
    await change(
      ['edit', 'Processing'],
      [
        ['description', DEFAULT],
        ['final', true],
        ['ready', DEFAULT],
        ['write', true],
      ],
    );
    expect(
      phases().map(({ name, final, outputs, metrics }) => [name, final, outputs.length, metrics]),
    ).to.deep.include(['Processing', true, 0, false]);
  });

  it('makes an end rest, by option and by dialogue, and says what a pause does', async () => {
    await change(['edit', 'Finished'], [], { resting: true, whilePaused: 'release' });
    expect(read('autopilot.yaml')).to.match(
      /name: Finished\n {4}description: .*\n(?! {4}final)[^]*resting: true\n {4}whilePaused: release\n/,
    );
    const [finished] = phases().slice(-1);
    expect([finished?.final, finished?.ready]).to.deep.equal([false, true]);
    await change(['edit', 'Finished'], [], { whilePaused: 'keep' });
    expect(read('autopilot.yaml')).not.to.contain('whilePaused');
    await change(
      ['edit', 'Finished'],
      [
        ['description', DEFAULT],
        ['final', false],
        ['resting', false],
        ['ready', false],
        ...['inputs', 'outputs', 'next'].map((name) => [name, DEFAULT] as const),
        ['write', true],
      ],
    );
    expect(phases().at(-1)).to.deep.include({ final: false, ready: false });
    expect(read('autopilot.yaml')).not.to.contain('resting');
    await change(['add', 'Kept'], [], { resting: true, after: 'Finished', whilePaused: 'release' });
    expect(read('autopilot.yaml')).to.match(
      /name: Kept\n {4}resting: true\n {4}whilePaused: release\n/,
    );
    await change(['edit', 'Kept'], [], { final: true });
    expect(phases().at(-1)).to.deep.include({ name: 'Kept', final: true, ready: true });
    expect(await change(['edit', 'Kept'], [], { whilePaused: 'stop' })).to.equal(
      "while-paused is 'stop', which is neither keep nor release",
    );
  });

  it('removes a phase: asks for the replacement, says what will be orphaned, and writes nothing when the answer is no', async () => {
    const before = everything();
    const answers: Answers = [
      ['verb', 'remove'],
      ['phase', 'Processing'],
      ['replacement', 'Finished'],
    ];
    expect(await change([], [...answers, ['write', false]])).to.equal(
      'Stopped; nothing was written.',
    );
    expect(everything()).to.deep.equal(before);
    const said = await change([], [...answers, ['write', true]]);
    expect(said)
      .to.contain('orphaned src/workers/processing.ts: it is kept but not used')
      .and.to.contain('Resources in Processing continue in Finished.');
    expect(phases().map(({ name, formerly }) => [name, formerly])).to.deep.equal([
      ['Initializing', []],
      ['Finished', ['Processing']],
    ]);
  });

  it('leads on to what nothing else leads to when a phase in the middle goes', async () => {
    const said = await change(
      ['remove', 'Processing'],
      [
        ['replacement', 'none'],
        ['write', true],
      ],
    );
    expect(said).to.contain('Initializing may now go to Finished.');
    expect(phases().map(({ name, next }) => [name, next])).to.deep.include([
      'Initializing',
      ['Initializing', 'Finished'],
    ]);
  });

  it('offers no replacement that requires an approval', async () => {
    const yaml = read('autopilot.yaml').replace(
      'name: Finished',
      'name: Finished\n    approval: required',
    );
    writeFileSync(join(dir, 'autopilot.yaml'), yaml);
    const { ask } = scriptAnswers([['replacement', 'none']]);
    const offered: string[] = [];
    await runPhaseCommand(
      dir,
      ['remove', 'Processing'],
      {},
      {
        ask: (question) => {
          const { choices = [] } = question as { readonly choices?: readonly { value: string }[] };
          offered.push(...choices.map(({ value }) => value));
          return ask(question);
        },
        print: () => {},
      },
    ).catch(() => {});
    expect(offered).to.include('none').and.to.include('Initializing');
    expect(offered).not.to.include('Finished');
  });

  it('renames a phase: the worker moves, resources continue, and a second rename completes one that was interrupted', async () => {
    writeFileSync(
      join(dir, 'src/workers/processing.ts'),
      `${read('src/workers/processing.ts')}// mine\n`,
    );
    const worker = read('src/workers/processing.ts');
    // As interrupted before autopilot.yaml was written: the worker is there twice.
    writeFileSync(
      join(dir, 'src/workers/working.ts'),
      worker.replaceAll('/processing.ts', '/working.ts'),
    );
    const said = await change(
      [],
      [
        ['verb', 'rename'],
        ['phase', 'Processing'],
        ['name', 'Working'],
        ['write', true],
      ],
    );
    expect(said).to.contain('Resources in Processing continue in Working');
    expect([
      existsSync(join(dir, 'src/workers/processing.ts')),
      read('src/workers/working.ts').includes('// mine'),
    ]).to.deep.equal([false, true]);
    // As interrupted after it: the old file has not gone yet.
    writeFileSync(join(dir, 'src/workers/processing.ts'), worker);
    await generateProject(dir);
    expect(existsSync(join(dir, 'src/workers/processing.ts'))).to.equal(false);
    writeFileSync(join(dir, 'src/workers/processing.ts'), `${worker}// not the same\n`);
    await generateProject(dir);
    expect(
      existsSync(join(dir, 'src/workers/processing.ts')),
      "what is not the same is the user's",
    ).to.equal(true);
  });

  it('takes away by options what options have given, and by a dash what Enter keeps', async () => {
    await change(['edit', 'Processing'], [], {
      description: '',
      inputs: '',
      next: 'any',
      ready: true,
    });
    expect(read('autopilot.yaml')).to.match(/name: Processing\n {4}outputs: .*\n {4}ready: true\n/);
    await change(['edit', 'Processing'], [], { notReady: true, next: 'Finished' });
    expect(read('autopilot.yaml')).to.match(
      /name: Processing\n {4}outputs: .*\n {4}next: \[Finished\]\n/,
    );
    await change(['add', 'Failed'], [], { final: true, notReady: true, after: 'Processing' });
    expect(read('autopilot.yaml')).to.match(/name: Failed\n {4}final: true\n {4}ready: false\n/);
    await change(['edit', 'Failed'], [], { notFinal: true, next: 'Finished' });
    expect(read('autopilot.yaml')).to.match(/name: Failed\n {4}next: \[Finished\]\n/);
    const contrary = await change(['edit', 'Failed'], [], { final: true, notFinal: true });
    expect(contrary).to.equal('--final and --not-final contradict each other');
    await change(
      ['edit', 'Finished'],
      [
        ['description', '-'],
        ['final', DEFAULT],
        ['ready', DEFAULT],
        ['write', true],
      ],
    );
    expect(phases().find(({ name }) => name === 'Finished')?.description).to.equal(undefined);
  });

  it('moves a phase', async () => {
    await change(
      [],
      [
        ['verb', 'move'],
        ['phase', 'Finished'],
        ['after', 'none'],
        ['write', true],
      ],
    );
    expect(phases().map(({ name }) => name)).to.deep.equal([
      'Finished',
      'Initializing',
      'Processing',
    ]);
    await change(['move', 'Finished'], [], { after: 'Processing' });
    expect(phases().map(({ name }) => name)).to.deep.equal([
      'Initializing',
      'Processing',
      'Finished',
    ]);
  });

  it('without a terminal names the option or argument that is missing, and writes nothing', async () => {
    const before = everything();
    const without = (
      words: readonly string[],
      options: PhaseCommandOptions = {},
    ): Promise<string> =>
      runPhaseCommand(dir, words, options, { ask: undefined, print: () => {} }).then(
        () => 'done',
        (error: Error) => error.message,
      );
    expect(await without([])).to.match(/^missing what to do: there is no terminal to ask on/);
    expect(await without(['add'])).to.match(
      /^missing the phase's name: there is no terminal to ask on \(for example: autopilot phase Waiting /,
    );
    expect(await without(['edit'])).to.match(/^missing the phase's name: .* autopilot phase edit /);
    expect(await without(['edit', 'Processing'])).to.match(
      /^nothing to change: give --description, --inputs/,
    );
    expect(await without(['rename', 'Processing'])).to.match(
      /^missing the new name: .* autopilot phase rename Waiting Pausing\)$/,
    );
    expect(await without(['remove', 'Processing'])).to.match(/--replacement PHASE/);
    expect(await without(['remove', 'Processing'], { replacement: 'Finishd' })).to.match(
      /^--replacement names 'Finishd', which is not a phase .* 'Finished'\?$/,
    );
    expect(await without(['move', 'Processing'])).to.match(
      /^missing --after: there is no terminal to ask on/,
    );
    expect(await without(['move', 'Processing'], { after: 'Processing' })).to.match(
      /^--after Processing: Processing cannot come after itself/,
    );
    expect(await without(['remove', 'Procesing'], { replacement: 'none' })).to.match(
      /^'Procesing' is not a phase of autopilot.yaml, did you mean 'Processing'\?$/,
    );
    expect(everything()).to.deep.equal(before);
  });
});
