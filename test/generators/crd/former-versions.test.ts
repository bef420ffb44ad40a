import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { generateProject, scaffold } from '../../../generators/lib/index.ts';
import type { GenerateOptions } from '../../../generators/lib/index.ts';

interface Version {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema: {
    readonly openAPIV3Schema: {
      readonly properties: Readonly<Record<string, { readonly properties: object }>>;
    };
  };
}

describe('generate, when autopilot.yaml has a new API version', () => {
  let dir: string;
  const read = (path: string): string => readFileSync(join(dir, path), 'utf8');
  const edit = (path: string, change: (text: string) => string): void =>
    writeFileSync(join(dir, path), change(read(path)));
  const spec = (fields: string): void =>
    writeFileSync(
      join(dir, 'src/spec.ts'),
      `export interface CanarySpec {\n${fields}\n}\nexport interface CanaryStatusInfo {}\n`,
    );
  const setVersions = (version: string, former: string): void =>
    edit('autopilot.yaml', (text) =>
      text
        .replace(/^formerVersions:.*\n/m, '')
        .replace(/^apiVersion: .*$/m, `apiVersion: examples.io/${version}`)
        .replace(/^phases:/m, `${former === '' ? '' : `formerVersions: ${former}\n`}phases:`),
    );
  const run = (options: GenerateOptions = {}): Promise<string> =>
    generateProject(dir, options).then(
      () => '',
      (error: Error) => error.message,
    );
  const definition = (): {
    readonly spec: { readonly versions: readonly Version[]; readonly conversion?: object };
  } => JSON.parse(read('src/generated/crd.json')) as ReturnType<typeof definition>;
  const roles = (): readonly string[] =>
    definition().spec.versions.map(
      ({ name, served, storage }) =>
        `${name}${served ? ' served' : ''}${storage ? ' storage' : ''}`,
    );
  const fieldsOf = (index: number): readonly string[] =>
    Object.keys(
      definition().spec.versions[index]?.schema.openAPIV3Schema.properties['spec']?.properties ??
        {},
    );

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-versions-'));
    await scaffold({
      dir,
      kind: 'Canary',
      apiVersion: 'examples.io/v1alpha1',
      runtime: 'registry',
    });
    edit('src/workers/initializing.ts', (text) =>
      text.replace(/return notImplemented.*;/, "return { next: 'Processing' };"),
    );
    spec('readonly host?: string;');
    await generateProject(dir);
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('refuses to drop the version in which resources are stored, and names the line that keeps it', async () => {
    setVersions('v1', '');
    expect(await run())
      .to.contain("apiVersion: was 'examples.io/v1alpha1', is 'examples.io/v1'")
      .and.contain('formerVersions: [{ name: v1alpha1 }]');
  });

  // @promise chart/former-versions
  it('serves a former version with the present schema, so that no client drops a field', async () => {
    setVersions('v1', '[{ name: v1alpha1 }]');
    spec('readonly host?: string;\nreadonly port?: number;');
    expect(await run()).to.equal('');
    expect(roles()).to.deep.equal(['v1 served storage', 'v1alpha1 served']);
    expect(fieldsOf(0)).to.deep.equal(['host', 'port']);
    expect(fieldsOf(1)).to.deep.equal(['host', 'port']);
    expect(definition().spec.conversion).to.deep.equal({ strategy: 'None' });
    const chart = parse(
      read('charts/canary-operator/templates/crds/canaries.yaml').replace(/^.*\{\{.*$/gm, ''),
    ) as { spec: object };
    expect(chart.spec).to.deep.equal(definition().spec);
    const { plan } = await generateProject(dir, { dryRun: true });
    expect([...plan.changes, ...plan.records]).to.deep.equal([]);
  });

  it('keeps each version through two changes of the version', async () => {
    setVersions('v1beta1', '[{ name: v1alpha1 }]');
    await generateProject(dir);
    spec('readonly host?: string;\nreadonly port?: number;');
    await generateProject(dir);
    setVersions('v1', '[{ name: v1beta1 }, { name: v1alpha1, served: false, deprecated: true }]');
    expect(await run()).to.contain('v1alpha1: was served, is not served');
    expect(await run({ acceptBreaking: true })).to.equal('');
    expect(roles()).to.deep.equal(['v1 served storage', 'v1beta1 served', 'v1alpha1']);
    expect(fieldsOf(1)).to.deep.equal(['host', 'port']);
    expect(fieldsOf(2)).to.deep.equal(['host', 'port']);
    expect(definition().spec.versions[2]).to.include({ deprecated: true });
  });

  it('gives clients of a deprecated version the warning of autopilot.yaml', async () => {
    setVersions('v1', "[{ name: v1alpha1, deprecated: 'use examples.io/v1' }]");
    await generateProject(dir);
    expect(definition().spec.versions[1]?.deprecationWarning).to.equal(
      'examples.io/v1alpha1 Canary is deprecated: use examples.io/v1',
    );
  });

  for (const [change, fields, found] of [
    ['renames a field', 'readonly address?: string;', 'spec.host: was string, is removed'],
    ['requires a field', 'readonly host: string;', 'spec.host: was optional, is required'],
    ['has a tighter limit', '/** @maxLength 3 */ readonly host?: string;', 'is maxLength 3'],
  ] as const) {
    it(`refuses a version that ${change}, because resources are not converted`, async () => {
      setVersions('v1', '[{ name: v1alpha1 }]');
      spec(fields);
      expect(await run())
        .to.contain(found)
        .and.contain('conversion webhook');
      expect(roles()).to.deep.equal(['v1alpha1 served storage']);
    });
  }

  it('checks each later change of the new version too', async () => {
    setVersions('v1', '[{ name: v1alpha1 }]');
    await generateProject(dir);
    spec('/** @maxLength 3 */ readonly host?: string;');
    expect(await run()).to.contain('spec.host: was without maxLength, is maxLength 3');
  });

  it('refuses to drop a former version until its removal is accepted', async () => {
    setVersions('v1', '[{ name: v1alpha1 }]');
    await generateProject(dir);
    setVersions('v1', '');
    expect(await run())
      .to.contain("apiVersion: was 'examples.io/v1, v1alpha1', is 'examples.io/v1'")
      .and.contain('storedVersions');
    expect(await run({ acceptBreaking: ['apiVersion'] })).to.equal('');
    expect(roles()).to.deep.equal(['v1 served storage']);
    expect(definition().spec).not.to.have.property('conversion');
  });

  it('writes the new version into sample, tests and README when the version changes, and not later', async () => {
    setVersions('v1', '[{ name: v1alpha1 }]');
    await generateProject(dir);
    for (const path of [
      'examples/canary.yaml',
      'test/machine.test.ts',
      'test/scenarios/life.ts',
      'README.md',
      'Dockerfile',
      'charts/canary-operator/Chart.yaml',
      'charts/canary-operator/README.md',
      'src/generated/scheduler.ts',
    ]) {
      expect(read(path), path).not.to.contain('v1alpha1');
    }
    edit('examples/canary.yaml', (text) => text.replace('examples.io/v1', 'examples.io/v1alpha1'));
    await generateProject(dir);
    expect(read('examples/canary.yaml')).to.contain('examples.io/v1alpha1');
  });

  for (const [what, former, problem] of [
    ['the version of apiVersion', '[{ name: v1 }]', 'is the version in apiVersion'],
    ['a version twice', '[{ name: v1beta1 }, { name: v1beta1 }]', 'is listed twice'],
    ['what is no version', '[{ name: first }]', 'is not an API version'],
  ] as const) {
    it(`refuses formerVersions that name ${what}`, async () => {
      setVersions('v1', former);
      expect(await run())
        .to.contain('formerVersions')
        .and.contain(problem);
    });
  }
});
