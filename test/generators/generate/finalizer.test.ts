import { expect } from 'chai';
import { execa } from 'execa';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { requireModel } from '../../../generators/lib/model/load.ts';
import { generateProject, scaffold } from '../../../generators/lib/index.ts';

const repository = resolve(import.meta.dirname, '../../..');

const machine = (finalizer: string): string => `kind: Canary
apiVersion: examples.io/v1
operatorName: canary-operator
phases:
  - name: Waiting
    initial: true
    inputs: [virtualservices, deployments]
    outputs: [virtualservices, services]
    next: [Promoting]
  - name: Promoting
    approval: required
    outputs: [virtualservices]
    next: [Waiting]
${finalizer}`;
const FULL =
  'finalizer:\n  inputs: [metrics, virtualservices]\n  outputs: [virtualservices, jobs]\n  timeout: 2m\n';

describe('a project with a finalizer', function () {
  this.timeout(120_000);
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'autopilot-finalizer-'))));
  afterEach(() => rmSync(dir, { recursive: true }));
  const read = (path: string): string => readFileSync(join(dir, path), 'utf8');

  async function project(finalizer: string): Promise<void> {
    await scaffold({ dir, kind: 'Canary', runtime: 'registry' });
    for (const phase of ['initializing', 'processing']) {
      for (const path of [`src/workers/${phase}.ts`, `test/${phase}.test.ts`]) {
        rmSync(join(dir, path));
      }
    }
    rmSync(join(dir, 'test/machine.test.ts'));
    writeFileSync(join(dir, 'autopilot.yaml'), machine(finalizer));
    await generateProject(dir, { acceptBreaking: true });
  }
  async function problems(): Promise<readonly string[]> {
    if (!existsSync(join(dir, 'node_modules'))) {
      symlinkSync(join(repository, 'node_modules'), join(dir, 'node_modules'));
    }
    const { stdout } = await execa(
      join(repository, 'node_modules/.bin/tsc'),
      ['--noEmit', '--customConditions', 'autopilot-source'],
      {
        cwd: dir,
        reject: false,
      },
    );
    return stdout
      .split('\n')
      .filter((line) => line.includes('error TS') && !line.includes('TS6133'));
  }

  it('gets its file, its types, its test and its row in the scheduler; it compiles and its test passes', async () => {
    await project(FULL);
    expect(read('src/finalizer.ts')).to.contain(
      "return notImplemented('The finalizer', 'src/finalizer.ts');",
    );
    expect(read('src/generated/scheduler.ts'))
      .to.contain('finalize: finalizer<Finalizer>(finalize)')
      .and.contain("timeout: '2m'")
      .and.contain('metrics: true');
    expect(read('src/generated/scheduler.ts'))
      .to.contain("approval: 'required'")
      .and.contain('finalizerRequired: true');
    expect(await problems()).to.deep.equal([]);
    const { exitCode, all } = await execa(
      'mocha',
      ['--node-option', 'conditions=autopilot-source'],
      {
        cwd: dir,
        reject: false,
        all: true,
        preferLocal: true,
        localDir: repository,
      },
    );
    expect(exitCode, all).to.equal(0);
  });

  it('in its empty form asks for nothing', async () => {
    await project('enableFinalizer: true\n');
    expect(read('src/generated/finalizer.ts')).to.contain(
      'export type FinalizerInputs = Readonly<Record<never, never>>;',
    );
    expect(await problems()).to.deep.equal([]);
  });

  it('has no such file when it declares none', async () => {
    await project('');
    // The phases may claim fields of a VirtualService, so the runtime's own finalizer is needed.
    expect(read('src/generated/scheduler.ts')).to.contain('finalizerRequired: true');
    for (const path of [
      'src/finalizer.ts',
      'src/generated/finalizer.ts',
      'test/finalizer.test.ts',
    ]) {
      expect(existsSync(join(dir, path)), path).to.equal(false);
    }
    expect(await problems()).to.deep.equal([]);
  });

  const claimFields = (kind: string): string =>
    `claimFields(context.inputs.${kind}.require('a'), [])`;
  /** Bodies of functions, and what the compiler says about each. */
  const bodies: readonly [
    file: string,
    title: string,
    body: string,
    expected: RegExp | undefined,
  ][] = [
    ['finalizer', 'nothing wrong', 'return { done: true, outputs: { jobs: [] } };', undefined],
    ['finalizer', 'an answer that is none', 'return {};', /TS2322: Type '\{\}' is not assignable/],
    [
      'finalizer',
      'an output it does not declare',
      'return { done: true, outputs: { pods: [] } };',
      /'pods' does not exist/,
    ],
    [
      'finalizer',
      'an input it does not declare',
      'context.inputs.pods; return { done: true };',
      /'pods' does not exist/,
    ],
    [
      'finalizer',
      'a field claim',
      `return { done: true, outputs: { virtualservices: [${claimFields('virtualservices')}] } };`,
      /not assignable/,
    ],
    [
      'waiting',
      'an edit of a kind that the phase reads',
      `return { next: 'Waiting', outputs: { virtualservices: [${claimFields('virtualservices')}] } };`,
      undefined,
    ],
    [
      'waiting',
      'an edit of another kind',
      `return { next: 'Waiting', outputs: { virtualservices: [${claimFields('deployments')}] } };`,
      /not assignable/,
    ],
    [
      'waiting',
      'an edit of a kind that the phase does not read',
      "return { next: 'Waiting', outputs: { services: [claimFields({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } }, [])] } };",
      /not assignable/,
    ],
  ];
  it('compiles, or fails to compile in one place, as the phase declares', async () => {
    await project(FULL);
    for (const [index, [file, , body]] of bodies.entries()) {
      writeFileSync(
        join(dir, `src/case${index}.ts`),
        `import { claimFields } from 'autopilot-runtime';\nimport type { Context, Result } from './generated/${file}.ts';\nexport function run(context: Context): Result {\n  void claimFields;\n  ${body}\n}\n`,
      );
    }
    const found = await problems();
    for (const [index, [, title, , expected]] of bodies.entries()) {
      const here = found.filter((line) => line.startsWith(`src/case${index}.ts`));
      expect(here, title).to.have.length(expected === undefined ? 0 : 1);
      if (expected !== undefined) {
        expect(here[0], title).to.match(expected);
      }
    }
  });

  it('has a cluster-scoped kind see all namespaces unless it says otherwise: it has none of its own', () => {
    const model = requireModel(machine('scope: Cluster\n'), 'autopilot.yaml');
    const [waiting] = model.phases;
    expect(
      [...(waiting?.inputs ?? []), ...(waiting?.outputs ?? [])].map(({ namespace }) => namespace),
    ).to.deep.equal(['all', 'all', 'all', 'all']);
  });
});
