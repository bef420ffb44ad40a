import { expect } from 'chai';
import { execa } from 'execa';
import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');
const start = (...args: readonly string[]) =>
  execa(process.execPath, ['scripts/bootstrap.mjs', 'scripts/start.ts', ...args], {
    cwd: repository,
    reject: false,
    all: true,
    stdin: 'ignore',
    env: { NODE_OPTIONS: '' },
  });

describe('npm start', () => {
  it('runs AutoRoute: routes three Deployments and a fourth, and deletes the routes of a removed one', async () => {
    const { exitCode, all } = await start();
    expect(exitCode, all).to.equal(0);
    const happened = all
      .split('\n')
      .flatMap((line) => /^ *[\d.]+ s {3,}(.*)$/.exec(line)?.[1] ?? []);
    expect(happened).to.deep.equal([
      'AutoRoute default/example: Initializing -> Syncing',
      ...['api', 'shop', 'web'].map((name) => `+ Service ${name}`),
      ...['api', 'shop', 'web'].map((name) => `+ VirtualService ${name}.example`),
      '+ Gateway example',
      'AutoRoute default/example: Syncing -> Ready',
      'AutoRoute default/example: Ready -> Syncing',
      '+ Service search',
      '+ VirtualService search.example',
      'AutoRoute default/example: Syncing -> Ready',
      'AutoRoute default/example: Ready -> Syncing',
      '- Service api',
      '- VirtualService api.example',
      'AutoRoute default/example: Syncing -> Ready',
    ]);
    expect(all).to.contain('6 phase changes; 9 objects created, 0 updated, 2 pruned.');
    const dir = /yours to look at: (.*)$/m.exec(all)?.[1] ?? '';
    expect(existsSync(join(dir, 'src/workers/syncing.ts'))).to.equal(true);
    rmSync(dir, { recursive: true });
  });

  it('stays with --keep, until Ctrl-C, and ends with exit code 0', async () => {
    const running = start('--keep');
    for await (const line of running.iterable({ from: 'all' })) {
      if (String(line).includes('Ctrl-C ends it')) {
        running.kill('SIGINT');
      }
    }
    const { exitCode, all } = await running;
    expect([exitCode, all.trim().split('\n').at(-1)]).to.deep.equal([0, 'stopped']);
    rmSync(/yours to look at: (.*)$/m.exec(all)?.[1] ?? '', { recursive: true });
  });

  it('says which option it does not know', async () => {
    const { exitCode, all } = await start('--kep');
    expect([exitCode, all]).to.deep.equal([
      2,
      "error: npm start does not know '--kep'; npm start -- --keep stays until Ctrl-C",
    ]);
  });
});
