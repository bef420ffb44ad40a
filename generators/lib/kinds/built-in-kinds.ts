/**
 * The parameters every project knows without declaring them: kinds that phases read and write. The
 * first nine (and the
 * pseudo-input `metrics`) are the original's; the rest is what mesh operators plainly want.
 */
import type { KindDefinition } from '../model/model.ts';

/** The name of the input that gives a worker typed metrics queries instead of objects. */
export const METRICS_INPUT = 'metrics';

const KUBERNETES = 'kubernetes-models';
const ISTIO = '@kubernetes-models/istio';
const GATEWAY_API = '@kubernetes-models/gateway-api';

/**
 * Versions of the packages that hold the TypeScript types; only types are imported, so they are
 * development dependencies.
 */
export const TYPE_PACKAGES: Readonly<Record<string, string>> = {
  [KUBERNETES]: '5.1.0',
  [ISTIO]: '3.0.1',
  [GATEWAY_API]: '2.0.0',
};

interface BuiltInKindOptions {
  /** Default: the plural. */
  readonly name?: string;
  readonly namespaced?: boolean;
}

function defineKind(
  packageName: string,
  apiVersion: string,
  kind: string,
  plural: string,
  { name = plural, namespaced = true }: BuiltInKindOptions = {},
): KindDefinition {
  const [group, version] = apiVersion.includes('/')
    ? (apiVersion.split('/') as [string, string])
    : ['', apiVersion];
  return {
    name,
    group,
    version,
    kind,
    plural,
    namespaced,
    module: { package: packageName, path: `${apiVersion}/${kind}`, name: `I${kind}` },
  };
}

/**
 * Istio and the Gateway API both have Gateways. The plain name keeps the meaning that it has always
 * had.
 */
export const GATEWAY_API_GATEWAYS = 'k8sgateways';

const kinds: readonly KindDefinition[] = [
  defineKind(KUBERNETES, 'v1', 'Event', 'events'),
  defineKind(KUBERNETES, 'v1', 'ConfigMap', 'configmaps'),
  defineKind(KUBERNETES, 'v1', 'Service', 'services'),
  defineKind(KUBERNETES, 'v1', 'Pod', 'pods'),
  defineKind(KUBERNETES, 'batch/v1', 'Job', 'jobs'),
  defineKind(KUBERNETES, 'apps/v1', 'Deployment', 'deployments'),
  defineKind(KUBERNETES, 'apps/v1', 'ReplicaSet', 'replicasets'),
  defineKind(ISTIO, 'networking.istio.io/v1', 'VirtualService', 'virtualservices'),
  defineKind(ISTIO, 'networking.istio.io/v1', 'Gateway', 'gateways'),
  defineKind(KUBERNETES, 'v1', 'Secret', 'secrets'),
  defineKind(KUBERNETES, 'v1', 'Namespace', 'namespaces', { namespaced: false }),
  defineKind(KUBERNETES, 'v1', 'ServiceAccount', 'serviceaccounts'),
  defineKind(KUBERNETES, 'apps/v1', 'DaemonSet', 'daemonsets'),
  defineKind(KUBERNETES, 'apps/v1', 'StatefulSet', 'statefulsets'),
  defineKind(KUBERNETES, 'batch/v1', 'CronJob', 'cronjobs'),
  defineKind(KUBERNETES, 'autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  defineKind(KUBERNETES, 'policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  defineKind(KUBERNETES, 'networking.k8s.io/v1', 'Ingress', 'ingresses'),
  defineKind(KUBERNETES, 'networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  defineKind(KUBERNETES, 'discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices'),
  defineKind(ISTIO, 'networking.istio.io/v1', 'DestinationRule', 'destinationrules'),
  defineKind(ISTIO, 'networking.istio.io/v1', 'ServiceEntry', 'serviceentries'),
  defineKind(ISTIO, 'networking.istio.io/v1', 'Sidecar', 'sidecars'),
  defineKind(ISTIO, 'networking.istio.io/v1alpha3', 'EnvoyFilter', 'envoyfilters'),
  defineKind(ISTIO, 'security.istio.io/v1', 'AuthorizationPolicy', 'authorizationpolicies'),
  defineKind(ISTIO, 'security.istio.io/v1', 'PeerAuthentication', 'peerauthentications'),
  defineKind(ISTIO, 'security.istio.io/v1', 'RequestAuthentication', 'requestauthentications'),
  defineKind(ISTIO, 'telemetry.istio.io/v1', 'Telemetry', 'telemetries'),
  defineKind(GATEWAY_API, 'gateway.networking.k8s.io/v1', 'Gateway', 'gateways', {
    name: GATEWAY_API_GATEWAYS,
  }),
  defineKind(GATEWAY_API, 'gateway.networking.k8s.io/v1', 'HTTPRoute', 'httproutes'),
  defineKind(GATEWAY_API, 'gateway.networking.k8s.io/v1', 'GRPCRoute', 'grpcroutes'),
  defineKind(GATEWAY_API, 'gateway.networking.k8s.io/v1', 'ReferenceGrant', 'referencegrants'),
];

export const builtInKinds: ReadonlyMap<string, KindDefinition> = new Map(
  kinds.map((kind) => [kind.name, kind]),
);

/**
 * Those that Autopilot of 2019 had. A project's own parameter may take the place of the others,
 * which its projects had to declare
 * themselves.
 */
export const ORIGINAL_KINDS: ReadonlySet<string> = new Set([
  'events',
  'configmaps',
  'services',
  'pods',
  'jobs',
  'deployments',
  'replicasets',
  'virtualservices',
  'gateways',
]);
