import { expect } from 'chai';
import { execa } from 'execa';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { generateProject, scaffold, upToDate } from '../../../generators/lib/index.ts';
import type { ForeignCrd } from '../../../generators/lib/kinds/foreign-crd.ts';

const repository = resolve(import.meta.dirname, '../../..');

function crd(kind: string, group: string, versions: readonly string[], more: object = {}): string {
  const spec = {
    type: 'object',
    required: ['secretName'],
    properties: {
      secretName: { type: 'string', description: 'Where it is put.' },
      usages: { type: 'array', items: { type: 'string', enum: ['signing', 'any'] } },
      duration: { type: 'string', default: '24h' },
    },
  };
  const served = versions.map((name, index) => ({
    name,
    served: true,
    storage: index === 0,
    schema: { openAPIV3Schema: { type: 'object', required: ['spec'], properties: { spec } } },
  }));
  const plural = `${kind.toLowerCase()}s`;
  return JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: { group, scope: 'Cluster', names: { kind, plural }, versions: served, ...more },
  });
}

/** A patch, which has no names of a kind. */
const PATCH = `kind: CustomResourceDefinition
metadata: { name: certificates.cert.test }
spec: { conversion: { strategy: None } }
`;

const CERTIFICATE = crd('Certificate', 'cert.test', ['v1beta1', 'v2', 'v10', 'v1alpha1']);

const QUOTED = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: certificates.cert.test }
spec:
  group: cert.test
  scope: Namespaced
  names: { kind: Certificate, plural: certificates }
  versions:
  - name: v1
    served: yes
    storage: on
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              secretName:
                description: "Where it is put,
                and \\"why\\"."
                type: string
              mode:
                description: 'It''s read
              on: any day.'
                type: boolean
              after:
                type: string
`;

describe('customParameters with a CRD', function () {
  this.timeout(60_000);
  let dir: string;
  const path = process.env['PATH'];
  const read = (file: string): string => readFileSync(join(dir, file), 'utf8');
  /** Declares the custom kind and makes it an input of the first phase. */
  async function declare(parameter: string): Promise<void> {
    if (!existsSync(join(dir, 'autopilot.yaml'))) {
      await scaffold({ dir, kind: 'Canary', runtime: 'registry' });
    }
    const text = read('autopilot.yaml')
      .replace(/customParameters:[^]*/, '')
      .replace(/(name: Initializing\n)(\s+inputs: .*\n)?/, '$1');
    const withInput = text
      .replace('name: Initializing\n', 'name: Initializing\n    inputs: [certificates]\n')
      .replace(/\n {4}inputs: \[certificates\]\n {4}inputs:/, '\n    inputs:');
    writeFileSync(
      join(dir, 'autopilot.yaml'),
      `${withInput}customParameters:\n  - lowerName: certificates\n    singleName: Certificate\n${parameter}`,
    );
  }
  const generate = (): Promise<string> =>
    generateProject(dir).then(
      () => '',
      (error: Error) => error.message,
    );
  function file(name: string, text: string): void {
    mkdirSync(join(dir, 'crds'), { recursive: true });
    writeFileSync(join(dir, 'crds', name), text);
  }
  /** Puts a kubectl with this script on the PATH. */
  function kubectl(script: string): void {
    mkdirSync(join(dir, 'bin'), { recursive: true });
    writeFileSync(join(dir, 'bin/kubectl'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(dir, 'bin/kubectl'), 0o755);
    process.env['PATH'] = `${join(dir, 'bin')}${delimiter}${path}`;
  }
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'autopilot-kinds-'))));
  afterEach(() => {
    process.env['PATH'] = path;
    rmSync(dir, { recursive: true });
  });

  it('have fields of type unknown when their CRD names none and keeps unknown ones', async () => {
    const open = JSON.parse(crd('Certificate', 'cert.test', ['v1'])) as {
      spec: { versions: { schema: { openAPIV3Schema: object } }[] };
    };
    open.spec.versions[0]!.schema.openAPIV3Schema = {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
    };
    file('open.yaml', JSON.stringify(open));
    await declare('    crd: crds/open.yaml\n');
    expect(await generate()).to.equal('');
    expect(read('src/generated/kinds/certificates.ts')).to.contain(
      'export interface ICertificate {\n  [name: string]: unknown;\n}',
    );
  });

  it('are in the sandbox of the project: its tests and verify read their definitions', async () => {
    file('all.yaml', CERTIFICATE);
    const project = `kind: Shop
apiVersion: examples.io/v1
phases:
  - { name: Waiting, initial: true, inputs: [certificates] }
customParameters:
  - { lowerName: certificates, singleName: Certificate, crd: crds/all.yaml }
`;
    writeFileSync(join(dir, 'autopilot.yaml'), project);
    expect(await generate()).to.equal('');
    const definitions = JSON.parse(read('src/generated/foreign-crds.json')) as ForeignCrd[];
    expect(definitions.map(({ metadata }) => metadata.name)).to.deep.equal([
      'certificates.cert.test',
    ]);
    expect(definitions[0]?.spec.versions?.map(({ name }) => name)).to.include('v10');
    expect(read('test/machine.test.ts')).to.contain(
      'startSandbox(scheduler, { crd, foreignCrds })',
    );
    await declare('    plural: certificates\n    apiGroup: cert.test\n    version: v1\n');
    expect(await generate()).to.equal('');
    expect(existsSync(join(dir, 'src/generated/foreign-crds.json'))).to.equal(false);
  });

  it('from a file with several documents: group, newest version, plural and scope follow from the CRD, and workers are typed', async () => {
    file(
      'all.yaml',
      `${crd('Other', 'cert.test', ['v1'])}\n---\nkind: Secret\n---\n${CERTIFICATE}\n`,
    );
    await declare('    crd: crds/all.yaml\n');
    expect(await generate()).to.equal('');
    expect(read('src/generated/kinds/certificates.ts'))
      .to.contain('crds/all.yaml')
      .and.to.contain("usages?: ('signing' | 'any')[];");
    expect(read('src/generated/scheduler.ts').replaceAll(/\s+/g, ' ')).to.contain(
      "group: 'cert.test', version: 'v10', kind: 'Certificate', plural: 'certificates', namespaced: false",
    );
    writeFileSync(
      join(dir, 'src/workers/initializing.ts'),
      `import type { Context, Result } from '../generated/initializing.ts';
export async function sync({ inputs }: Context): Promise<Result> {
  const { spec } = inputs.certificates.require('x');
  const name: string = spec.secretName;
  const until: string = spec.duration;
  const wrong: number = spec.secretName;
  const missing = spec.secretNam;
  return { next: 'Processing', statusInfo: {} };
}
`,
    );
    symlinkSync(join(repository, 'node_modules'), join(dir, 'node_modules'));
    const { stdout } = await execa('tsc', ['--noEmit', '--customConditions', 'autopilot-source'], {
      cwd: dir,
      reject: false,
      preferLocal: true,
      localDir: repository,
    });
    const problems = stdout.split('\n').filter((line) => line.startsWith('src/'));
    expect(
      problems.map((line) => /^[^(]+\((\d+)/.exec(line)?.[1]),
      stdout,
    ).to.deep.equal(['6', '7']);
  });

  it('may be next to a patch of them, and to quoted text that goes on at the indentation of its key', async () => {
    file('all.yaml', `${PATCH}---\n${QUOTED}`);
    await declare('    crd: crds/all.yaml\n');
    expect(await generate()).to.equal('');
    expect(read('src/generated/kinds/certificates.ts'))
      .to.contain('Where it is put, and "why".')
      .and.to.contain("It's read on: any day.")
      .and.to.contain('mode?: boolean;')
      .and.to.contain('after?: string;');
  });

  it('use the version that the entry names', async () => {
    file('one.yaml', CERTIFICATE);
    await declare('    crd: crds/one.yaml\n    version: v1beta1\n');
    expect(await generate()).to.equal('');
    expect(read('src/generated/kinds.ts')).to.contain("'cert.test/v1beta1'");
  });

  for (const [what, parameter, files, because] of [
    ['a missing file', 'crd: crds/none.yaml', {}, 'the file crds/none.yaml does not exist'],
    [
      'a file that is not YAML',
      'crd: crds/a.yaml',
      { 'a.yaml': 'a: [' },
      'crds/a.yaml:1:5: Flow sequence in block collection',
    ],
    [
      'a patch of kustomize',
      'crd: crds/a.yaml',
      { 'a.yaml': `kind: Kustomization\n---\n${PATCH}` },
      "crds/a.yaml:3:1: the CustomResourceDefinition certificates.cert.test has no group, names and versions, so it is a patch: name the file of the whole CRD, or write it with 'kubectl kustomize FOLDER > crds/NAME.yaml'",
    ],
    [
      'a template of Helm',
      'crd: crds/a.yaml',
      { 'a.yaml': `# CRD\n{{- if .Values.crds }}\n${PATCH}{{- end }}\n` },
      "crds/a.yaml:2:1: '{{- if .Values.crds }}' is of a template of Helm, which is no YAML yet",
    ],
    [
      'a folder',
      'crd: crds',
      { 'a.yaml': CERTIFICATE },
      'crds is a folder: name the file that has the CRD, for example crds/a.yaml',
    ],
    [
      'an absolute path',
      'crd: /somewhere/crds/a.yaml',
      {},
      '/somewhere/crds/a.yaml is an absolute path, which other machines do not have',
    ],
    [
      'a CRD whose parts have other types',
      'crd: crds/a.yaml',
      { 'a.yaml': '{"kind":"CustomResourceDefinition","spec":{"names":"x","versions":{}}}' },
      'crds/a.yaml:1:1: the CustomResourceDefinition without a name has no group',
    ],
    [
      'another kind',
      'crd: crds/a.yaml',
      { 'a.yaml': crd('Issuer', 'cert.test', ['v1']) },
      'crds/a.yaml has no CustomResourceDefinition of the kind Certificate (its kinds: Issuer)',
    ],
    [
      'a version that is not served',
      'crd: crds/a.yaml\n    version: v3',
      { 'a.yaml': CERTIFICATE },
      "crds/a.yaml:1:1 has no version 'v3' of Certificate (its versions: v10, v1alpha1, v1beta1, v2)",
    ],
    [
      'two groups',
      'crd: crds/a.yaml',
      { 'a.yaml': `${CERTIFICATE}\n---\n${crd('Certificate', 'other.test', ['v1'])}` },
      'several kinds called Certificate: choose one with apiGroup (cert.test, other.test)',
    ],
    [
      'an unknown group',
      'crd: crds/a.yaml\n    apiGroup: x.test',
      { 'a.yaml': CERTIFICATE },
      "no kind Certificate in the group 'x.test' (its groups: cert.test)",
    ],
    [
      'a scope that contradicts the CRD',
      'crd: crds/a.yaml\n    scope: Namespaced',
      { 'a.yaml': CERTIFICATE },
      "customParameters[0].scope: is 'Namespaced', but the CRD says 'Cluster': remove the field",
    ],
    [
      'an old CRD',
      'crd: crds/a.yaml',
      { 'a.yaml': CERTIFICATE.replace('k8s.io/v1', 'k8s.io/v1beta1') },
      'which Kubernetes no longer serves',
    ],
  ] as const) {
    it(`report ${what} with its place, and nothing is written`, async () => {
      await declare(`    ${parameter}\n`);
      for (const [name, text] of Object.entries(files)) {
        file(name, text);
      }
      const before = read('src/generated/scheduler.ts');
      const error = await generate();
      expect(error)
        .to.match(/^autopilot\.yaml:\d+:\d+: customParameters\[0\]\.(crd|scope): /)
        .and.to.contain(because);
      expect(read('src/generated/scheduler.ts')).to.equal(before);
    });
  }

  it('from the cluster: read once and kept, so that generate writes the same bytes without a cluster', async () => {
    await declare('    crd: cluster\n');
    writeFileSync(join(dir, 'answer.json'), `{"kind": "List", "items": [${CERTIFICATE}]}`);
    kubectl(`cat ${join(dir, 'answer.json')}`);
    expect(await generate()).to.equal('');
    expect(JSON.parse(read('.autopilot/crds/certificates.json'))).to.have.nested.property(
      'spec.group',
      'cert.test',
    );
    const before = read('src/generated/kinds/certificates.ts');
    kubectl('echo there is no cluster >&2; exit 1');
    const { plan } = await generateProject(dir);
    expect(upToDate(plan)).to.equal(true);
    expect(read('src/generated/kinds/certificates.ts')).to.equal(before);
  });

  it('from the cluster: read again with refresh, and a failure leaves the kept copy', async () => {
    await declare('    crd: cluster\n');
    const answer = (text: string): void => {
      writeFileSync(join(dir, 'answer.json'), text);
      kubectl(`cat ${join(dir, 'answer.json')}`);
    };
    answer(CERTIFICATE);
    await generateProject(dir);
    const before = read('.autopilot/crds/certificates.json');
    answer(CERTIFICATE.replaceAll('signing', 'client auth'));
    expect(upToDate((await generateProject(dir, { dryRun: true })).plan)).to.equal(true);
    kubectl('exit 1');
    expect(
      await generateProject(dir, { refresh: true }).catch((error: Error) => error.message),
    ).to.contain('reading the CRD from the cluster failed');
    expect(read('.autopilot/crds/certificates.json')).to.equal(before);
    kubectl(`cat ${join(dir, 'answer.json')}`);
    await generateProject(dir, { refresh: true });
    expect(read('.autopilot/crds/certificates.json')).to.contain('client auth');
    expect(read('src/generated/kinds/certificates.ts')).to.contain('client auth');
    expect(upToDate((await generateProject(dir, { dryRun: true })).plan)).to.equal(true);
  });

  it('from the cluster, when the cluster does not respond: one sentence with two remedies', async () => {
    await declare('    crd: cluster\n');
    kubectl('echo noise >&2; echo "The connection to the server was refused" >&2; exit 1');
    expect(await generate()).to.match(
      /^autopilot\.yaml:\d+:\d+: customParameters\[0\]\.crd: reading the CRD from the cluster failed, kubectl says 'The connection to the server was refused': choose a context that works, or save the CRD as a file/,
    );
  });

  it('from the cluster, without kubectl: one sentence', async () => {
    await declare('    crd: cluster\n');
    process.env['PATH'] = join(dir, 'nothing');
    expect(await generate())
      .to.contain(
        'needs kubectl, which is not on the PATH: install kubectl, or save the CRD as a file',
      )
      .and.not.to.contain('\n');
  });
});
