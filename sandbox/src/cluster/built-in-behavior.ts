/**
 * Behavior of built-in kinds, as far as operators see it: defaults of Services and workloads,
 * immutable fields, refused values.
 *
 * Caveats: unknown fields of built-in kinds are not detected (docs/reference/conformance.md).
 */
import type { KubeObject } from 'autopilot-runtime/internal';
import type { StatusCause } from './api-errors.ts';
import { isMap, freezeJson, jsonEqual } from './frozen-json.ts';
import type { Kind } from './kind-registry.ts';
import { podTemplateProblems, selectorProblems, serviceSelectorProblems } from './pod-labels.ts';

type JsonMap = Readonly<Record<string, unknown>>;

const MAX_CONFIG_MAP_BYTES = 1024 * 1024;
const CONFIG_KEY = /^[-._a-zA-Z0-9]+$/;
const MICROTIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;
const WORKLOADS = new Set(['deployments', 'replicasets', 'statefulsets', 'daemonsets']);

const asMap = (value: unknown): JsonMap => (isMap(value) ? value : {});
const asList = (value: unknown): readonly JsonMap[] =>
  Array.isArray(value) ? (value as readonly JsonMap[]) : [];
const qualifiedPlural = ({ group, plural }: Kind): string =>
  group === '' ? plural : `${plural}.${group}`;

/** The object with the defaults of its kind. The same object when the kind has none. */
export function withBuiltInDefaults(kind: Kind, object: KubeObject): KubeObject {
  const { spec } = object;
  switch (qualifiedPlural(kind)) {
    case 'services':
      return freezeJson({ ...object, spec: serviceDefaults(asMap(spec)) });
    case 'deployments.apps':
      return freezeJson({
        ...object,
        spec: { ...deploymentDefaults(asMap(spec)), ...withPodTemplateDefaults(asMap(spec)) },
      });
    case 'replicasets.apps':
    case 'statefulsets.apps':
      return freezeJson({
        ...object,
        spec: { replicas: 1, ...withPodTemplateDefaults(asMap(spec)) },
      });
    case 'daemonsets.apps':
      return freezeJson({ ...object, spec: withPodTemplateDefaults(asMap(spec)) });
    case 'configmaps':
      return withoutEmptyData(object);
    case 'pods':
      return freezeJson({ ...object, spec: podDefaults(asMap(spec)) });
    case 'secrets': {
      const { stringData, ...rest } = object as KubeObject & {
        stringData?: Readonly<Record<string, string>>;
        data?: JsonMap;
      };
      const encoded = Object.entries(stringData ?? {}).map(([key, text]) => [
        key,
        Buffer.from(text).toString('base64'),
      ]);
      return freezeJson({
        type: 'Opaque',
        ...rest,
        ...(stringData !== undefined && { data: { ...rest.data, ...Object.fromEntries(encoded) } }),
      });
    }
    default:
      return object;
  }
}

function serviceDefaults(spec: JsonMap): JsonMap {
  const type = spec['type'] ?? 'ClusterIP';
  const ports = asList(spec['ports']).map((port) => ({
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

function deploymentDefaults({ strategy }: JsonMap): JsonMap {
  const { type = 'RollingUpdate', rollingUpdate } = asMap(strategy);
  const rolling = { maxSurge: '25%', maxUnavailable: '25%', ...asMap(rollingUpdate) };
  return {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type, ...(type === 'RollingUpdate' && { rollingUpdate: rolling }) },
  };
}

function withPodTemplateDefaults(spec: JsonMap): JsonMap {
  const { strategy: _, ...rest } = spec;
  const template = asMap(spec['template']);
  return {
    ...rest,
    ...(spec['template'] !== undefined && {
      template: { ...template, spec: podDefaults(asMap(template['spec'])) },
    }),
  };
}

function podDefaults(spec: JsonMap): JsonMap {
  return {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    ...spec,
    ...Object.fromEntries(
      (['containers', 'initContainers'] as const).flatMap((field) =>
        spec[field] === undefined ? [] : [[field, asList(spec[field]).map(containerDefaults)]],
      ),
    ),
    ...(spec['volumes'] !== undefined && { volumes: asList(spec['volumes']).map(volumeDefaults) }),
  };
}

function containerDefaults(given: JsonMap): JsonMap {
  const image = typeof given['image'] === 'string' ? given['image'] : '';
  const tag = image.includes('@') ? 'digest' : /:([^/:]+)$/.exec(image)?.[1];
  const probes = (['livenessProbe', 'readinessProbe', 'startupProbe'] as const).flatMap((field) =>
    given[field] === undefined ? [] : [[field, probeDefaults(asMap(given[field]))]],
  );
  return {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent',
    ...given,
    ...Object.fromEntries(probes),
    ...(given['ports'] !== undefined && {
      ports: asList(given['ports']).map((port) => ({ protocol: 'TCP', ...port })),
    }),
  };
}

function probeDefaults(given: JsonMap): JsonMap {
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
    ...(get !== undefined && { httpGet: { path: '/', scheme: 'HTTP', ...asMap(get) } }),
  };
}

function volumeDefaults(given: JsonMap): JsonMap {
  const moded = (['secret', 'configMap', 'downwardAPI', 'projected'] as const).flatMap((field) =>
    given[field] === undefined ? [] : [[field, { defaultMode: 420, ...asMap(given[field]) }]],
  );
  return Object.keys(given).length === 1
    ? { ...given, emptyDir: {} }
    : { ...given, ...Object.fromEntries(moded) };
}

/**
 * Sets the fields that the API server allocates and keeps: addresses and ports of Services, and the
 * status of a new object.
 * @param next returns a new number with each call
 */
export function allocateServerFields(
  kind: Kind,
  object: KubeObject,
  before: KubeObject | undefined,
  next: () => number,
): KubeObject {
  if (WORKLOADS.has(kind.plural) && before === undefined) {
    return freezeJson({ ...object, status: {} });
  }
  if (qualifiedPlural(kind) !== 'services') {
    return object;
  }
  const spec = asMap(object.spec);
  const status = object.status ?? { loadBalancer: {} };
  if (spec['type'] === 'ExternalName') {
    return freezeJson({ ...object, status });
  }
  const old = asMap(before?.spec);
  const clusterIP = spec['clusterIP'] ?? old['clusterIP'] ?? clusterIpOf(next());
  const families = { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' };
  const exposed = spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer';
  const ports = asList(spec['ports']).map((port) => {
    const was = asList(old['ports']).find(
      (one) => one['port'] === port['port'] && one['protocol'] === port['protocol'],
    );
    return exposed && port['nodePort'] === undefined
      ? { ...port, nodePort: was?.['nodePort'] ?? 30_000 + (next() % 2768) }
      : port;
  });
  return freezeJson({
    ...object,
    spec: { ...families, ...spec, clusterIP, clusterIPs: spec['clusterIPs'] ?? [clusterIP], ports },
    status,
  });
}

function clusterIpOf(count: number): string {
  return `10.96.${(count >> 8) & 255}.${count & 255}`;
}

function withoutEmptyData(object: KubeObject): KubeObject {
  const { data, binaryData, ...rest } = object as KubeObject & {
    data?: JsonMap;
    binaryData?: JsonMap;
  };
  const some = (value: JsonMap | undefined): value is JsonMap =>
    value !== undefined && Object.keys(asMap(value)).length > 0;
  if (some(data) === (data !== undefined) && some(binaryData) === (binaryData !== undefined)) {
    return object;
  }
  return freezeJson({
    ...rest,
    ...(some(data) && { data }),
    ...(some(binaryData) && { binaryData }),
  });
}

/** Why the object cannot be decoded as its kind. The API server then answers 400. */
export function builtInDecodeError(kind: Kind, object: KubeObject): string | undefined {
  if (qualifiedPlural(kind) === 'configmaps') {
    const wrong = Object.values(asMap((object as { data?: unknown }).data)).find(
      (value) => typeof value !== 'string' && value !== null,
    );
    return wrong === undefined
      ? undefined
      : `json: cannot unmarshal ${typeof wrong} into Go struct field ConfigMap.data of type string`;
  }
  if (kind.group !== 'coordination.k8s.io' || kind.plural !== 'leases') {
    return undefined;
  }
  const { renewTime, acquireTime } = asMap(object.spec);
  const wrong = [acquireTime, renewTime].find(
    (time) => typeof time === 'string' && !MICROTIME.test(time),
  );
  return wrong === undefined
    ? undefined
    : `parsing time ${JSON.stringify(wrong)} as "2006-01-02T15:04:05.000000Z07:00"`;
}

/** What is wrong with an object by the API server's validation of its built-in kind. */
export function builtInProblems(
  kind: Kind,
  object: KubeObject,
  before: KubeObject | undefined,
): readonly StatusCause[] {
  const spec = asMap(object.spec);
  const old = before === undefined ? undefined : asMap(before.spec);
  switch (qualifiedPlural(kind)) {
    case 'services':
      return serviceProblems(spec, old);
    case 'configmaps':
      return configMapProblems(
        object as KubeObject & { data?: JsonMap },
        before as (KubeObject & { data?: JsonMap }) | undefined,
      );
    case 'leases.coordination.k8s.io':
      return leaseProblems(spec);
    case 'events.events.k8s.io':
      return eventProblems(object as unknown as JsonMap);
    case 'jobs.batch':
      return podTemplateProblems(spec['template'], 'spec.template');
    case 'cronjobs.batch': {
      const { template } = asMap(asMap(spec['jobTemplate'])['spec']);
      return podTemplateProblems(template, 'spec.jobTemplate.spec.template');
    }
    case 'networkpolicies.networking.k8s.io':
      return selectorProblems(spec['podSelector'], 'spec.podSelector');
    case 'poddisruptionbudgets.policy':
      return selectorProblems(spec['selector'], 'spec.selector');
    default:
      return WORKLOADS.has(kind.plural) && kind.group === 'apps' ? workloadProblems(spec, old) : [];
  }
}

function serviceProblems(spec: JsonMap, old: JsonMap | undefined): readonly StatusCause[] {
  const ip = old?.['clusterIP'];
  const keepsType = old?.['type'] === spec['type'];
  const movesIp = spec['clusterIP'] !== undefined && spec['clusterIP'] !== ip;
  const found: StatusCause[] = [];
  if (ip !== undefined && keepsType && movesIp) {
    const ips = spec['clusterIPs'] ?? [spec['clusterIP']];
    found.push(invalidCause('spec.clusterIPs[0]', ips, 'may not change once set'));
  }
  found.push(...serviceSelectorProblems(spec['selector']));
  const needsPorts = spec['type'] !== 'ExternalName' && spec['clusterIP'] !== 'None';
  if (needsPorts && asList(spec['ports']).length === 0) {
    found.push(requiredCause('spec.ports'));
  }
  return found;
}

function leaseProblems({ leaseDurationSeconds: seconds }: JsonMap): readonly StatusCause[] {
  return typeof seconds === 'number' && seconds <= 0
    ? [invalidCause('spec.leaseDurationSeconds', seconds, 'must be greater than 0')]
    : [];
}

/** An Event without `eventTime` was written through v1, which demands less. */
function eventProblems(event: JsonMap): readonly StatusCause[] {
  if (!('eventTime' in event)) {
    return [];
  }
  return ['reportingController', 'reportingInstance', 'action', 'reason']
    .filter((field) => event[field] === undefined)
    .map((field) => requiredCause(field));
}

function workloadProblems(spec: JsonMap, old: JsonMap | undefined): readonly StatusCause[] {
  const template = asMap(spec['template']);
  const labels = asMap(asMap(template['metadata'])['labels']);
  const { matchLabels, matchExpressions } = asMap(spec['selector']);
  const selects =
    (isMap(matchLabels) || matchExpressions !== undefined) &&
    Object.entries(asMap(matchLabels)).every(([key, value]) => labels[key] === value);
  return [
    ...(spec['selector'] === undefined ? [requiredCause('spec.selector')] : []),
    ...workloadLabelProblems(spec),
    ...(selects
      ? []
      : [
          invalidCause(
            'spec.template.metadata.labels',
            labels,
            '`selector` does not match template `labels`',
          ),
        ]),
    ...(asList(asMap(template['spec'])['containers']).length === 0
      ? [requiredCause('spec.template.spec.containers')]
      : []),
    ...(old !== undefined && !jsonEqual(old['selector'], spec['selector'])
      ? [invalidCause('spec.selector', spec['selector'], 'field is immutable')]
      : []),
  ];
}

/** The labels of the Pods are checked only if the selector is right. */
function workloadLabelProblems({ selector, template }: JsonMap): readonly StatusCause[] {
  const found = selectorProblems(selector, 'spec.selector');
  return found.length === 0
    ? podTemplateProblems(template, 'spec.template')
    : [...found, invalidCause('spec.selector', selector, 'invalid label selector')];
}

function configMapProblems(
  object: KubeObject & { data?: JsonMap; immutable?: boolean },
  before: (KubeObject & { data?: JsonMap; immutable?: boolean }) | undefined,
): readonly StatusCause[] {
  const entries = Object.entries(asMap(object.data));
  const size = entries.reduce((sum, [, text]) => sum + Buffer.byteLength(String(text)), 0);
  const fixed = (field: string): StatusCause => ({
    reason: 'FieldValueForbidden',
    field,
    message: 'Forbidden: field is immutable when `immutable` is set',
  });
  const KEY =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
  return [
    ...(before?.immutable === true && object.immutable !== true ? [fixed('immutable')] : []),
    ...(before?.immutable === true && !jsonEqual(before.data, object.data) ? [fixed('data')] : []),
    ...entries.flatMap(([key]) =>
      CONFIG_KEY.test(key) ? [] : [invalidCause(`data[${key}]`, key, KEY)],
    ),
    ...(size > MAX_CONFIG_MAP_BYTES
      ? [
          {
            reason: 'FieldValueTooLong',
            field: '[]',
            message: `Too long: may not be more than ${MAX_CONFIG_MAP_BYTES} bytes`,
          },
        ]
      : []),
  ];
}

/** Whether a change of annotations increments metadata.generation. */
export function annotationsChangeGeneration(kind: Kind): boolean {
  return qualifiedPlural(kind) === 'deployments.apps';
}

function invalidCause(field: string, value: unknown, detail: string): StatusCause {
  return {
    reason: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${JSON.stringify(value)}: ${detail}`,
  };
}

function requiredCause(field: string): StatusCause {
  return { reason: 'FieldValueRequired', field, message: 'Required value' };
}
