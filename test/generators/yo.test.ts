import { expect } from 'chai';
import { execa } from 'execa';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createEnv } from 'yeoman-environment';
import { build } from '../../scripts/build.ts';
import { FakeTerminal } from './support/fake-terminal.ts';

const repository = resolve(import.meta.dirname, '../..');

describe('yo', function () {
  this.timeout(120_000);
  let dir: string;
  // yo prefers what is compiled to the sources beside it.
  before(() => build());
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'autopilot-yo-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  /**
   * The real yo, our package linked beside it. As root yo would drop to another user; SUDO_UID=-1
   * keeps it from that.
   */
  async function yo(
    cwd: string,
    ...args: string[]
  ): Promise<{ code: number | undefined; text: string }> {
    const options = {
      cwd,
      reject: false,
      all: true,
      stdin: 'ignore',
      env: {
        SUDO_UID: '-1',
        NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} -C autopilot-source`.trim(),
      },
    } as const;
    const result = await execa(
      process.execPath,
      [join(repository, 'node_modules/yo/lib/cli.js'), ...args],
      options,
    );
    return { code: result.exitCode, text: result.all };
  }

  beforeEach(() => {
    mkdirSync(join(dir, 'node_modules'));
    symlinkSync(repository, join(dir, 'node_modules/generator-autopilot'));
  });

  it('refuses an option that no generator has, names the nearest one and writes nothing', async () => {
    const { code, text } = await yo(
      dir,
      'autopilot',
      'my-canary',
      '--kind',
      'Canary',
      '--api-versoin=examples.io/v1',
      '--yes',
      '--skip-install',
    );
    expect(text).to.match(/--api-versoin is not an option of 'yo autopilot'.*--api-version/);
    expect(code).to.not.equal(0);
    expect(existsSync(join(dir, 'my-canary'))).to.equal(false);
  });

  it('starts a project, adds a phase and finds it up to date', async () => {
    const started = await yo(
      dir,
      'autopilot',
      'my-canary',
      '--kind',
      'Canary',
      '--api-version',
      'examples.io/v1',
      '--runtime',
      'registry',
      '--skip-install',
    );
    expect(started.code, started.text).to.equal(0);
    const project = join(dir, 'my-canary');
    const added = await yo(
      project,
      'autopilot:phase',
      'Waiting',
      '--next',
      'Processing',
      '--after',
      'Initializing',
    );
    expect(added.code, added.text).to.equal(0);
    expect(existsSync(join(project, 'src/workers/waiting.ts'))).to.equal(true);
    const again = await yo(project, 'autopilot:generate');
    expect(again.code, again.text).to.equal(0);
    expect(again.text).to.contain('up to date: canary-operator, 4 phases');
  });

  it('takes every phase that is given as an option', async () => {
    const phases = ['--phase', 'Waiting:inputs=deployments,pods:next=Done', '--phase=Done:final'];
    const made = await yo(
      dir,
      'autopilot',
      'optional',
      '--kind',
      'Canary',
      '--api-version',
      'examples.io/v1',
      '--runtime',
      'registry',
      '--skip-install',
      ...phases,
    );
    expect(made.code, made.text).to.equal(0);
    expect(readFileSync(join(dir, 'optional/autopilot.yaml'), 'utf8'))
      .to.contain('inputs: [deployments, pods]')
      .and.to.contain('- name: Done\n    final: true');
  });

  it('names the missing options in one sentence without a terminal, and writes nothing', async () => {
    const result = await yo(dir, 'autopilot', 'my-canary');
    expect(result.code).to.equal(1);
    expect(result.text).to.contain(
      'missing --kind and --api-version: there is no terminal to ask on',
    );
    expect(existsSync(join(dir, 'my-canary'))).to.equal(false);
  });

  it('holds a dialogue through real prompts, with their validation', async () => {
    const terminal = new FakeTerminal();
    const { stdin, stdout } = terminal;
    const env = createEnv({ cwd: dir, stdin, stdout, skipInstall: true } as never);
    env.register(join(repository, 'generators/app/index.ts'), { namespace: 'autopilot:app' });
    const run = Promise.resolve(
      env.run(['autopilot:app', 'my-canary'], { skipInstall: true, runtime: 'registry' } as never),
    );
    const shows = (text: string): Promise<void> => terminal.shows(text, run);
    const answer = (keys: string): void => terminal.type(keys);
    await shows('What do you want to start from');
    answer('\n');
    await shows('What is the kind of the resource');
    answer('canary\n');
    await shows('must be in Pascal case');
    answer('\u0015');
    answer('Canary\n');
    await shows('What is the API group and version');
    answer('\n');
    await shows('What is the name of the operator');
    answer('\n');
    await shows('What is the first phase');
    expect(
      existsSync(join(dir, 'my-canary')),
      'nothing is written before the last answer',
    ).to.equal(false);
    answer('\n');
    await shows('Add a finalizer');
    answer('\n');
    await shows('Write canary-operator for Canary');
    expect(existsSync(join(dir, 'my-canary')), 'nothing is written before the last look').to.equal(
      false,
    );
    answer('\n');
    await run;
    expect(readFileSync(join(dir, 'my-canary/autopilot.yaml'), 'utf8'))
      .to.contain('operatorName: canary-operator')
      .and.to.contain('apiVersion: examples.io/v1');
  });
});
