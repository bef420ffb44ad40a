import { expect } from 'chai';
import { execa } from 'execa';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generateProject, scaffold } from '../../../generators/lib/index.ts';

const repository = resolve(import.meta.dirname, '../../..');

describe("the user's own section of autopilot-operator.yaml", function () {
  this.timeout(120_000);
  let dir: string;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-config-'));
    await scaffold({ dir, kind: 'Canary', runtime: 'registry' });
    symlinkSync(join(repository, 'node_modules'), join(dir, 'node_modules'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const read = (path: string): string => readFileSync(join(dir, path), 'utf8');
  const append = (path: string, text: string): void =>
    writeFileSync(join(dir, path), read(path) + text);
  const worker = (body: string): void => {
    const before = read('src/workers/initializing.ts');
    const text = before
      .replace(/import \{ notImplemented.*\n/, '')
      .replace(
        /export async function[^]*/,
        `export async function sync({ config }: Context): Promise<Result> {\n${body}\n}\n`,
      );
    writeFileSync(join(dir, 'src/workers/initializing.ts'), text);
  };
  const compile = async (): Promise<string> =>
    (
      await execa(
        join(repository, 'node_modules/.bin/tsc'),
        ['--noEmit', '--customConditions', 'autopilot-source'],
        { cwd: dir, reject: false },
      )
    ).stdout;

  it('is unknown to workers as long as src/spec.ts gives it no type', async () => {
    expect(read('src/generated/canary.ts')).to.contain('BaseContext<Canary, inputs, unknown>');
    worker("  return config.threshold > 1 ? { next: 'Processing' } : { next: 'Initializing' };");
    expect(await compile()).to.match(/error TS18046: 'config' is of type 'unknown'/);
  });

  it('is what <Kind>Config says: in workers, in the scheduler that the operator starts with, and at generate', async () => {
    // Also from another file.
    writeFileSync(
      join(dir, 'src/config.ts'),
      `export interface CanaryConfig {
  /** @minimum 0 @maximum 1 */
  threshold: number;
  /** @default "slow" */
  pace: 'slow' | 'fast';
}
`,
    );
    append('src/spec.ts', "export type { CanaryConfig } from './config.ts';\n");
    const missing = await generateProject(dir).catch((error: Error) => error.message);
    expect(missing).to.equal(
      'autopilot-operator.yaml: config.threshold is missing (its type is the interface CanaryConfig of src/spec.ts)',
    );
    append('autopilot-operator.yaml', 'config:\n  threshold: 0.95\n');
    await generateProject(dir);
    expect(read('src/generated/scheduler.ts')).to.match(
      /config: \{[^]*threshold: \{ type: 'number'/,
    );
    worker(
      "  return config.threshold > 0.5 && config.pace === 'fast' ? { next: 'Processing' } : { next: 'Initializing' };",
    );
    expect(await compile()).to.equal('');
    worker("  return config.treshold > 1 ? { next: 'Processing' } : { next: 'Initializing' };");
    expect(await compile()).to.match(
      /^src\/workers\/initializing\.ts\(.*'treshold' does not exist/,
    );
    writeFileSync(
      join(dir, 'autopilot-operator.yaml'),
      read('autopilot-operator.yaml').replace('threshold: 0.95', 'threshold: 95'),
    );
    expect(await generateProject(dir).catch((error: Error) => error.message)).to.match(
      /^autopilot-operator\.yaml: config\.threshold 95 is greater than the maximum 1/,
    );
  });
});
