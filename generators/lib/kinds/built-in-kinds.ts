/**
 * The built-in kinds: kinds that phases can name in inputs and outputs without a declaration.
 *
 * To add a kind, add one row to `kinds` below. Validation, prompts, completion, RBAC rules, types
 * and the reference page follow from the row. The sandbox serves a kind that
 * `scripts/served-kinds.ts` has recorded from a real API server; test/generators/kinds checks that
 * the two agree.
 */
import type { StructuralSchema } from '../util/structural-schema.ts';

/** A kind that phases read or write: built in, or declared in `customParameters`. */
export interface KindDefinition {
  /** Name in inputs and outputs of autopilot.yaml, for example `virtualservices`. */
  readonly name: string;
  /** API group. Empty for the core group. */
  readonly group: string;
  /** API version, for example `v1`. */
  readonly version: string;
  /** Kind in Pascal case, for example `VirtualService`. */
  readonly kind: string;
  /** Lower-case plural as in API paths. */
  readonly plural: string;
  /** Whether objects of the kind are in namespaces. */
  readonly namespaced: boolean;
  /**
   * Schema of a kind whose CRD is known (`crd` in customParameters), and the path of the file that
   * it is from. A TypeScript interface is generated from it. Default: none.
   */
  readonly schema?: { readonly of: StructuralSchema; readonly from: string };
  /**
   * Module that exports the TypeScript interface of the kind. Default: workers see the kind as
   * `KubeObject`.
   */
  readonly module?: { readonly package: string; readonly path: string; readonly name: string };
}

/** Name of the input that gives a worker typed queries to Prometheus in place of objects. */
export const METRICS_INPUT = 'metrics';

/**
 * Name of the Gateway of the Gateway API. `gateways` is Istio's Gateway, as in projects of 2019.
 */
export const GATEWAY_API_GATEWAYS = 'k8sgateways';

const KUBERNETES = 'kubernetes-models';
const ISTIO = '@kubernetes-models/istio';
const GATEWAY_API = '@kubernetes-models/gateway-api';

/**
 * Versions of the packages with the TypeScript interfaces of the built-in kinds. Projects import
 * types only, so the packages are development dependencies.
 */
export const TYPE_PACKAGES: Readonly<Record<string, string>> = {
  [KUBERNETES]: '5.1.0',
  [ISTIO]: '3.0.1',
  [GATEWAY_API]: '2.0.0',
};

interface KindRow {
  readonly kind: string;
  readonly plural: string;
  /** Name in autopilot.yaml. Default: the plural. */
  readonly name?: string;
  /** Default: true. */
  readonly namespaced?: boolean;
}

/** Kinds of one API version whose interfaces are all in one package. */
function kindsOf(
  packageName: string,
  apiVersion: string,
  ...rows: readonly KindRow[]
): readonly KindDefinition[] {
  const separator = apiVersion.indexOf('/');
  return rows.map(({ kind, plural, name = plural, namespaced = true }) => ({
    name,
    group: apiVersion.slice(0, Math.max(separator, 0)),
    version: apiVersion.slice(separator + 1),
    kind,
    plural,
    namespaced,
    module: { package: packageName, path: `${apiVersion}/${kind}`, name: `I${kind}` },
  }));
}

const kinds: readonly KindDefinition[] = [
  ...kindsOf(
    KUBERNETES,
    'v1',
    { kind: 'Event', plural: 'events' },
    { kind: 'ConfigMap', plural: 'configmaps' },
    { kind: 'Service', plural: 'services' },
    { kind: 'Pod', plural: 'pods' },
    { kind: 'Secret', plural: 'secrets' },
    { kind: 'Namespace', plural: 'namespaces', namespaced: false },
    { kind: 'ServiceAccount', plural: 'serviceaccounts' },
  ),
  ...kindsOf(
    KUBERNETES,
    'apps/v1',
    { kind: 'Deployment', plural: 'deployments' },
    { kind: 'ReplicaSet', plural: 'replicasets' },
    { kind: 'DaemonSet', plural: 'daemonsets' },
    { kind: 'StatefulSet', plural: 'statefulsets' },
  ),
  ...kindsOf(
    KUBERNETES,
    'batch/v1',
    { kind: 'Job', plural: 'jobs' },
    { kind: 'CronJob', plural: 'cronjobs' },
  ),
  ...kindsOf(KUBERNETES, 'autoscaling/v2', {
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
  }),
  ...kindsOf(KUBERNETES, 'policy/v1', {
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
  }),
  ...kindsOf(
    KUBERNETES,
    'networking.k8s.io/v1',
    { kind: 'Ingress', plural: 'ingresses' },
    { kind: 'NetworkPolicy', plural: 'networkpolicies' },
  ),
  ...kindsOf(KUBERNETES, 'discovery.k8s.io/v1', {
    kind: 'EndpointSlice',
    plural: 'endpointslices',
  }),
  ...kindsOf(
    ISTIO,
    'networking.istio.io/v1',
    { kind: 'VirtualService', plural: 'virtualservices' },
    { kind: 'Gateway', plural: 'gateways' },
    { kind: 'DestinationRule', plural: 'destinationrules' },
    { kind: 'ServiceEntry', plural: 'serviceentries' },
    { kind: 'Sidecar', plural: 'sidecars' },
  ),
  ...kindsOf(ISTIO, 'networking.istio.io/v1alpha3', {
    kind: 'EnvoyFilter',
    plural: 'envoyfilters',
  }),
  ...kindsOf(
    ISTIO,
    'security.istio.io/v1',
    { kind: 'AuthorizationPolicy', plural: 'authorizationpolicies' },
    { kind: 'PeerAuthentication', plural: 'peerauthentications' },
    { kind: 'RequestAuthentication', plural: 'requestauthentications' },
  ),
  ...kindsOf(ISTIO, 'telemetry.istio.io/v1', { kind: 'Telemetry', plural: 'telemetries' }),
  ...kindsOf(
    GATEWAY_API,
    'gateway.networking.k8s.io/v1',
    { kind: 'Gateway', plural: 'gateways', name: GATEWAY_API_GATEWAYS },
    { kind: 'HTTPRoute', plural: 'httproutes' },
    { kind: 'GRPCRoute', plural: 'grpcroutes' },
    { kind: 'ReferenceGrant', plural: 'referencegrants' },
  ),
];

/** All built-in kinds by their name in autopilot.yaml. */
export const builtInKinds: ReadonlyMap<string, KindDefinition> = new Map(
  kinds.map((kind) => [kind.name, kind]),
);
