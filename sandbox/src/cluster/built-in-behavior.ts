/**
 * Built-in kinds as far as operators read back what the API server makes of them: defaults of
 * Services and workloads, what is
 * immutable, what is refused. Fields that a built-in kind does not have are not noticed
 * (docs/reference/conformance.md).
 */
import type { KubeObject } from 'autopilot-runtime/ports';
import type { Cause } from './errors.ts';
import { isMap, keep, same } from './frozen.ts';
import type { Kind } from './kinds.ts';

type Json = Readonly<Record<string, unknown>>;

const MOST_DATA = 1024 * 1024;
const CONFIG_KEY = /^[-._a-zA-Z0-9]+$/;
const MICROTIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;
const WORKLOADS = new Set(['deployments', 'replicasets', 'statefulsets', 'daemonsets']);

const map = (value: unknown): Json => (isMap(value) ? value : {});
const list = (value: unknown): readonly Json[] =>
  Array.isArray(value) ? (value as readonly Json[]) : [];
const name = ({ group, plural }: Kind): string => (group === '' ? plural : `${plural}.${group}`);

/** With the defaults of its kind; the same object when there are none. */
export function withBuiltinDefaults(kind: Kind, object: KubeObject): KubeObject {
  const { spec } = object;
  switch (name(kind)) {
    case 'services':
      return keep({ ...object, spec: serviceSpec(map(spec)) });
    case 'deployments.apps':
      return keep({
        ...object,
        spec: { ...deploymentDefaults(map(spec)), ...templated(map(spec)) },
      });
    case 'replicasets.apps':
    case 'statefulsets.apps':
      return keep({ ...object, spec: { replicas: 1, ...templated(map(spec)) } });
    case 'daemonsets.apps':
      return keep({ ...object, spec: templated(map(spec)) });
    case 'configmaps':
      return withoutEmpty(object);
    case 'pods':
      return keep({ ...object, spec: podSpec(map(spec)) });
    case 'secrets': {
      const { stringData, ...rest } = object as KubeObject & {
        stringData?: Readonly<Record<string, string>>;
        data?: Json;
      };
      const texts = Object.entries(stringData ?? {}).map(([key, text]) => [
        key,
        Buffer.from(text).toString('base64'),
      ]);
      return keep({
        type: 'Opaque',
        ...rest,
        ...(stringData !== undefined && { data: { ...rest.data, ...Object.fromEntries(texts) } }),
      });
    }
    default:
      return object;
  }
}

function serviceSpec(spec: Json): Json {
  const type = spec['type'] ?? 'ClusterIP';
  const ports = list(spec['ports']).map((port) => ({
    protocol: 'TCP',
    targetPort: port['port'],
    ...port,
  }));
  return {
    type,
    sessionAffinity: 'None',
    ...(type !== 'ExternalName' && { internalTrafficPolicy: 'Cluster' }),
    ...((type === 'NodePort' || type === 'LoadBalancer') && { externalTrafficPolicy: 'Cluster' }),
    ...(type === 'LoadBalancer' && { allocateLoadBalancerNodePorts: true }),
    ...spec,
    ...(spec['ports'] !== undefined && { ports }),
  };
}

function deploymentDefaults({ strategy }: Json): Json {
  const { type = 'RollingUpdate', rollingUpdate } = map(strategy);
  const rolling = { maxSurge: '25%', maxUnavailable: '25%', ...map(rollingUpdate) };
  return {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type, ...(type === 'RollingUpdate' && { rollingUpdate: rolling }) },
  };
}

function templated(spec: Json): Json {
  const { strategy: _, ...rest } = spec;
  const template = map(spec['template']);
  return {
    ...rest,
    ...(spec['template'] !== undefined && {
      template: { ...template, spec: podSpec(map(template['spec'])) },
    }),
  };
}

function podSpec(spec: Json): Json {
  return {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    ...spec,
    ...Object.fromEntries(
      (['containers', 'initContainers'] as const).flatMap((field) =>
        spec[field] === undefined ? [] : [[field, list(spec[field]).map(container)]],
      ),
    ),
    ...(spec['volumes'] !== undefined && { volumes: list(spec['volumes']).map(volume) }),
  };
}

function container(given: Json): Json {
  const image = typeof given['image'] === 'string' ? given['image'] : '';
  const tag = image.includes('@') ? 'digest' : /:([^/:]+)$/.exec(image)?.[1];
  const probes = (['livenessProbe', 'readinessProbe', 'startupProbe'] as const).flatMap((field) =>
    given[field] === undefined ? [] : [[field, probe(map(given[field]))]],
  );
  return {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent',
    ...given,
    ...Object.fromEntries(probes),
    ...(given['ports'] !== undefined && {
      ports: list(given['ports']).map((port) => ({ protocol: 'TCP', ...port })),
    }),
  };
}

function probe(given: Json): Json {
  const get = given['httpGet'];
  const defaults = {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  };
  return {
    ...defaults,
    ...given,
    ...(get !== undefined && { httpGet: { path: '/', scheme: 'HTTP', ...map(get) } }),
  };
}

function volume(given: Json): Json {
  const moded = (['secret', 'configMap', 'downwardAPI', 'projected'] as const).flatMap((field) =>
    given[field] === undefined ? [] : [[field, { defaultMode: 420, ...map(given[field]) }]],
  );
  return Object.keys(given).length === 1
    ? { ...given, emptyDir: {} }
    : { ...given, ...Object.fromEntries(moded) };
}

/**
 * What the server allocates and keeps: addresses and ports of Services, the status of a new object.
 * `next` counts up.
 */
export function allocated(
  kind: Kind,
  object: KubeObject,
  before: KubeObject | undefined,
  next: () => number,
): KubeObject {
  if (WORKLOADS.has(kind.plural) && before === undefined) {
    return keep({ ...object, status: {} });
  }
  if (name(kind) !== 'services') {
    return object;
  }
  const spec = map(object.spec);
  const status = object.status ?? { loadBalancer: {} };
  if (spec['type'] === 'ExternalName') {
    return keep({ ...object, status });
  }
  const old = map(before?.spec);
  const clusterIP = spec['clusterIP'] ?? old['clusterIP'] ?? address(next());
  const families = { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' };
  const exposed = spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer';
  const ports = list(spec['ports']).map((port) => {
    const was = list(old['ports']).find(
      (one) => one['port'] === port['port'] && one['protocol'] === port['protocol'],
    );
    return exposed && port['nodePort'] === undefined
      ? { ...port, nodePort: was?.['nodePort'] ?? 30_000 + (next() % 2768) }
      : port;
  });
  return keep({
    ...object,
    spec: { ...families, ...spec, clusterIP, clusterIPs: spec['clusterIPs'] ?? [clusterIP], ports },
    status,
  });
}

function address(count: number): string {
  return `10.96.${(count >> 8) & 255}.${count & 255}`;
}

function withoutEmpty(object: KubeObject): KubeObject {
  const { data, binaryData, ...rest } = object as KubeObject & { data?: Json; binaryData?: Json };
  const some = (value: Json | undefined): value is Json =>
    value !== undefined && Object.keys(map(value)).length > 0;
  if (some(data) === (data !== undefined) && some(binaryData) === (binaryData !== undefined)) {
    return object;
  }
  return keep({ ...rest, ...(some(data) && { data }), ...(some(binaryData) && { binaryData }) });
}

/** What cannot be read as the kind at all: the request then is a 400. */
export function builtinUnreadable(kind: Kind, object: KubeObject): string | undefined {
  if (name(kind) === 'configmaps') {
    const wrong = Object.values(map((object as { data?: unknown }).data)).find(
      (value) => typeof value !== 'string' && value !== null,
    );
    return wrong === undefined
      ? undefined
      : `json: cannot unmarshal ${typeof wrong} into Go struct field ConfigMap.data of type string`;
  }
  if (kind.group !== 'coordination.k8s.io' || kind.plural !== 'leases') {
    return undefined;
  }
  const { renewTime, acquireTime } = map(object.spec);
  const wrong = [acquireTime, renewTime].find(
    (time) => typeof time === 'string' && !MICROTIME.test(time),
  );
  return wrong === undefined
    ? undefined
    : `parsing time ${JSON.stringify(wrong)} as "2006-01-02T15:04:05.000000Z07:00"`;
}

export function builtinProblems(
  kind: Kind,
  object: KubeObject,
  before: KubeObject | undefined,
): readonly Cause[] {
  const [spec, old] = [map(object.spec), map(before?.spec)];
  switch (name(kind)) {
    case 'services': {
      const ip = old['clusterIP'];
      const moved =
        before !== undefined &&
        ip !== undefined &&
        old['type'] === spec['type'] &&
        spec['clusterIP'] !== undefined &&
        spec['clusterIP'] !== ip;
      return [
        ...(moved
          ? [
              invalid(
                'spec.clusterIPs[0]',
                spec['clusterIPs'] ?? [spec['clusterIP']],
                'may not change once set',
              ),
            ]
          : []),
        ...(list(spec['ports']).length === 0 &&
        spec['type'] !== 'ExternalName' &&
        spec['clusterIP'] !== 'None'
          ? [required('spec.ports')]
          : []),
      ];
    }
    case 'configmaps':
      return configMapProblems(
        object as KubeObject & { data?: Json },
        before as (KubeObject & { data?: Json }) | undefined,
      );
    case 'leases.coordination.k8s.io':
      return typeof spec['leaseDurationSeconds'] === 'number' && spec['leaseDurationSeconds'] <= 0
        ? [
            invalid(
              'spec.leaseDurationSeconds',
              spec['leaseDurationSeconds'],
              'must be greater than 0',
            ),
          ]
        : [];
    case 'events.events.k8s.io':
      // One without a time was written through v1, which asks for less.
      if (!('eventTime' in object)) {
        return [];
      }
      return (['reportingController', 'reportingInstance', 'action', 'reason'] as const).flatMap(
        (field) => ((object as unknown as Json)[field] === undefined ? [required(field)] : []),
      );
    default:
      return WORKLOADS.has(kind.plural) && kind.group === 'apps'
        ? workloadProblems(spec, before === undefined ? undefined : old)
        : [];
  }
}

function workloadProblems(spec: Json, old: Json | undefined): readonly Cause[] {
  const template = map(spec['template']);
  const labels = map(map(template['metadata'])['labels']);
  const { matchLabels, matchExpressions } = map(spec['selector']);
  const selects =
    (isMap(matchLabels) || matchExpressions !== undefined) &&
    Object.entries(map(matchLabels)).every(([key, value]) => labels[key] === value);
  return [
    ...(spec['selector'] === undefined ? [required('spec.selector')] : []),
    ...(selects
      ? []
      : [
          invalid(
            'spec.template.metadata.labels',
            labels,
            '`selector` does not match template `labels`',
          ),
        ]),
    ...(list(map(template['spec'])['containers']).length === 0
      ? [required('spec.template.spec.containers')]
      : []),
    ...(old !== undefined && !same(old['selector'], spec['selector'])
      ? [invalid('spec.selector', spec['selector'], 'field is immutable')]
      : []),
  ];
}

function configMapProblems(
  object: KubeObject & { data?: Json; immutable?: boolean },
  before: (KubeObject & { data?: Json; immutable?: boolean }) | undefined,
): readonly Cause[] {
  const entries = Object.entries(map(object.data));
  const size = entries.reduce((sum, [, text]) => sum + Buffer.byteLength(String(text)), 0);
  const fixed = (field: string): Cause => ({
    reason: 'FieldValueForbidden',
    field,
    message: 'Forbidden: field is immutable when `immutable` is set',
  });
  const KEY =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
  return [
    ...(before?.immutable === true && object.immutable !== true ? [fixed('immutable')] : []),
    ...(before?.immutable === true && !same(before.data, object.data) ? [fixed('data')] : []),
    ...entries.flatMap(([key]) =>
      CONFIG_KEY.test(key) ? [] : [invalid(`data[${key}]`, key, KEY)],
    ),
    ...(size > MOST_DATA
      ? [
          {
            reason: 'FieldValueTooLong',
            field: '[]',
            message: `Too long: may not be more than ${MOST_DATA} bytes`,
          },
        ]
      : []),
  ];
}

/** Does a change between the two count for metadata.generation though spec is the same? */
export function countsAnnotations(kind: Kind): boolean {
  return name(kind) === 'deployments.apps';
}

function invalid(field: string, value: unknown, text: string): Cause {
  return {
    reason: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${JSON.stringify(value)}: ${text}`,
  };
}

function required(field: string): Cause {
  return { reason: 'FieldValueRequired', field, message: 'Required value' };
}
