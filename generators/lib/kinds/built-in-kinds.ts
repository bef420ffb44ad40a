/**
 * The parameters every project knows without declaring them: kinds that phases read and write. The first nine (and the
 * pseudo-input `metrics`) are the original's; the rest is what mesh operators plainly want.
 */
import type { ParameterType } from './model.ts';

/** The name of the input that gives a worker typed metrics queries instead of objects. */
export const METRICS = 'metrics';

const KUBERNETES = 'kubernetes-models';
const ISTIO = '@kubernetes-models/istio';
const GATEWAY_API = '@kubernetes-models/gateway-api';

/** Versions of the packages that hold the TypeScript types; only types are imported, so they are development dependencies. */
export const TYPE_PACKAGES: Readonly<Record<string, string>> = {
  [KUBERNETES]: '5.1.0',
  [ISTIO]: '3.0.1',
  [GATEWAY_API]: '2.0.0',
};

interface BuiltIn {
  /** Default: the plural. */
  readonly name?: string;
  readonly namespaced?: boolean;
}

function builtIn(packageName: string, apiVersion: string, kind: string, plural: string, { name = plural, namespaced = true }: BuiltIn = {}): ParameterType {
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  return { name, group, version, kind, plural, namespaced, module: { package: packageName, path: `${apiVersion}/${kind}`, name: `I${kind}` } };
}

/** Istio and the Gateway API both have Gateways. The plain name keeps the meaning that it has always had. */
export const GATEWAY_API_GATEWAYS = 'k8sgateways';

const parameters: readonly ParameterType[] = [
  builtIn(KUBERNETES, 'v1', 'Event', 'events'),
  builtIn(KUBERNETES, 'v1', 'ConfigMap', 'configmaps'),
  builtIn(KUBERNETES, 'v1', 'Service', 'services'),
  builtIn(KUBERNETES, 'v1', 'Pod', 'pods'),
  builtIn(KUBERNETES, 'batch/v1', 'Job', 'jobs'),
  builtIn(KUBERNETES, 'apps/v1', 'Deployment', 'deployments'),
  builtIn(KUBERNETES, 'apps/v1', 'ReplicaSet', 'replicasets'),
  builtIn(ISTIO, 'networking.istio.io/v1', 'VirtualService', 'virtualservices'),
  builtIn(ISTIO, 'networking.istio.io/v1', 'Gateway', 'gateways'),
  builtIn(KUBERNETES, 'v1', 'Secret', 'secrets'),
  builtIn(KUBERNETES, 'v1', 'Namespace', 'namespaces', { namespaced: false }),
  builtIn(KUBERNETES, 'v1', 'ServiceAccount', 'serviceaccounts'),
  builtIn(KUBERNETES, 'apps/v1', 'DaemonSet', 'daemonsets'),
  builtIn(KUBERNETES, 'apps/v1', 'StatefulSet', 'statefulsets'),
  builtIn(KUBERNETES, 'batch/v1', 'CronJob', 'cronjobs'),
  builtIn(KUBERNETES, 'autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  builtIn(KUBERNETES, 'policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  builtIn(KUBERNETES, 'networking.k8s.io/v1', 'Ingress', 'ingresses'),
  builtIn(KUBERNETES, 'networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  builtIn(KUBERNETES, 'discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices'),
  builtIn(ISTIO, 'networking.istio.io/v1', 'DestinationRule', 'destinationrules'),
  builtIn(ISTIO, 'networking.istio.io/v1', 'ServiceEntry', 'serviceentries'),
  builtIn(ISTIO, 'networking.istio.io/v1', 'Sidecar', 'sidecars'),
  builtIn(ISTIO, 'networking.istio.io/v1alpha3', 'EnvoyFilter', 'envoyfilters'),
  builtIn(ISTIO, 'security.istio.io/v1', 'AuthorizationPolicy', 'authorizationpolicies'),
  builtIn(ISTIO, 'security.istio.io/v1', 'PeerAuthentication', 'peerauthentications'),
  builtIn(ISTIO, 'security.istio.io/v1', 'RequestAuthentication', 'requestauthentications'),
  builtIn(ISTIO, 'telemetry.istio.io/v1', 'Telemetry', 'telemetries'),
  builtIn(GATEWAY_API, 'gateway.networking.k8s.io/v1', 'Gateway', 'gateways', { name: GATEWAY_API_GATEWAYS }),
  builtIn(GATEWAY_API, 'gateway.networking.k8s.io/v1', 'HTTPRoute', 'httproutes'),
  builtIn(GATEWAY_API, 'gateway.networking.k8s.io/v1', 'GRPCRoute', 'grpcroutes'),
  builtIn(GATEWAY_API, 'gateway.networking.k8s.io/v1', 'ReferenceGrant', 'referencegrants'),
];

export const catalogue: ReadonlyMap<string, ParameterType> = new Map(parameters.map((parameter) => [parameter.name, parameter]));

/**
 * Those that Autopilot of 2019 had. A project's own parameter may take the place of the others, which its projects had to declare
 * themselves.
 */
export const ORIGINAL_PARAMETERS: ReadonlySet<string> = new Set([
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
