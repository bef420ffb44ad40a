/** Names that a user may choose: what generate accepts compiles, whatever the names are. */
import { expect } from 'chai';
import fc from 'fast-check';
import { execa } from 'execa';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { generateProject } from '../../../generators/lib/generate/generate-project.ts';
import { loadModel } from '../../../generators/lib/model/load.ts';

const repository = resolve(import.meta.dirname, '../../..');

/** Names of generated types, of types of the runtime and of TypeScript, and what they end in. */
const WORDS: readonly string[] = [
  ...'Condition Context Result Next Inputs Outputs Worker Any AnyWorker AnyFinalizer'.split(' '),
  ...'PhaseContext BaseContext BaseResult InputView ObjectMeta KubeObject OutputObject'.split(' '),
  ...'DeepReadonly FieldClaim QueryResult Duration Read Write Fields Wire Output'.split(' '),
  ...'Record Partial Readonly Omit Promise Map Date Object String Array Symbol Error'.split(' '),
  ...'WebSocket Iterator Temporal Float16Array Spec Status StatusInfo Config Phase'.split(' '),
  ...'RuntimeStatus Runtime Resource T E K Finalize Sync Service ServiceOutput'.split(' '),
  ...'WireService Pod PodOutput K8sGateway Gateway Crd Main Index'.split(' '),
];

interface Project {
  readonly kind: string;
  readonly apiVersion: string;
  readonly phases: readonly object[];
  readonly customParameters?: readonly object[];
  readonly queries?: readonly object[];
}

const project = (kind: string, phases: readonly string[], more: object = {}): Project => ({
  kind,
  apiVersion: 'examples.io/v1',
  phases: phases.map((name, index) => ({
    name,
    ...(index === 0 && { initial: true }),
    inputs: ['services', 'pods', 'metrics'],
    outputs: ['services', 'configmaps'],
    ...('customParameters' in more && uses(more.customParameters as readonly Custom[])),
  })),
  ...more,
});

interface Custom {
  readonly lowerName: string;
  readonly singleName: string;
  readonly apiGroup: string;
  readonly plural?: string;
  readonly crd?: string;
}

const uses = (custom: readonly Custom[]): object => {
  const names = custom.map(({ lowerName }) => lowerName);
  return {
    inputs: ['services', 'pods', 'gateways', 'k8sgateways', 'metrics', ...names],
    outputs: ['services', 'gateways', 'k8sgateways', ...names],
  };
};

const parameter = (lowerName: string, singleName: string, crd = false): Custom => ({
  lowerName,
  singleName,
  apiGroup: `${lowerName}.example.io`,
  ...(crd && { crd: 'crd.yaml' }),
});

const crdOf = (kinds: readonly Custom[]): string =>
  kinds
    .map(({ singleName, apiGroup, lowerName }) =>
      stringify({
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: `${lowerName}.${apiGroup}` },
        spec: {
          group: apiGroup,
          scope: 'Namespaced',
          names: { kind: singleName, plural: lowerName },
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: {
                openAPIV3Schema: {
                  type: 'object',
                  properties: {
                    spec: { type: 'object', properties: { size: { type: 'integer' } } },
                  },
                },
              },
            },
          ],
        },
      }),
    )
    .join('---\n');

describe('names that a user may choose', function () {
  this.timeout(300_000);
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'autopilot-names-'));
    symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
    writeFileSync(join(root, 'package.json'), '{"type": "module"}');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** Generates each project in a folder of its own. One compiler run checks all of them. */
  const errorsOf = async (projects: readonly Project[]): Promise<string> => {
    for (const [index, one] of projects.entries()) {
      const dir = join(root, `p${index}-${one.kind}`);
      mkdirSync(dir);
      writeFileSync(join(dir, 'autopilot.yaml'), stringify(one));
      writeFileSync(
        join(dir, 'crd.yaml'),
        crdOf((one.customParameters ?? []).filter((custom) => 'crd' in custom) as Custom[]),
      );
      await generateProject(dir, { runtime: 'registry' });
    }
    writeFileSync(
      join(root, 'tsconfig.json'),
      JSON.stringify({
        extends: `./p0-${projects[0]?.kind}/tsconfig.json`,
        compilerOptions: { customConditions: ['autopilot-source'] },
        include: ['*/src', '*/test'],
      }),
    );
    const { stdout } = await execa(join(repository, 'node_modules/.bin/tsc'), ['--noEmit'], {
      cwd: root,
      reject: false,
    });
    return stdout;
  };

  it('compile as kind', async () => {
    expect(await errorsOf(WORDS.map((word) => project(word, ['First', 'Second'])))).to.equal('');
  });

  it('compile as phase', async () => {
    const small = WORDS.map(lower);
    expect(await errorsOf([project('Thing', WORDS), project('Thing', small)])).to.equal('');
  });

  it('compile as kind of customParameters, also twice, and with a small first letter', async () => {
    const wordParameters = WORDS.map((word) => parameter(`x${word.toLowerCase()}`, word));
    const projects = [
      project('Thing', ['First'], { customParameters: wordParameters }),
      project('Thing', ['First'], {
        customParameters: wordParameters.map((one) => ({ ...one, crd: 'crd.yaml' })),
      }),
      project('Thing', ['First'], {
        customParameters: [
          parameter('ksvc', 'Service'),
          parameter('other', 'Service'),
          parameter('clusters', 'Cluster'),
          parameter('clusteroutputs', 'ClusterOutput'),
          parameter('postgresqls', 'postgresql'),
          parameter('upperpostgresqls', 'Postgresql', true),
          parameter('lowerpostgresqls', 'postgresql', true),
        ],
      }),
    ];
    expect(await errorsOf(projects)).to.equal('');
  });

  it('compile in any combination', async () => {
    const word = fc.constantFrom(...WORDS);
    const names = fc.uniqueArray(word, { minLength: 1, maxLength: 4, selector: lower });
    const projects = fc
      .sample(fc.tuple(word, names, names), { numRuns: 30, seed: 7 })
      .map(([kind, phases, kinds]) => {
        const free = phases.filter((name) => lower(name) !== lower(kind));
        const used = free.length > 0 ? free : ['Waiting'];
        return project(kind, used, {
          customParameters: kinds.map((one) => parameter(`${lower(one)}s`, one)),
        });
      })
      .filter((one) => !('problems' in loadModel(stringify(one), 'autopilot.yaml')));
    expect(projects.length).to.be.greaterThan(15);
    expect(await errorsOf(projects)).to.equal('');
  });

  it('include the plural of the kind, where Kubernetes has another than English', async () => {
    const dir = join(root, 'data');
    mkdirSync(dir);
    const text = stringify(project('Datum', ['First'], { plural: 'data' }));
    writeFileSync(join(dir, 'autopilot.yaml'), text);
    await generateProject(dir, { runtime: 'registry' });
    const read = (path: string): string => readFileSync(join(dir, path), 'utf8');
    expect(JSON.parse(read('src/generated/crd.json'))).to.nested.include({
      'metadata.name': 'data.examples.io',
      'spec.names.plural': 'data',
      'spec.names.singular': 'datum',
    });
    expect(read('src/generated/scheduler.ts')).to.contain("plural: 'data'");
    const chart = 'charts/datum-operator';
    expect(read(`${chart}/templates/crds/data.yaml`)).to.contain('"data.examples.io"');
    expect(read(`${chart}/templates/_rules.tpl`)).to.contain('resources: ["data/status"]');
  });

  it('are refused when they cannot name a parameter of a query', () => {
    const problems = (parameters: readonly string[], template = 'up'): string => {
      const queries = [{ name: 'mine', queryTemplate: template, parameters }];
      const loaded = loadModel(
        stringify(project('Thing', ['First'], { queries })),
        'autopilot.yaml',
      );
      return 'problems' in loaded ? loaded.problems.map(({ message }) => message).join() : '';
    };
    expect(problems(['my-param'])).to.contain("queries[0].parameters[0] 'my-param' must be");
    expect(problems(['1st'])).to.contain("'1st' must be");
    expect(problems(['Name', 'name'], '{{ .name }}')).to.contain("'name' is declared twice");
    expect(problems(['service', 'Interval'], '{{ .service }}[{{ .Interval }}]')).to.equal('');
  });
});

function lower(text: string): string {
  return text.toLowerCase();
}
