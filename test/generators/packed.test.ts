import { expect } from 'chai';
import { execa } from 'execa';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from '../../scripts/build.ts';

const repository = resolve(import.meta.dirname, '../..');

describe('the packed generator', function () {
  this.timeout(300_000);
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-packed-'));
    build();
  });
  after(() => rmSync(dir, { recursive: true }));

  async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
    // Without the tests' own conditions: here the compiled packages count.
    const result = await execa(command, args, { cwd, reject: false, all: true, stdin: 'ignore', env: { NODE_OPTIONS: '' } });
    expect(result.exitCode, result.all).to.equal(0);
    return result.all;
  }

  it('makes a project whose own tests and types pass right after npm install', async () => {
    await run(repository, 'npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', dir);
    await run(dir, 'npm', 'init', '-y');
    await run(dir, 'npm', 'install', '--no-audit', '--no-fund', '--silent', join(dir, 'generator-autopilot-0.1.0.tgz'));
    const text = await run(dir, join(dir, 'node_modules/.bin/autopilot'), 'init', 'project', '--kind', 'Canary', '--api-version', 'examples.io/v1');
    expect(text).to.contain('created src/generated/crd.json');
    const project = join(dir, 'project');
    expect(existsSync(join(project, 'node_modules/autopilot-runtime/package.json'))).to.equal(true);
    expect(await run(project, 'npm', 'test')).to.contain('4 passing');
    await run(project, 'npm', 'run', 'typecheck');
    expect(await run(project, join(dir, 'node_modules/.bin/autopilot'), 'generate', '--check')).to.contain('up to date');
  });
});
