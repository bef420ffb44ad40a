/** Discovery: the API groups, versions and resources that the cluster serves. */
import type { Cluster } from '../cluster/cluster.ts';
import type { Kind } from '../cluster/kind-registry.ts';
import type { ApiResponse } from './response.ts';
import type { ApiRequest } from './api-request.ts';

/** The Kubernetes version that test/conformance compares the cluster with. */
const KUBERNETES_VERSION = {
  major: '1',
  minor: '37',
  gitVersion: 'v1.37.2+sandbox',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '',
  goVersion: '',
  compiler: '',
  platform: process.platform,
};
const RESOURCE_VERBS = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];
const AGGREGATED_ACCEPT =
  /g=apidiscovery\.k8s\.io;v=(v2(?:beta1)?);as=APIGroupDiscoveryList|v=(v2(?:beta1)?);g=apidiscovery\.k8s\.io;as=APIGroupDiscoveryList/;

/** Names that people use on the command line for built-in kinds. */
const SHORT_NAMES: Readonly<Record<string, readonly string[]>> = {
  configmaps: ['cm'],
  customresourcedefinitions: ['crd', 'crds'],
  cronjobs: ['cj'],
  daemonsets: ['ds'],
  deployments: ['deploy'],
  endpoints: ['ep'],
  events: ['ev'],
  gateways: ['gw'],
  horizontalpodautoscalers: ['hpa'],
  ingresses: ['ing'],
  namespaces: ['ns'],
  networkpolicies: ['netpol'],
  nodes: ['no'],
  persistentvolumeclaims: ['pvc'],
  persistentvolumes: ['pv'],
  poddisruptionbudgets: ['pdb'],
  pods: ['po'],
  replicasets: ['rs'],
  serviceaccounts: ['sa'],
  services: ['svc'],
  statefulsets: ['sts'],
  virtualservices: ['vs'],
  destinationrules: ['dr'],
};
const ALL_CATEGORY = new Set([
  'pods',
  'services',
  'deployments',
  'replicasets',
  'statefulsets',
  'daemonsets',
  'jobs',
  'cronjobs',
]);

/** The response to a discovery request. Undefined for other paths. */
export function discoveryResponse(
  cluster: Cluster,
  { path, accept }: ApiRequest,
): ApiResponse | undefined {
  const kinds = [...cluster.kinds()];
  const [, aggregated] = /v=(v2(?:beta1)?)/.exec(AGGREGATED_ACCEPT.exec(accept)?.[0] ?? '') ?? [];
  const parts = path.split('/').filter((part) => part !== '');
  switch (`/${parts.join('/')}`) {
    case '/version':
      return { code: 200, body: KUBERNETES_VERSION };
    case '/healthz':
    case '/livez':
    case '/readyz':
      return { code: 200, body: 'ok', contentType: 'text/plain; charset=utf-8' };
    case '/':
      return {
        code: 200,
        body: { paths: ['/api', '/api/v1', '/apis', '/openapi/v3', '/readyz', '/version'] },
      };
    case '/api':
      if (aggregated !== undefined) {
        return aggregatedResponse(
          kinds.filter(({ group }) => group === ''),
          aggregated,
        );
      }
      return {
        code: 200,
        body: { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] },
      };
    case '/apis':
      if (aggregated !== undefined) {
        return aggregatedResponse(
          kinds.filter(({ group }) => group !== ''),
          aggregated,
        );
      }
      return {
        code: 200,
        body: { kind: 'APIGroupList', apiVersion: 'v1', groups: listGroups(kinds).map(groupBody) },
      };
    default:
      return groupResponse(kinds, parts);
  }
}

/** One group, or one version of it. */
function groupResponse(
  kinds: readonly Kind[],
  [root, ...parts]: readonly string[],
): ApiResponse | undefined {
  if (root === 'apis' && parts.length === 1) {
    const group = listGroups(kinds).find(({ name }) => name === parts[0]);
    return group === undefined
      ? undefined
      : { code: 200, body: { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(group) } };
  }
  const [group, version] = root === 'api' ? ['', ...parts] : parts;
  const found = kinds.filter((kind) => kind.group === group && kind.version === version);
  if (
    (root !== 'api' && root !== 'apis') ||
    parts.length !== (root === 'api' ? 1 : 2) ||
    found.length === 0
  ) {
    return undefined;
  }
  const groupVersion = group === '' ? version : `${group}/${version}`;
  return {
    code: 200,
    body: {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion,
      resources: found.flatMap(resourcesOf),
    },
  };
}

interface ApiGroup {
  readonly name: string;
  readonly versions: readonly string[];
}

/** Stable versions come first: clients prefer the first one. */
function listGroups(kinds: readonly Kind[]): readonly ApiGroup[] {
  const names = [...new Set(kinds.map(({ group }) => group))].filter((name) => name !== '');
  const stable = (version: string): number => (/^v\d+$/.test(version) ? 0 : 1);
  return names.map((name) => {
    const versions = [
      ...new Set(kinds.filter(({ group }) => group === name).map(({ version }) => version)),
    ];
    return { name, versions: versions.sort((a, b) => stable(a) - stable(b) || (a < b ? 1 : -1)) };
  });
}

function groupBody({ name, versions }: ApiGroup): object {
  const all = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: all, preferredVersion: all[0] };
}

function resourceNames(kind: Kind): {
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
} {
  const shortNames = kind.shortNames ?? SHORT_NAMES[kind.plural];
  const categories = kind.categories ?? (ALL_CATEGORY.has(kind.plural) ? ['all'] : undefined);
  return {
    ...(shortNames !== undefined && { shortNames }),
    ...(categories !== undefined && { categories }),
  };
}

function resourcesOf(kind: Kind): readonly object[] {
  const { plural: name, namespaced } = kind;
  const below = (subresource: string, type: object): object => ({
    name: `${name}/${subresource}`,
    singularName: '',
    namespaced,
    verbs: ['get', 'patch', 'update'],
    ...type,
  });
  return [
    {
      name,
      singularName: kind.kind.toLowerCase(),
      namespaced,
      kind: kind.kind,
      verbs: RESOURCE_VERBS,
      ...resourceNames(kind),
    },
    ...(kind.status === true ? [below('status', { kind: kind.kind })] : []),
    ...(kind.scale !== undefined
      ? [below('scale', { kind: 'Scale', group: 'autoscaling', version: 'v1' })]
      : []),
  ];
}

function aggregatedResponse(kinds: readonly Kind[], version: string): ApiResponse {
  const groups = kinds.some(({ group }) => group === '')
    ? [{ name: '', versions: ['v1'] }]
    : listGroups(kinds);
  const items = groups.map(({ name, versions }) => ({
    metadata: { name: name === '' ? undefined : name, creationTimestamp: null },
    versions: versions.map((one) => ({
      version: one,
      freshness: 'Current',
      resources: kinds
        .filter((kind) => kind.group === name && kind.version === one)
        .map(aggregatedResource),
    })),
  }));
  return {
    code: 200,
    body: {
      kind: 'APIGroupDiscoveryList',
      apiVersion: `apidiscovery.k8s.io/${version}`,
      metadata: {},
      items,
    },
    contentType: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
  };
}

function aggregatedResource(kind: Kind): object {
  const { group, version, plural, namespaced } = kind;
  const subresources = [
    ...(kind.status === true
      ? [
          {
            subresource: 'status',
            responseKind: { group, version, kind: kind.kind },
            verbs: ['get', 'patch', 'update'],
          },
        ]
      : []),
    ...(kind.scale !== undefined
      ? [
          {
            subresource: 'scale',
            responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
            verbs: ['get', 'patch', 'update'],
          },
        ]
      : []),
  ];
  return {
    resource: plural,
    responseKind: { group, version, kind: kind.kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.kind.toLowerCase(),
    verbs: RESOURCE_VERBS,
    ...resourceNames(kind),
    ...(subresources.length > 0 && { subresources }),
  };
}
