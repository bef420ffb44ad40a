import { expect } from 'chai';
import { execa } from 'execa';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { scaffold } from '../../generators/lib/index.ts';

const repository = resolve(import.meta.dirname, '../..');

interface Run {
  readonly code: number | undefined;
  readonly text: string;
}

describe('npm run verify', () => {
  let dir: string;
  before(async () => {
    // Inside the repository, so that the project finds its packages without an installation.
    mkdirSync(join(repository, 'dist'), { recursive: true });
    dir = mkdtempSync(join(repository, 'dist/verify-'));
    await scaffold({ dir, kind: 'Balloon', runtime: 'registry' });
  });
  after(() => rmSync(dir, { recursive: true }));

  async function verify(cwd: string, ...args: readonly string[]): Promise<Run> {
    const bin = join(repository, 'sandbox/bin/autopilot-sandbox.js');
    const { exitCode, all } = await execa(
      'node',
      ['--conditions=autopilot-source', bin, 'verify', ...args],
      { cwd, all: true, reject: false },
    );
    return { code: exitCode, text: all };
  }
  const worker = (body: string): void => {
    writeFileSync(
      join(dir, 'src/workers/initializing.ts'),
      `import type { Context, Result } from '../generated/initializing.ts';\nexport async function sync(_context: Context): Promise<Result> {\n  ${body}\n}\n`,
    );
  };

  it('explores the sample and the scenario of AutoRoute, and finds that all invariants hold', async () => {
    const { code, text } = await verify(join(repository, 'examples/autoroute'), '--budget', '20s');
    expect(text)
      .to.match(/✔ examples\/autoroute.yaml: .*; all invariants held/)
      .and.match(/✔ life: /);
    expect(code, text).to.equal(0);
    // A budget that is too small is answered with one that is enough.
    expect(/; --budget \d+m would run all single faults$/m.test(text), text).to.equal(
      text.includes('single faults were not run'),
    );
    // The sample has few faults and leaves time to the scenario after it.
    const [, all, pairs, orders] =
      /autoroute.yaml: (?:all |\d+ of )(\d+) single faults.*?, (\d+) pairs, (\d+) other orders/.exec(
        text,
      ) ?? [];
    expect(Number(pairs) + Number(orders), text).to.be.lessThan(Number(all) * 3);
  });

  it('reports which workers of a new project are not implemented, and explores the rest', async () => {
    const { code, text } = await verify(dir, '--budget', '4s', '--scenario', 'life');
    expect(text)
      .to.contain('○ life: ')
      .and.contain(
        'Initializing is not implemented yet: edit src/workers/initializing.ts: exploration ends there',
      );
    expect(code, text).to.equal(0);
  });

  // @promise exploration/shortest-run
  it('shows the shortest run that violates an invariant, and how to replay it', async () => {
    worker(`return { next: Math.random() < 2 ? 'Processing' : 'Initializing' };`);
    const found = await verify(dir, '--budget', '4s', '--scenario', 'life');
    expect(found.text)
      .to.contain('Violated: workers depend on nothing but their context')
      .and.contain('Initializing calls Math.random by itself');
    expect(found.code, found.text).to.equal(1);
    const token = /npm run verify -- --replay (\S+)/.exec(found.text)?.[1] ?? '';
    const again = await verify(dir, '--replay', token);
    expect(again.text)
      .to.contain('✘ workers depend on nothing but their context')
      .and.contain('user        creates Balloon example');
    expect(again.code).to.equal(1);
  });

  // @promise exploration/chart-rules
  it('limits the operator to the RBAC rules of the chart, and finds a missing one', async () => {
    worker(`return { next: 'Processing' };`);
    const file = join(dir, 'charts/balloon-operator/templates/_rules.tpl');
    const rules = readFileSync(file, 'utf8');
    writeFileSync(file, rules.replace(/(balloons\/status"\]\n  verbs: )\["patch"\]/, '$1["get"]'));
    const { code, text } = await verify(dir, '--budget', '4s', '--scenario', 'life');
    writeFileSync(file, rules);
    expect(text).to.match(
      /^balloon-operator, with the RBAC rules of charts\/balloon-operator: life/,
    );
    expect(text)
      .to.contain('Violated: the operator has every permission that it needs')
      .and.contain('cannot patch resource "balloons/status"');
    expect(code, text).to.equal(1);
  });

  it('finds a worker that throws without any fault', async () => {
    worker(`return (undefined as unknown as { sync: () => Result }).sync();`);
    const { code, text } = await verify(dir, '--budget', '4s', '--scenario', 'life');
    expect(text)
      .to.contain('Violated: nothing stalls without a fault')
      .and.contain('Initializing fails whenever it is called: Cannot read properties of undefined');
    expect(code, text).to.equal(1);
  });

  it('reports that a worker which counts its calls keeps something in memory', async () => {
    worker(`const all = globalThis as { calls?: number };
  const hosts = ['call-' + (all.calls = (all.calls ?? 0) + 1)];
  const route = { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'one' }, spec: { hosts } };
  return { next: 'Processing', outputs: { virtualservices: [route] } } as never;`);
    const { code, text } = await verify(dir, '--budget', '4s', '--scenario', 'life');
    expect(text.replaceAll(/\s+/g, ' ')).to.match(
      /spec\.hosts.* this was the same run once more: a worker keeps something in memory/,
    );
    expect(code, text).to.equal(1);
  });

  it('reports why nothing can be run', async () => {
    const cases: readonly (readonly [args: readonly string[], message: string])[] = [
      [
        ['--scenario', 'nosuch'],
        "there is no scenario 'nosuch'; scenarios are 'examples/balloon.yaml', 'life'",
      ],
      [['--replay', 'life~1~fire@1'], "there is no fault 'fire'"],
      [['--seed', 'x'], "--seed: 'x' is not a whole number from 0 to 999999999"],
      [['--budget', 'soon'], 'soon'],
      [['--bogus'], '--bogus'],
    ];
    for (const [args, message] of cases) {
      const { code, text } = await verify(dir, ...args);
      expect(text).to.contain(message);
      expect(code, text).to.equal(2);
    }
    const { code, text } = await verify(repository);
    expect([code, text]).to.deep.equal([
      2,
      'error: src/generated/scheduler.ts does not exist: run this in a generated project, after autopilot generate',
    ]);
  });
});
