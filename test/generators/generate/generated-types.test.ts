import { expect } from 'chai';
import { execa } from 'execa';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { scaffold } from '../../../generators/lib/generate/scaffold.ts';

const repository = resolve(import.meta.dirname, '../../..');

describe('generated types', function () {
  this.timeout(120_000);
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-types-'));
    symlinkSync(join(repository, 'node_modules'), join(dir, 'node_modules'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  async function typeErrors(): Promise<string> {
    const { stdout } = await execa(
      join(repository, 'node_modules/.bin/tsc'),
      ['--noEmit', '--customConditions', 'autopilot-source'],
      { cwd: dir, reject: false },
    );
    return stdout;
  }

  it('can be told apart in a function that two phases share', async () => {
    await scaffold({
      dir,
      kind: 'Canary',
      runtime: 'registry',
      phases: [
        { name: 'Syncing', initial: true, inputs: ['deployments', 'metrics'], next: ['Waiting'] },
        { name: 'Waiting', inputs: ['services'], outputs: ['services'] },
      ],
      finalizer: { inputs: ['deployments'] },
    });
    writeFileSync(
      join(dir, 'src/shared.ts'),
      `import type { PhaseContext } from './generated/canary.ts';
import type { FinalizerContext } from './generated/finalizer.ts';
import type { SyncingContext, SyncingResult } from './generated/syncing.ts';
import type { Context, WaitingContext, WaitingResult } from './generated/waiting.ts';

function describe({ resource, now, log, signal }: PhaseContext): string {
  signal.throwIfAborted();
  log.info('described');
  return \`\${resource.metadata.name} in \${resource.status?.phase} at \${now.toISOString()}\`;
}

function count(context: SyncingContext | WaitingContext): number {
  return 'deployments' in context.inputs
    ? context.inputs.deployments.list().length
    : context.inputs.services.list().length;
}

export function use(first: SyncingContext, second: WaitingContext, end: FinalizerContext): string {
  const short: Context = second;
  return [describe(first), describe(short), describe(end), count(first) + count(second)].join();
}

export const results: readonly [SyncingResult, WaitingResult] = [
  { next: 'Waiting' },
  { next: 'Syncing' },
];
`,
    );
    expect(await typeErrors()).to.equal('');
    writeFileSync(
      join(dir, 'src/wrong.ts'),
      `import type { SyncingContext } from './generated/syncing.ts';
import type { WaitingContext } from './generated/waiting.ts';
export const wrong = (context: SyncingContext): WaitingContext => context;
`,
    );
    expect(await typeErrors()).to.match(/src\/wrong\.ts.*error TS2322.*WaitingContext/);
  });

  it('compile for phases whose names are those of types', async () => {
    const names = ['Any', 'Base', 'Phase', 'Next', 'worker', 'Finalize', 'Resource'];
    await scaffold({
      dir,
      kind: 'AnyContext',
      runtime: 'registry',
      phases: names.map((name, index) => ({
        name,
        initial: index === 0,
        inputs: ['services', 'metrics'],
        outputs: ['services'],
      })),
      finalizer: {},
    });
    expect(await typeErrors()).to.equal('');
  });
});
