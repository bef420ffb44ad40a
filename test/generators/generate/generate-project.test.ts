import { expect } from 'chai';
import { execa } from 'execa';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generateProject, scaffold, upToDate } from '../../../generators/lib/index.ts';
import { builtInKinds } from '../../../generators/lib/kinds/built-in-kinds.ts';
import type { ScaffoldOptions } from '../../../generators/lib/index.ts';

const repository = resolve(import.meta.dirname, '../../..');
const bin = join(repository, 'bin/autopilot.js');

/** Problems that the compiler has with a project, its packages being those of the repository. */
async function compile(dir: string): Promise<string> {
  if (!existsSync(join(dir, 'node_modules'))) {
    symlinkSync(join(repository, 'node_modules'), join(dir, 'node_modules'));
  }
  const { stdout } = await execa(
    join(repository, 'node_modules/.bin/tsc'),
    ['--noEmit', '--customConditions', 'autopilot-source'],
    {
      cwd: dir,
      reject: false,
      preferLocal: true,
      localDir: repository,
    },
  );
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('src/') || line.startsWith('test/'))
    .join('\n');
}

async function autopilot(
  cwd: string,
  ...args: string[]
): Promise<{ code: number | undefined; out: string; error: string }> {
  const result = await execa(process.execPath, ['-C', 'autopilot-source', bin, ...args], {
    cwd,
    reject: false,
    stdin: 'ignore',
  });
  return { code: result.exitCode, out: result.stdout, error: result.stderr };
}

describe('a generated project', function () {
  this.timeout(120_000);
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'autopilot-project-'))));
  afterEach(() => rmSync(dir, { recursive: true }));
  const start = (options: Partial<ScaffoldOptions> = {}): Promise<unknown> =>
    scaffold({ dir, kind: 'Canary', runtime: 'registry', ...options });
  const read = (path: string): string => readFileSync(join(dir, path), 'utf8');

  it('compiles right after generating', async () => {
    await start();
    expect(await compile(dir)).to.equal('');
  });

  it('has nothing in it that a linter minds', async () => {
    await start();
    const { stdout, exitCode } = await execa(
      join(repository, 'node_modules/.bin/oxlint'),
      ['--deny-warnings', 'src', 'test'],
      { cwd: dir, reject: false },
    );
    expect(exitCode, stdout).to.equal(0);
  });

  it('compiles with every kind of input and output, and with a kind of its own', async () => {
    await start({
      phases: [
        {
          name: 'Working',
          initial: true,
          inputs: ['metrics', ...builtInKinds.keys()],
          outputs: [...builtInKinds.keys()],
        },
      ],
    });
    writeFileSync(
      join(dir, 'autopilot.yaml'),
      `${read('autopilot.yaml').replace('[metrics,', '[certificates, metrics,')}customParameters: [{ lowerName: certificates, singleName: Certificate, apiGroup: cert-manager.io }]\n`,
    );
    await generateProject(dir);
    expect(await compile(dir)).to.equal('');
  });

  const wrong: readonly [string, string, RegExp][] = [
    [
      'a phase it may not go to',
      "return { next: 'Initializing' };",
      /^src\/workers\/processing\.ts\(.*'"Initializing"' is not assignable/,
    ],
    [
      'an output it does not declare',
      "return { next: 'Finished', outputs: { pods: [] } };",
      /^src\/workers\/processing\.ts\(.*'pods' does not exist/,
    ],
    [
      'an input it does not declare',
      "context.inputs.pods; return { next: 'Finished' };",
      /^src\/workers\/processing\.ts\(.*'pods' does not exist/,
    ],
    [
      'a rate used without looking at its kind',
      "const rate = await context.metrics.istioSuccessRate({ name: 'a', interval: '1m' }); return rate.value > 1 ? { next: 'Finished' } : { next: 'Processing' };",
      /^src\/workers\/processing\.ts\(.*'value' does not exist/,
    ],
  ];
  // @promise reconcile/typed-phases
  it('fails to compile in one line for each thing a phase did not declare', async () => {
    await start();
    const worker = read('src/workers/processing.ts');
    for (const [title, body, expected] of wrong) {
      const text = worker
        .replace(/import \{ notImplemented.*\n/, '')
        .replace('_context: Context', 'context: Context')
        .replace(/ {2}\/\/ Decide[^]*/, `  ${body}\n}\n`);
      writeFileSync(join(dir, 'src/workers/processing.ts'), text);
      const problems = (await compile(dir))
        .split('\n')
        .filter((line) => line.includes('error TS') && !line.includes('TS6133'));
      expect(problems, title).to.have.length(1);
      expect(problems[0], title).to.match(expected);
    }
  });

  it('is up to date the second time, and drift is reported without writing', async () => {
    await start();
    expect(upToDate((await generateProject(dir)).plan)).to.equal(true);
    expect(await autopilot(dir, 'generate', '--check')).to.include({
      code: 0,
      out: 'up to date: canary-operator, 3 phases',
    });
    writeFileSync(
      join(dir, 'autopilot.yaml'),
      read('autopilot.yaml').replace('has finished', 'is done'),
    );
    const before = read('src/generated/scheduler.ts');
    const drift = await autopilot(dir, 'generate', '--check');
    expect(drift.code).to.equal(1);
    expect(drift.error).to.contain('not up to date');
    expect(read('src/generated/scheduler.ts')).to.equal(before);
  });

  it('is warned once when a kind goes in which resources may have left edits or objects that the operator cannot take back then', async () => {
    const worker = {
      name: 'Working',
      initial: true,
      inputs: ['virtualservices', 'deployments'],
      outputs: ['virtualservices', 'services'],
    };
    await start({ phases: [worker] });
    const whole = read('autopilot.yaml');
    writeFileSync(
      join(dir, 'autopilot.yaml'),
      whole.replaceAll(/virtualservices,? ?/g, '').replaceAll(/ *- virtualservices\n/g, ''),
    );
    const first = await autopilot(dir, 'generate', '--dry-run');
    const [warning, ...more] = first.out.split('\n').filter((line) => line.startsWith('dropped'));
    expect(more).to.deep.equal([]);
    expect(warning).to.match(
      /^dropped: VirtualService\.networking\.istio\.io: nothing edits it .* annotation .*\/field-claims /,
    );
    expect((await autopilot(dir, 'generate')).out).to.contain(warning);
    expect((await autopilot(dir, 'generate')).out).to.not.contain('dropped');
    writeFileSync(join(dir, 'autopilot.yaml'), whole);
    expect((await autopilot(dir, 'generate')).out).to.not.contain('dropped');
  });

  it('gets a phase from the bin, found from a folder below', async () => {
    await start();
    const added = await autopilot(
      join(dir, 'src'),
      'phase',
      'Waiting',
      '--inputs',
      'deployments,metrics',
      '--next',
      'Processing',
      '--after',
      'Initializing',
    );
    expect(added.code, added.error).to.equal(0);
    expect(read('src/generated/scheduler.ts')).to.contain(
      'worker: worker<WaitingWorker>(syncWaiting)',
    );
    expect(await compile(dir)).to.equal('');
  });

  it('renames a phase: the worker moves, only its import changes, and it compiles', async () => {
    await start();
    writeFileSync(
      join(dir, 'src/workers/processing.ts'),
      `${read('src/workers/processing.ts')}// mine\n`,
    );
    const renamed = await autopilot(dir, 'phase', 'rename', 'Processing', 'Working');
    expect(renamed.code, renamed.error).to.equal(0);
    expect(
      existsSync(join(dir, 'src/workers/processing.ts')) ||
        existsSync(join(dir, 'test/processing.test.ts')),
    ).to.equal(false);
    expect(read('src/workers/working.ts'))
      .to.contain("'../generated/working.ts'")
      .and.to.contain('// mine');
    expect(await compile(dir)).to.equal('');
    expect(await autopilot(dir, 'check')).to.include({ code: 0 });
  });

  it('removes a phase only when it is said where its resources are then', async () => {
    await start();
    const before = read('autopilot.yaml');
    const refused = await autopilot(dir, 'phase', 'remove', 'Processing');
    expect([refused.code, refused.error]).to.deep.equal([
      1,
      'missing --replacement: resources may be in Processing. Give --replacement PHASE to continue them in PHASE, or --replacement none to leave them Stalled',
    ]);
    expect(read('autopilot.yaml')).to.equal(before);
    expect(
      (await autopilot(dir, 'phase', 'remove', 'Processing', '--replacement', 'Finished')).error,
    ).to.equal('');
    expect(read('autopilot.yaml')).to.contain('formerly: [Processing]');
  });

  it('is made of phases that are given as options, the first one initial', async () => {
    const made = await autopilot(
      dir,
      'init',
      '.',
      '--kind',
      'Canary',
      '--api-version',
      'examples.io/v1',
      '--runtime',
      'registry',
      '--skip-install',
      '--phase',
      'Waiting:inputs=deployments:next=Done',
      '--phase',
      'Done:final',
    );
    expect(made.error).to.equal('');
    expect(
      (await autopilot(dir, 'graph', '--format', 'mermaid')).out
        .split('\n')
        .map((line) => line.trim()),
    ).to.deep.equal(['stateDiagram-v2', '[*] --> Waiting', 'Waiting --> Done', 'Done --> [*]']);
    expect(await compile(dir)).to.equal('');
  });

  it('says what to type next: into the folder, unless it is this one, in quotes where a shell needs them', async () => {
    const next = async (...args: readonly string[]): Promise<string | undefined> => {
      const { out } = await autopilot(
        dir,
        'init',
        ...args,
        '--kind',
        'Canary',
        '--yes',
        '--runtime',
        'registry',
        '--skip-install',
      );
      return /^Next:\n {2}(.*)$/m.exec(out)?.[1];
    };
    expect(await next("the team's")).to.equal("cd 'the team'\\''s' && npm install && npm test");
    expect(await next('below/one')).to.equal('cd below/one && npm install && npm test');
    expect(await next('.')).to.equal('npm install && npm test');
  });

  it('draws the state machine', async () => {
    await start();
    expect((await autopilot(dir, 'graph')).out).to.contain('Initializing');
    expect((await autopilot(dir, 'graph', '--format', 'mermaid')).out).to.match(/^stateDiagram-v2/);
    expect((await autopilot(dir, 'graph', '--format', 'mermade')).error).to.equal(
      "--format 'mermade': must be one of boxes, mermaid, dot, svg, did you mean 'mermaid'?",
    );
  });

  it('is not written at all when an option is wrong or missing', async () => {
    const target = join(dir, 'new');
    const missing = await autopilot(dir, 'init', 'new');
    expect(missing.code).to.equal(1);
    expect(missing.error).to.match(
      /^missing --kind and --api-version: there is no terminal to ask on/,
    );
    expect((await autopilot(dir, 'init', 'new', '--knid', 'Canary')).error).to.equal(
      "--knid is not an option of 'autopilot init', did you mean '--kind'?",
    );
    expect((await autopilot(dir, 'init', 'new', '--kind', 'canary', '--yes')).error).to.match(
      /^--kind: 'canary' must be in Pascal case/,
    );
    expect(existsSync(target)).to.equal(false);
  });

  it('is not replaced by a second init', async () => {
    await start();
    const again = await autopilot(dir, 'init', '.', '--kind', 'Other', '--yes', '--skip-install');
    expect(again.code).to.equal(1);
    expect(again.error).to.contain(
      "has an autopilot.yaml already: 'autopilot generate' brings it up to date",
    );
  });

  it('names every problem of autopilot.yaml and writes nothing', async () => {
    await start();
    writeFileSync(
      join(dir, 'autopilot.yaml'),
      read('autopilot.yaml').replace('[metrics]', '[metrisc]').replace('[Finished]', '[Finishd]'),
    );
    const files = readdirSync(dir, { recursive: true }).length;
    const result = await autopilot(dir, 'generate');
    expect(result.code).to.equal(1);
    expect(result.error.split('\n')).to.have.length(3);
    expect(result.error).to.contain("autopilot.yaml:15:14: phases[1].inputs[0] names 'metrisc'");
    expect(readdirSync(dir, { recursive: true })).to.have.length(files);
  });
});
