import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from '../../../generators/lib/cli/commands.ts';
import type { GenerateCommandOptions } from '../../../generators/lib/cli/commands.ts';
import { scaffold } from '../../../generators/lib/index.ts';
import { runPhaseCommand } from '../../../generators/lib/cli/phase-command.ts';

describe('generate, when the new CRD does not accept all stored resources', () => {
  let dir: string;
  const read = (path: string): string => readFileSync(join(dir, path), 'utf8');
  const spec = (fields: string): void =>
    writeFileSync(
      join(dir, 'src/spec.ts'),
      `import type { Int32 } from 'autopilot-runtime';\nexport interface CanarySpec {\n${fields}\n}\nexport interface CanaryStatusInfo {}\n`,
    );
  const run = async (
    options: GenerateCommandOptions = {},
  ): Promise<{ said: string; error: string }> => {
    const said: string[] = [];
    const error = await generate(dir, options, (line) => void said.push(line)).then(
      () => '',
      (reason: Error) => reason.message,
    );
    return { said: said.join('\n'), error };
  };
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-breaking-'));
    await scaffold({ dir, kind: 'Canary', runtime: 'registry' });
    write('initializing');
  });
  /** Implements the worker of a phase. */
  function write(worker: string): void {
    const path = `src/workers/${worker}.ts`;
    writeFileSync(
      join(dir, path),
      read(path).replace(/return notImplemented.*;/, "return { next: 'Processing' };"),
    );
  }
  afterEach(() => rmSync(dir, { recursive: true }));

  it('accepts each change of phases and fields until a worker is implemented', async () => {
    rmSync(dir, { recursive: true });
    await scaffold({ dir, kind: 'Canary', runtime: 'registry' });
    spec('readonly host?: string;');
    await run();
    spec('readonly other: string;');
    writeFileSync(
      join(dir, 'autopilot.yaml'),
      read('autopilot.yaml')
        .replaceAll('Processing', 'Working')
        .replace('examples.io/v1', 'examples.io/v2'),
    );
    expect((await run()).error).to.equal('');
    write('initializing');
    spec('readonly host?: string;');
    expect((await run()).error).to.contain('spec.other: was string, is removed');
  });

  it('accepts the first fields of a new project', async () => {
    spec('readonly host: string;');
    expect((await run()).error).to.equal('');
  });

  it('lists each breaking change with its path, and writes nothing', async () => {
    spec(
      'readonly host?: string; /** @maximum 100 */ readonly weight?: Int32; readonly old?: string;',
    );
    await run();
    const before = read('src/generated/crd.json');
    const lock = read('.autopilot/lock.json');
    spec('readonly host: string; /** @maximum 50 */ readonly weight?: Int32;');
    const { error } = await run();
    expect(error.split('\n')).to.deep.equal([
      'The new CRD does not accept all resources that may be stored:',
      '  spec.weight: was maximum 100, is maximum 50',
      '  spec.old: was string, is removed: stored values are dropped',
      '  spec.host: was optional, is required, without a default',
      "Nothing was written. Undo these changes (a new field needs '?' or @default; a renamed phase needs 'formerly'), or generate with --accept-breaking if there are no such resources.",
    ]);
    expect(read('src/generated/crd.json')).to.equal(before);
    expect(read('.autopilot/lock.json')).to.equal(lock);
  });

  it('fails in --check and --dry-run too', async () => {
    spec('readonly host?: string;');
    await run();
    spec('readonly other?: string;');
    for (const option of ['check', 'dryRun'] as const) {
      expect((await run({ [option]: true })).error).to.contain('spec.host: was string, is removed');
    }
    expect((await run({ dryRun: true })).said).to.match(/^-\s+"host": \{$/m);
  });

  it('writes with --accept-breaking, and does not fail again', async () => {
    spec('readonly host?: string;');
    await run();
    spec('readonly other?: string;');
    expect((await run({ acceptBreaking: true })).error).to.equal('');
    expect(await run()).to.include({ error: '' });
  });

  it('fails for another apiVersion and for a phase that was renamed without formerly', async () => {
    const text = read('autopilot.yaml');
    writeFileSync(join(dir, 'autopilot.yaml'), text.replace('examples.io/v1', 'examples.io/v2'));
    expect((await run()).error).to.contain("apiVersion: was 'examples.io/v1', is 'examples.io/v2'");
    writeFileSync(join(dir, 'autopilot.yaml'), text.replaceAll('Processing', 'Working'));
    expect((await run()).error).to.contain(
      'status.phase: was one of "Initializing", "Processing", "Finished", is one of "Initializing", "Working", "Finished"',
    );
  });

  it('accepts a phase that autopilot phase removes, and keeps the old name of one that it renames', async () => {
    const terminal = { ask: undefined, print: () => undefined };
    await runPhaseCommand(dir, ['rename', 'Processing', 'Working'], {}, terminal);
    await runPhaseCommand(dir, ['remove', 'Finished'], { replacement: 'none' }, terminal);
    expect(read('src/generated/crd.json'))
      .to.contain('"Processing"')
      .and.not.to.contain('"Finished"');
  });
});
