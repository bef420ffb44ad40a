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
  it('runs AutoRoute: routes three Deployments and a fourth, prunes the routes of a deleted one, repairs changes', async () => {
    const { exitCode, all } = await start();
    expect(exitCode, all).to.equal(0);
    const happened = all
      .split('\n')
      .flatMap((line) => /^ *[\d.]+ s {3,}(.*)$/.exec(line)?.[1] ?? []);
    expect(happened).to.deep.equal([
      ...['api', 'shop', 'web'].map((name) => `+ Service ${name}`),
      ...['api', 'shop', 'web'].map((name) => `+ VirtualService ${name}.example`),
      '+ Gateway example',
      'AutoRoute default/example: Routing, Ready, 3 routed',
      '+ Service search',
      '+ VirtualService search.example',
      'AutoRoute default/example: Routing, Ready, 4 routed',
      '- Service api',
      '- VirtualService api.example',
      'AutoRoute default/example: Routing, Ready, 3 routed',
      '+ VirtualService web.example',
      'AutoRoute default/example: Routing, Ready, 3 routed',
      '~ Service web',
      'AutoRoute default/example: Routing, Ready, 3 routed',
    ]);
    expect(all).to.contain('10 objects created, 1 updated, 2 pruned.');
    const dir = /scaffolded project: (.*)$/m.exec(all)?.[1] ?? '';
    expect(existsSync(join(dir, 'src/workers/routing.ts'))).to.equal(true);
    rmSync(dir, { recursive: true });
  });

  it('keeps running with --keep until Ctrl-C, then exits with code 0', async () => {
    const running = start('--keep');
    for await (const line of running.iterable({ from: 'all' })) {
      if (String(line).includes('Press Ctrl-C to stop')) {
        running.kill('SIGINT');
      }
    }
    const { exitCode, all } = await running;
    expect([exitCode, all.trim().split('\n').at(-1)]).to.deep.equal([0, 'stopped']);
    rmSync(/scaffolded project: (.*)$/m.exec(all)?.[1] ?? '', { recursive: true });
  });

  it('reports an unknown option', async () => {
    const { exitCode, all } = await start('--kep');
    expect([exitCode, all]).to.deep.equal([
      2,
      "error: unknown option '--kep' of npm start; the only option is --keep (run until Ctrl-C)",
    ]);
  });
});
