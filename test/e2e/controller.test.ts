import { expect } from 'chai';
import { stringify } from 'yaml';
import { derivePolicyRules } from '../../generators/lib/rbac/policy-rules.ts';
import { requireModel } from '../../generators/lib/model/load.ts';
import { systemClock, systemRandom } from '../../runtime/src/util/clock.ts';
import { claimFields } from '../../runtime/src/index.ts';
import type {
  AnyContext,
  AnyResult,
  KubeConnection,
  KubeApi,
  KubeObject,
  Operator,
  OutputDefinition,
  PhaseDefinition,
  Scheduler,
} from '../../runtime/src/internal.ts';
import { connect, startOperator } from '../../runtime/src/internal.ts';
import { FaultInjector } from '../integration/fault-injector.ts';
import { VIRTUAL_SERVICES } from '../integration/test-operators.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, until } from '../realparts/index.ts';

const GROUP = 'drones.autopilot.test';
const FINALIZER = `${GROUP}/drone-operator`;
const FIELD_CLAIMS = `${GROUP}/field-claims`;
const SOON_MS = 30_000;
const SERVICES = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
} as const;
const HTTP_ROUTES = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind: 'HTTPRoute',
  plural: 'httproutes',
  namespaced: true,
} as const;

/** The phases of the scheduler below. The RBAC rules of the operator are generated from them. */
const AUTOPILOT_YAML = `
kind: Drone
apiVersion: ${GROUP}/v1
operatorName: drone-operator
phases:
  - { name: Start, initial: true }
  - { name: Abroad, outputs: [{ name: services, namespace: all }] }
  - name: Splitting
    inputs: [virtualservices]
    outputs: [{ name: virtualservices, prune: true }]
  - { name: Dividing, inputs: [httproutes], outputs: [httproutes] }
  - { name: Promoting, approval: required }
finalizer: {}
`;

interface Spec {
  readonly phase: string;
  readonly services?: readonly { readonly name: string; readonly namespace: string }[];
  readonly routes?: readonly string[];
  readonly weight?: number;
  readonly labels?: boolean;
}

const output = (
  type: OutputDefinition['type'],
  more: Partial<OutputDefinition> = {},
): OutputDefinition => ({
  name: type.plural,
  type,
  namespace: 'own',
  ...more,
});
const input = (type: OutputDefinition['type']) =>
  ({ name: type.plural, type, namespace: 'own' }) as const;

function scheduler(): Scheduler {
  const working = (
    name: string,
    sync: (context: AnyContext, spec: Spec) => AnyResult,
    more: Partial<PhaseDefinition> = {},
  ): PhaseDefinition => ({
    name,
    inputs: [],
    outputs: [],
    ...more,
    worker: (context) => sync(context, context.resource.spec as Spec),
  });
  const divided = (weight: number): readonly object[] => [
    { destination: { host: 'old' }, weight: 100 - weight },
    { destination: { host: 'new' }, weight },
  ];
  return {
    operatorName: 'drone-operator',
    resource: { group: GROUP, version: 'v1', kind: 'Drone', plural: 'drones', namespaced: true },
    queries: [],
    finalizer: { inputs: [], outputs: [], finalize: () => ({ done: true }) },
    phases: [
      working('Start', (_, { phase }) => ({ next: phase }), { initial: true }),
      working(
        'Abroad',
        (_, { services = [] }) => ({
          next: 'Abroad',
          outputs: {
            services: services.map((metadata) => ({
              apiVersion: 'v1',
              kind: 'Service',
              metadata,
              spec: { ports: [{ port: 80 }] },
            })),
          },
        }),
        { ready: true, outputs: [output(SERVICES, { namespace: 'all' })] },
      ),
      working(
        'Splitting',
        ({ inputs }, { routes = [], weight = 10, labels }) => {
          const found = inputs['virtualservices']?.require('web') as KubeObject;
          const fields = routes.map((name) => ({
            path: ['spec', 'http', { name }, 'route'],
            value: divided(weight),
          }));
          const marks =
            labels === true ? [{ path: ['metadata', 'labels', 'split'], value: 'yes' }] : [];
          return {
            next: 'Splitting',
            outputs: { virtualservices: [claimFields(found, [...fields, ...marks])] },
          };
        },
        {
          ready: true,
          inputs: [input(VIRTUAL_SERVICES)],
          outputs: [output(VIRTUAL_SERVICES, { prune: true })],
        },
      ),
      working(
        'Dividing',
        ({ inputs }) => {
          const found = inputs['httproutes']?.require('web') as KubeObject;
          // Without group, kind and weight: the API server fills them in.
          const backendRefs = ['old', 'new'].map((name) => ({ name, port: 80 }));
          return {
            next: 'Dividing',
            requeueAfter: '1s',
            outputs: {
              httproutes: [
                claimFields(found, [
                  { path: ['spec', 'rules', { name: 'split' }, 'backendRefs'], value: backendRefs },
                ]),
              ],
            },
          };
        },
        { ready: true, inputs: [input(HTTP_ROUTES)], outputs: [output(HTTP_ROUTES)] },
      ),
      working('Promoting', () => ({ next: 'Promoting' }), { ready: true, approval: 'required' }),
    ],
  };
}

const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `drones.${GROUP}` },
  spec: {
    group: GROUP,
    names: { kind: 'Drone', plural: 'drones' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: open,
              status: { ...open, default: { observedGeneration: -1, phase: 'Start' } },
            },
          },
        },
      },
    ],
  },
};

const VIRTUAL_SERVICE = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'web' },
  spec: {
    hosts: ['web'],
    http: [
      {
        name: 'a',
        match: [{ uri: { prefix: '/a' } }],
        route: [{ destination: { host: 'old', port: { number: 80 } }, weight: 100 }],
        timeout: '5s',
      },
      { match: [{ uri: { prefix: '/nameless' } }], route: [{ destination: { host: 'old' } }] },
      { name: 'b', route: [{ destination: { host: 'old' } }] },
    ],
  },
};
const HTTP_ROUTE = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'web' },
  spec: { rules: [{ name: 'split', backendRefs: [{ name: 'old', port: 80 }] }] },
};

describe('the controller on a real API server, with only the RBAC rules that generate writes', () => {
  let plane: ControlPlane;
  let admin: KubeConnection;
  let connected: KubeConnection;
  let operator: Operator;
  const faults = new FaultInjector();
  let count = 0;
  let namespace: string;

  before(async () => {
    plane = await controlPlane();
    await Promise.all([plane.installIstioCrds(), plane.installGatewayApiCrds()]);
    await plane.kubectl(['create', 'namespace', 'operators']);
    await plane.kubectl(['create', 'serviceaccount', 'drone-operator', '-n', 'operators']);
    const rules = derivePolicyRules(requireModel(AUTOPILOT_YAML, 'autopilot.yaml')).map(
      ({ why: _, ...rule }) => rule,
    );
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'drone-operator' },
      rules,
    };
    await apply(stringify(role), stringify(CRD));
    await plane.kubectl([
      'create',
      'clusterrolebinding',
      'drone-operator',
      '--clusterrole=drone-operator',
      '--serviceaccount=operators:drone-operator',
    ]);
    await plane.kubectl([
      'wait',
      '--for=condition=Established',
      '--timeout=30s',
      `crd/drones.${GROUP}`,
    ]);
    admin = await connect({ kubeconfig: plane.kubeconfig });
    connected = await connect({
      kubeconfig: await plane.tokenKubeconfig('operators', 'drone-operator'),
    });
    await start();
  });
  after(async () => {
    await operator?.stop();
    await connected?.close();
    await admin?.close();
    await plane?.stop();
  });
  beforeEach(async () => {
    namespace = `case-${++count}`;
    await plane.kubectl(['create', 'namespace', namespace]);
  });

  async function start(): Promise<void> {
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const api: KubeApi = faults.wrapApi(connected.api);
    operator = startOperator({
      scheduler: scheduler(),
      api,
      clock: systemClock,
      random: systemRandom,
      log,
      config: { workInterval: '1h' },
    });
    await operator.ready;
  }
  async function apply(...documents: readonly string[]): Promise<void> {
    await plane.kubectl(['apply', '--server-side', '--field-manager=people', '-f', '-'], {
      input: documents.join('---\n'),
    });
  }
  const put = (object: object): Promise<void> => {
    const { metadata } = object as { metadata: object };
    return apply(stringify({ ...object, metadata: { namespace, ...metadata } }));
  };
  const drone = (name: string, spec: Spec): Promise<void> =>
    put({ apiVersion: `${GROUP}/v1`, kind: 'Drone', metadata: { name }, spec });
  const key = (name: string) => ({ namespace, name });
  // oxlint-disable-next-line typescript/no-explicit-any -- cases look into objects of any kind
  type AnyObject = KubeObject & { spec: any; status: any };
  const get = async (type: OutputDefinition['type'], name: string): Promise<AnyObject> =>
    (await admin.api.get(type, key(name))) as never;
  const drones = scheduler().resource;
  const holds = async (
    type: OutputDefinition['type'],
  ): Promise<readonly { resource: string; original?: unknown }[]> =>
    JSON.parse((await get(type, 'web')).metadata.annotations?.[FIELD_CLAIMS] ?? '[]') as never;
  const eventually = <T>(what: string, holds: () => Promise<T>): Promise<T> =>
    until(what, SOON_MS, holds);
  async function ready(name: string): Promise<void> {
    await plane.kubectl([
      'wait',
      '--for=condition=Ready',
      '--timeout=30s',
      `drone/${name}`,
      '-n',
      namespace,
    ]);
  }
  async function gone(name: string): Promise<void> {
    await plane.kubectl(['delete', 'drone', name, '-n', namespace, '--wait', '--timeout=30s']);
  }
  const weights = async (): Promise<readonly unknown[]> =>
    (await get(VIRTUAL_SERVICES, 'web')).spec.http.map(
      ({ route }: { route: readonly { weight?: number }[] }) => route.map(({ weight }) => weight),
    );
  const patches = (kind: string): number =>
    faults.requestsFor(kind).filter((request) => request.startsWith('patch')).length;

  // @promise finalizer/cleanup-first
  it('keeps a resource by its finalizer until its outputs in another namespace are deleted', async () => {
    const far = `${namespace}-far`;
    await plane.kubectl(['create', 'namespace', far]);
    await drone('one', {
      phase: 'Abroad',
      services: [
        { name: 'here', namespace },
        { name: 'there', namespace: far },
      ],
    });
    await ready('one');
    const { metadata } = await get(drones, 'one');
    expect(metadata.finalizers).to.deep.equal([FINALIZER]);
    const there = await admin.api.get(SERVICES, { namespace: far, name: 'there' });
    expect([
      there.metadata.ownerReferences,
      there.metadata.labels?.[`${GROUP}/owner-uid`],
    ]).to.deep.equal([undefined, metadata.uid]);
    expect((await get(SERVICES, 'here')).metadata.ownerReferences?.[0]).to.include({
      kind: 'Drone',
      controller: true,
      uid: metadata.uid,
    });
    await gone('one');
    expect((await admin.api.list(SERVICES, { namespace: far })).items).to.deep.equal([]);
  });

  it('sets one named route of a VirtualService, and restores it when the resource is deleted', async () => {
    await put(VIRTUAL_SERVICE);
    const before = await get(VIRTUAL_SERVICES, 'web');
    const sent = patches('VirtualService');
    await drone('one', { phase: 'Splitting', routes: ['a'] });
    await ready('one');
    expect(patches('VirtualService') - sent).to.equal(2);
    const during = await get(VIRTUAL_SERVICES, 'web');
    expect(await weights()).to.deep.equal([[90, 10], [undefined], [undefined]]);
    expect(during.spec.http[0]).to.deep.include({
      name: 'a',
      timeout: '5s',
      match: [{ uri: { prefix: '/a' } }],
    });
    expect(during.spec.http.slice(1)).to.deep.equal(before.spec.http.slice(1));
    expect((await holds(VIRTUAL_SERVICES)).map(({ resource }) => resource)).to.deep.equal([
      `Drone ${namespace}/one`,
    ]);
    await gone('one');
    const after = await get(VIRTUAL_SERVICES, 'web');
    expect([after.spec, after.metadata.annotations, after.metadata.labels]).to.deep.equal([
      before.spec,
      before.metadata.annotations,
      before.metadata.labels,
    ]);
  });

  it('lets two resources claim two routes, and refuses a claimed route until it is released', async () => {
    await put(VIRTUAL_SERVICE);
    await drone('one', { phase: 'Splitting', routes: ['a'], weight: 20 });
    await drone('two', { phase: 'Splitting', routes: ['b'], weight: 30 });
    await ready('one');
    await ready('two');
    expect(await weights()).to.deep.equal([[80, 20], [undefined], [70, 30]]);
    await drone('three', { phase: 'Splitting', routes: ['b'], weight: 50 });
    await plane.kubectl([
      'wait',
      '--for=condition=OutputConflict',
      '--timeout=30s',
      'drone/three',
      '-n',
      namespace,
    ]);
    expect((await get(drones, 'three')).status.conditions[0].message).to.contain(
      `is claimed by Drone ${namespace}/two;`,
    );
    await gone('two');
    await ready('three');
    expect(await weights()).to.deep.equal([[80, 20], [undefined], [50, 50]]);
    for (const name of ['three', 'one']) {
      await gone(name);
    }
    expect((await get(VIRTUAL_SERVICES, 'web')).spec).to.deep.equal(VIRTUAL_SERVICE.spec);
  });

  it('sets claimed fields again after another field manager removes them, and restores fields that it no longer claims', async () => {
    await put(VIRTUAL_SERVICE);
    await drone('one', { phase: 'Splitting', routes: ['a', 'b'], labels: true });
    await ready('one');
    await plane.kubectl(
      [
        'apply',
        '--server-side',
        '--force-conflicts',
        '--field-manager=people',
        '-n',
        namespace,
        '-f',
        '-',
      ],
      {
        input: stringify(VIRTUAL_SERVICE),
      },
    );
    await eventually('the routes are divided again', async () =>
      expect(await weights()).to.deep.equal([[90, 10], [undefined], [90, 10]]),
    );
    expect((await get(VIRTUAL_SERVICES, 'web')).metadata.labels).to.deep.equal({ split: 'yes' });
    await drone('one', { phase: 'Splitting', routes: ['b'] });
    await eventually('route a is as it was', async () =>
      expect(await weights()).to.deep.equal([[100], [undefined], [90, 10]]),
    );
    expect((await get(VIRTUAL_SERVICES, 'web')).metadata.labels).to.equal(undefined);
    await gone('one');
    expect((await get(VIRTUAL_SERVICES, 'web')).spec).to.deep.equal(VIRTUAL_SERVICE.spec);
  });

  // @promise outputs/field-claims
  it('loses no change while many clients change one object at once', async () => {
    await put(VIRTUAL_SERVICE);
    const names = ['r1', 'r2', 'r3', 'r4'];
    const http = names.map((name) => ({
      name,
      route: [{ destination: { host: 'old' }, weight: 100 }],
    }));
    const busy = { ...VIRTUAL_SERVICE, spec: { hosts: ['web'], http } };
    await put(busy);
    for (const name of names) {
      await drone(name, { phase: 'Splitting', routes: [name], weight: 5 });
    }
    const others = Array.from({ length: 40 }, (_, index) =>
      admin.api.patch(VIRTUAL_SERVICES, key('web'), {
        type: 'merge',
        body: { metadata: { labels: { [`l${index}`]: 'x' } } },
      }),
    );
    await Promise.all(others);
    for (const name of names) {
      await ready(name);
    }
    expect(Object.keys((await get(VIRTUAL_SERVICES, 'web')).metadata.labels ?? {})).to.have.length(
      40,
    );
    expect(await weights()).to.deep.equal([
      [95, 5],
      [95, 5],
      [95, 5],
      [95, 5],
    ]);
    await Promise.all(names.map((name) => gone(name)));
    const after = await get(VIRTUAL_SERVICES, 'web');
    expect([after.spec, after.metadata.annotations]).to.deep.equal([busy.spec, undefined]);
  });

  it('records once how the API server stores a value, and restores the old value', async () => {
    await put(HTTP_ROUTE);
    const before = await get(HTTP_ROUTES, 'web');
    const sent = patches('HTTPRoute');
    await drone('one', { phase: 'Dividing' });
    await ready('one');
    const { spec } = await get(HTTP_ROUTES, 'web');
    expect(spec.rules[0].backendRefs[1]).to.deep.equal({
      group: '',
      kind: 'Service',
      name: 'new',
      port: 80,
      weight: 1,
    });
    const version = (await get(HTTP_ROUTES, 'web')).metadata.resourceVersion;
    // Another reconcile of an unchanged object writes nothing.
    await put({
      apiVersion: `${GROUP}/v1`,
      kind: 'Drone',
      metadata: { name: 'one', labels: { look: 'again' } },
      spec: { phase: 'Dividing' },
    });
    await ready('one');
    expect([
      (await get(HTTP_ROUTES, 'web')).metadata.resourceVersion,
      patches('HTTPRoute') - sent,
    ]).to.deep.equal([version, 2]);
    await gone('one');
    expect((await get(HTTP_ROUTES, 'web')).spec).to.deep.equal(before.spec);
  });

  it('waits for approval, and continues after the command that its condition shows', async () => {
    await drone('one', { phase: 'Promoting' });
    await plane.kubectl([
      'wait',
      '--for=condition=AwaitingApproval',
      '--timeout=30s',
      'drone/one',
      '-n',
      namespace,
    ]);
    const { status } = await get(drones, 'one');
    expect(status.phase).to.equal('Start');
    const { message } = status.conditions.find(
      ({ type }: { type: string }) => type === 'AwaitingApproval',
    ) as { message: string };
    const command = /^Promoting waits for approval: kubectl (.*)$/.exec(message)?.[1] ?? '';
    await plane.kubectl(command.split(' '));
    await ready('one');
    expect((await get(drones, 'one')).status.phase).to.equal('Promoting');
  });

  it('retries refused outputs and reports them in a condition: never Stalled, Ready when they are allowed', async () => {
    const name = `no-${namespace}`;
    const policy = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
    };
    const rule = {
      apiGroups: [''],
      apiVersions: ['v1'],
      operations: ['CREATE'],
      resources: ['services'],
    };
    const validations = [
      { expression: `object.metadata.namespace != '${namespace}'`, message: 'no Services here' },
    ];
    const binding = {
      apiVersion: policy.apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'] },
    };
    await apply(
      stringify({ ...policy, spec: { matchConstraints: { resourceRules: [rule] }, validations } }),
      stringify(binding),
    );
    // The API server needs a moment to enforce a new policy.
    await eventually('the policy is in force', async () => {
      const refused = await plane
        .kubectl([
          'create',
          'service',
          'externalname',
          'x',
          '--external-name=x',
          '-n',
          namespace,
          '--dry-run=server',
        ])
        .catch((error: Error) => error.message);
      expect(refused).to.contain('no Services here');
    });
    await drone('one', { phase: 'Abroad', services: [{ name: 'a', namespace }] });
    await plane.kubectl([
      'wait',
      '--for=condition=OutputsApplied=False',
      '--timeout=30s',
      'drone/one',
      '-n',
      namespace,
    ]);
    // A phase with `ready: true` stays Ready for the first refusals.
    await plane.kubectl([
      'wait',
      '--for=condition=Ready=False',
      '--timeout=30s',
      'drone/one',
      '-n',
      namespace,
    ]);
    const { conditions } = (await get(drones, 'one')).status as {
      conditions: readonly { type: string; message: string }[];
    };
    expect(conditions.map(({ type }) => type)).to.deep.equal([
      'Ready',
      'Reconciling',
      'OutputsApplied',
    ]);
    expect(conditions[0]?.message)
      .to.contain(`Service ${namespace}/a was refused: `)
      .and.contain('no Services here');
    await plane.kubectl(['delete', 'validatingadmissionpolicybinding', name]);
    await ready('one');
  });

  it('knows its field claims after a restart, and restores the fields', async () => {
    await put(VIRTUAL_SERVICE);
    await drone('one', { phase: 'Splitting', routes: ['a'] });
    await ready('one');
    await operator.stop();
    const sent = patches('VirtualService');
    await plane.kubectl(['delete', 'drone', 'one', '-n', namespace, '--wait=false']);
    await start();
    await eventually('the resource is gone', async () => {
      const left = await plane.kubectl(['get', 'drones', '-n', namespace, '-o', 'name']);
      expect(left).to.equal('');
    });
    expect(patches('VirtualService') - sent).to.equal(2);
    expect((await get(VIRTUAL_SERVICES, 'web')).spec).to.deep.equal(VIRTUAL_SERVICE.spec);
  });
});
