import { expect } from 'chai';
import { execa } from 'execa';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generateProject, loadModel, scaffold, upToDate } from '../../../generators/lib/index.ts';
import { findProject, refuseExisting } from '../../../generators/lib/generate/find-project.ts';

const repository = resolve(import.meta.dirname, '../../..');

const good = `kind: Canary
apiVersion: examples.io/v1
operatorName: canary-operator
phases:
  - { name: Initializing, initial: true, next: [Finished] }
  - { name: Finished, final: true }
`;

function sentences(text: string): readonly string[] {
  const loaded = loadModel(text, 'autopilot.yaml');
  return 'problems' in loaded
    ? loaded.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`)
    : [];
}

describe('an autopilot.yaml that is wrong is one sentence for each thing', () => {
  const phase = (text: string): string => `${good}${text}\n`;
  const cases: readonly (readonly [title: string, text: string, sentence: RegExp])[] = [
    [
      'a merge conflict',
      good.replace('phases:', '<<<<<<< HEAD\n=======\nplural: canaries\n>>>>>>> main\nphases:'),
      /^4:1: a merge conflict begins here: keep the lines of one side, and remove those with <<<<<<<, ======= and >>>>>>>$/,
    ],
    [
      'a second document',
      phase('---\nkind: Other'),
      /^7:1: a second YAML document begins here, but the file has one: remove the line '---', or the rest$/,
    ],
    ['an unknown key', `${good}colour: red\n`, /^7:1: colour is not a known field/],
    [
      'an unknown key that every object has',
      `${good}constructor: red\n`,
      /^7:1: constructor is not a known field/,
    ],
    [
      'two initial phases',
      good.replace('final: true', 'initial: true'),
      /^6:\d+: phases\[1\] is initial, but phases\[0\] \('Initializing'\) is already/,
    ],
    [
      'no initial phase',
      good.replace('initial: true, ', ''),
      /no phase is initial: set 'initial: true' on the phase in which new resources start/,
    ],
    [
      'next to nowhere',
      good
        .replace('[Finished]', '[Finished, Promotin]')
        .replace(
          '  - { name: Finished',
          '  - { name: Promoting, next: [Finished] }\n  - { name: Finished',
        ),
      /names 'Promotin', which is not a phase, did you mean 'Promoting'\?/,
    ],
    [
      'an unreachable phase',
      phase('  - { name: Alone }'),
      /^7:\d+: phases\[2\] \('Alone'\) cannot be reached from 'Initializing'/,
    ],
    [
      'a phase named a/b',
      good.replaceAll('Finished', 'a/b'),
      /'a\/b' must be letters and digits, beginning with a letter/,
    ],
    [
      'a phase beside one that differs in capitals',
      phase('  - { name: initializing }'),
      /'initializing' is taken by phases\[0\] \(names become file names/,
    ],
    [
      'a kind in small letters',
      good.replace('kind: Canary', 'kind: canary'),
      /^1:7: kind 'canary' must be in Pascal case/,
    ],
    [
      'an apiVersion without a group',
      good.replace('examples.io/v1', 'v1'),
      /^2:13: apiVersion 'v1' must have two parts, a group and a version/,
    ],
    [
      'an operator name of 80 characters',
      good.replace('canary-operator', 'a'.repeat(80)),
      /longer than 52 characters, which leaves no room for the suffixes of its objects/,
    ],
    [
      'a typo in an input',
      good.replace('next:', 'inputs: [deployment], next:'),
      /names 'deployment', which is not a known kind, did you mean 'deployments'\?/,
    ],
    ['a tab', good.replace('  - { name: Finished', '\t- { name: Finished'), /^6:\d+: .*[Tt]ab/],
    ['an empty file', '', /^1:1: kind is missing/],
    ['a list instead of a mapping', '- kind: Canary\n', /^1:1: must be a mapping/],
    [
      'a file of 2 MB',
      `${good}#${'x'.repeat(2_000_000)}`,
      /^1:1: the file has 2 MB; the maximum is 1 MB/,
    ],
    [
      'a bomb of aliases',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
        .split('')
        .map(
          (letter, index) =>
            `${letter}: &${letter} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]\n`,
        )
        .join('')}${good}`,
      /^1:1: Excessive alias count/,
    ],
  ];
  for (const [title, text, sentence] of cases) {
    it(title, () => {
      const found = sentences(text);
      expect(
        found.some((one) => sentence.test(one)),
        found.join('\n') || 'it loaded',
      ).to.equal(true);
    });
  }

  it('everything at once, in the order of the file: unknown keys beside names that lead nowhere', () => {
    const text = good
      .replace('next: [Finished]', 'next: [Finishd], inputs: [{ name: pod, optionl: true }]')
      .replace('final: true', 'final: true, intervall: 5s');
    expect(
      sentences(`${text}colour: red\n`).map(
        (sentence) =>
          /^\d+:\d+: (?:\S+ is not|\S+ names|\S+ \('Finished'\) cannot)/.exec(sentence)?.[0],
      ),
    ).to.deep.equal([
      '5:49: phases[0].next names',
      '5:68: phases[0].inputs[0] names',
      '5:81: phases[0].inputs[0].optionl is not',
      "6:13: phases[1] ('Finished') cannot",
      '6:36: phases[1].intervall is not',
      '7:1: colour is not',
    ]);
  });

  it('loads names that JavaScript knows: Constructor, default, toString', () => {
    expect(
      sentences(good.replaceAll('Initializing', 'Constructor').replaceAll('Finished', 'default')),
    ).to.deep.equal([]);
    expect(
      sentences(good.replaceAll('Initializing', 'toString').replaceAll('Finished', 'Prototype')),
    ).to.deep.equal([]);
  });
});

describe('nothing is lost', function () {
  this.timeout(120_000);
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'autopilot bäd input '))));
  afterEach(() => {
    chmodSync(dir, 0o755);
    rmSync(dir, { recursive: true });
  });
  const read = (path: string): string => readFileSync(join(dir, path), 'utf8');
  const autopilot = async (
    ...args: readonly string[]
  ): Promise<{ code: number | undefined; error: string; out: string }> => {
    const result = await execa(
      process.execPath,
      ['-C', 'autopilot-source', join(repository, 'bin/autopilot.js'), ...args],
      {
        cwd: dir,
        reject: false,
        stdin: 'ignore',
      },
    );
    return { code: result.exitCode, error: result.stderr, out: result.stdout };
  };
  const start = (options: object = {}): Promise<unknown> =>
    scaffold({ dir, kind: 'Canary', runtime: 'registry', ...options });

  it('in a folder with spaces and letters beyond ASCII: the project generates and compiles', async () => {
    await start({
      phases: [{ name: 'Constructor', initial: true, next: ['default'] }, { name: 'default' }],
    });
    symlinkSync(join(repository, 'node_modules'), join(dir, 'node_modules'));
    const { stdout } = await execa(
      join(repository, 'node_modules/.bin/tsc'),
      ['--noEmit', '--customConditions', 'autopilot-source'],
      {
        cwd: dir,
        reject: false,
      },
    );
    expect(stdout).to.equal('');
  });

  it('when autopilot.yaml is missing: a sentence that says how to begin', async () => {
    const { code, error } = await autopilot('generate');
    expect([code, error]).to.deep.equal([
      1,
      `there is no autopilot.yaml in ${dir} or above: start a project with 'yo autopilot' or 'autopilot init'`,
    ]);
  });

  for (const name of ['autopilot.yaml', 'autopilot-operator.yaml']) {
    it(`when ${name} ends in .yml: the name that it must have, from generate and from init`, async () => {
      await scaffold({ dir, kind: 'Canary', runtime: 'registry' });
      const other = name.replace('yaml', 'yml');
      renameSync(join(dir, name), join(dir, other));
      const sentence = `${other} in ${dir} must be called ${name}: rename it`;
      const error = await generateProject(dir).catch((thrown: Error) => thrown.message);
      expect(error).to.equal(sentence);
      if (name === 'autopilot.yaml') {
        expect(() => findProject(join(dir, 'src'))).to.throw(sentence);
        expect(() => refuseExisting(dir, false)).to.throw(sentence);
      }
    });
  }

  it('when src/spec.ts does not compile: the file is named and nothing is written', async () => {
    await start();
    const before = read('src/generated/crd.json');
    writeFileSync(
      join(dir, 'src/spec.ts'),
      'export interface CanarySpec { readonly x: Missing }\nexport interface CanaryStatusInfo {}\n',
    );
    const { code, error } = await autopilot('generate');
    expect(code).to.equal(1);
    expect(error).to.contain(join(dir, 'src/spec.ts'));
    expect(error).to.not.contain('    at ');
    expect(read('src/generated/crd.json')).to.equal(before);
  });

  it('when a folder cannot be made: the path is named, and the next generate completes the rest', async () => {
    // Root can write to every folder: a file in place of the folder simulates a folder without
    // permissions or a full disk.
    await start();
    rmSync(join(dir, 'src/generated'), { recursive: true });
    writeFileSync(join(dir, 'src/generated'), '');
    const { code, error } = await autopilot('generate');
    expect(code).to.equal(1);
    expect(error).to.match(/src\/generated/);
    expect(error).to.not.contain('    at ');
    rmSync(join(dir, 'src/generated'));
    expect((await autopilot('generate')).code).to.equal(0);
    expect(upToDate((await generateProject(dir, { dryRun: true })).plan)).to.equal(true);
  });

  it('when this user may not write there: nothing is asked in vain, and whoever was root before yo is told of the bin', async function () {
    if (process.getuid?.() !== 0) {
      this.skip();
    }
    chmodSync(dir, 0o755);
    const commands = JSON.stringify(join(repository, 'generators/lib/cli/commands.ts'));
    const target = JSON.stringify(join(dir, 'new/canary'));
    const code = `const { init } = await import(${commands});
process.setuid(65534);
const ask = () => { throw new Error('asked'); };
const report = (error) => console.log(error.message);
await init(${target}, {}, { ask, say() {} }).catch(report);`;
    const { stdout } = await execa(
      process.execPath,
      ['-C', 'autopilot-source', '--input-type=module', '--eval', code],
      { env: { HOME: '/root' } },
    );
    expect(stdout).to.equal(
      `cannot write ${join(dir, 'new/canary')}: this user may not write there. yo drops root privileges and runs as user 65534: as root run 'autopilot init' instead`,
    );
  });

  it('when it is interrupted anywhere: the next generate completes it', async () => {
    await start();
    writeFileSync(
      join(dir, 'autopilot.yaml'),
      read('autopilot.yaml').replace('has finished', 'is done'),
    );
    const { plan } = await generateProject(dir, { dryRun: true });
    const steps = [
      ...plan.records.filter(({ path }) => !path.endsWith('lock.json')),
      ...plan.changes,
    ];
    expect(steps.length).to.be.greaterThan(3);
    // Every prefix of the writes is what a kill can leave behind.
    for (let done = 0; done < steps.length; done++) {
      const { path, content } = steps[done] ?? { path: '', content: '' };
      writeFileSync(join(dir, path), content ?? '');
      const next = await generateProject(dir, { dryRun: true });
      expect(next.plan.edited, `after ${done + 1} writes`).to.deep.equal([]);
    }
    await generateProject(dir);
    expect(upToDate((await generateProject(dir, { dryRun: true })).plan)).to.equal(true);
  });

  it('of a worker when its phase is removed: the file stays, and generate says whose it was', async () => {
    await start();
    writeFileSync(
      join(dir, 'src/workers/processing.ts'),
      read('src/workers/processing.ts').replace(
        /return notImplemented.*/,
        "return { next: 'Finished' }; // mine",
      ),
    );
    writeFileSync(
      join(dir, 'autopilot.yaml'),
      read('autopilot.yaml')
        .replace(/ {2}- name: Processing[^]*?(?= {2}- name: Finished)/, '')
        .replace('[Processing]', '[Finished]'),
    );
    // Resources may be in the phase, so that the user must confirm that none is.
    expect((await autopilot('generate')).error).to.contain(
      'status.phase: was one of "Initializing", "Processing", "Finished"',
    );
    const { code, out } = await autopilot('generate', '--accept-breaking');
    expect(code).to.equal(0);
    expect(read('src/workers/processing.ts')).to.contain('// mine');
    expect(out).to.contain('orphaned: src/workers/processing.ts is not used any more');
    expect(out, 'it imports the types of the phase').to.contain(
      'orphaned: test/processing.test.ts is not used any more',
    );
    expect(out).to.contain(
      'look at src/workers/initializing.ts: the next of Initializing has changed',
    );
    expect(existsSync(join(dir, 'src/generated/processing.ts'))).to.equal(false);
  });

  it('of a verb with a typo, and of a phase that is there already', async () => {
    await start();
    expect((await autopilot('phase', 'remov', 'Processing')).error).to.contain(
      "'remov' is not one of add, edit, rename, remove, move, did you mean 'remove'?",
    );
    expect((await autopilot('phase', 'Processing')).error).to.contain(
      "there is a phase 'Processing' already",
    );
    expect((await autopilot('phase', 'processing')).error).to.contain(
      "'processing' is taken by 'Processing'",
    );
  });

  it('of inputs that need one more package: generate says that it has to be installed, once', async () => {
    await start();
    writeFileSync(
      join(dir, 'autopilot.yaml'),
      read('autopilot.yaml').replace('inputs: [metrics]', 'inputs: [metrics, deployments]'),
    );
    expect((await autopilot('generate')).out).to.contain(
      'install: package.json asks for kubernetes-models now: npm install\n',
    );
    writeFileSync(
      join(dir, 'autopilot.yaml'),
      read('autopilot.yaml').replace('deployments]', 'deployments, services]'),
    );
    expect((await autopilot('generate')).out).to.not.contain('install:');
  });

  it('of an autopilot.yaml with CRLF line ends: it loads, and an added phase keeps them', async () => {
    await start();
    writeFileSync(join(dir, 'autopilot.yaml'), read('autopilot.yaml').replaceAll('\n', '\r\n'));
    expect(
      (await autopilot('phase', 'Waiting', '--next', 'Processing', '--after', 'Initializing'))
        .error,
    ).to.equal('');
    const text = read('autopilot.yaml');
    expect(text).to.contain('name: Waiting\r\n');
    expect(text.replaceAll('\r\n', '')).to.not.match(/\n/);
  });

  it('with --dry-run: the difference is shown and no byte is written; --bail writes nothing when there would be conflicts', async () => {
    await start();
    mkdirSync(join(dir, 'below'));
    const notes = 'charts/canary-operator/templates/NOTES.txt';
    const greeting = (path: string, text: string): void =>
      writeFileSync(join(dir, path), read(path).replace(/^canary-operator runs.*$/m, text));
    greeting(notes, 'mine');
    greeting(`.autopilot/base/${notes}`, 'as it was');
    const mine = read(notes);
    const dry = await autopilot('generate', '--dry-run');
    expect(dry.out)
      .to.contain(`--- a/${notes}`)
      .and.to.contain('+<<<<<<< user')
      .and.to.contain(`conflict: ${notes}`);
    const bail = await autopilot('generate', '--bail');
    expect([bail.code, bail.error]).to.deep.equal([
      1,
      `${notes}: you and the generator have changed the same lines. Nothing was written (--bail).`,
    ]);
    expect(read(notes)).to.equal(mine);
  });
});
