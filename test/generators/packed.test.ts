import { expect } from 'chai';
import { execa } from 'execa';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createEnv } from 'yeoman-environment';
import { build } from '../../scripts/build.ts';
import { Terminal } from './terminal.ts';

const repository = resolve(import.meta.dirname, '../..');

describe('the packed generator', function () {
  this.timeout(300_000);
  let dir: string;
  let autopilot: string;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-packed-'));
    autopilot = join(dir, 'node_modules/.bin/autopilot');
    build();
    await run(repository, 'npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', dir);
    await run(dir, 'npm', 'init', '-y');
    await run(dir, 'npm', 'install', '--no-audit', '--no-fund', '--silent', join(dir, 'generator-autopilot-0.1.0.tgz'));
  });
  after(() => rmSync(dir, { recursive: true }));

  async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
    // Without the tests' own conditions: here the compiled packages count.
    const result = await execa(command, args, { cwd, reject: false, all: true, stdin: 'ignore', env: { NODE_OPTIONS: '' } });
    expect(result.exitCode, result.all).to.equal(0);
    return result.all;
  }

  /** What its user does first. */
  async function passes(project: string): Promise<void> {
    if (!existsSync(join(project, 'node_modules'))) await run(project, 'npm', 'install', '--no-audit', '--no-fund', '--silent');
    expect(await run(project, 'npm', 'test')).to.match(/[1-9]\d* passing/);
    await run(project, 'npm', 'run', 'typecheck');
    expect(await run(project, autopilot, 'generate', '--check')).to.contain('up to date');
  }

  it('makes a default project whose own tests and types pass right after npm install', async () => {
    const text = await run(dir, autopilot, 'init', 'default', '--kind', 'Canary', '--api-version', 'examples.io/v1');
    expect(text).to.contain('created src/generated/ (');
    const project = join(dir, 'default');
    expect(existsSync(join(project, 'node_modules/autopilot-runtime/package.json')), 'init installs').to.equal(true);
    await passes(project);
  });

  it('makes the AutoRoute example, with its workers and their tests', async () => {
    await run(dir, autopilot, 'init', 'autoroute', '--example', 'autoroute', '--skip-install');
    const project = join(dir, 'autoroute');
    expect(readFileSync(join(project, 'src/workers/syncing.ts'), 'utf8')).to.equal(
      readFileSync(join(repository, 'examples/autoroute/src/workers/syncing.ts'), 'utf8'),
    );
    await passes(project);
  });

  it('makes a project of phases that were named in the dialogue', async () => {
    const terminal = new Terminal();
    const env = createEnv({ cwd: dir, stdin: terminal.stdin, stdout: terminal.stdout, skipInstall: true } as never);
    env.register(join(dir, 'node_modules/generator-autopilot/dist/generators/app/index.js'), { namespace: 'autopilot:app' });
    const dialogue = Promise.resolve(env.run(['autopilot:app', 'prompted'], { skipInstall: true } as never));
    const answers: readonly (readonly [question: string, keys: string])[] = [
      ['Start from', '\n'],
      ['Kind of the resource', 'Experiment\n'],
      ['API group and version', '\n'],
      ['Name of the operator', '\n'],
      ['First phase', 'Waiting\n'],
      ['What happens in Waiting', 'Waits for its turn\n'],
      ['Does a resource in Waiting count as ready', '\n'],
      ['What does Waiting read', ' \n'],
      ['What does Waiting write', '\n'],
      ['Where may it go from Waiting', 'Running\n'],
      ['Another phase', '\n'],
      ['Next phase', 'Running\n'],
      ['What happens in Running', '\n'],
      ['Is Running final', '\n'],
      ['Does a resource in Running count as ready', '\n'],
      ['What does Running read', '\n'],
      ['What does Running write', ' \n'],
      ['Where may it go from Running', 'Waiting,Done\n'],
      ['Another phase', '\n'],
      ['Next phase', 'Done\n'],
      ['What happens in Done', '\n'],
      ['Is Done final', 'y\n'],
      ['Another phase', 'n\n'],
      ['Write experiment-operator', '\n'],
    ];
    for (const [question, keys] of answers) {
      await terminal.shows(question, dialogue);
      terminal.type(keys);
    }
    await dialogue;
    const project = join(dir, 'prompted');
    expect(readFileSync(join(project, 'autopilot.yaml'), 'utf8'))
      .to.contain('Waits for its turn')
      .and.to.match(/next: \[\s?Waiting, Done\s?\]/);
    await passes(project);
  });
});
