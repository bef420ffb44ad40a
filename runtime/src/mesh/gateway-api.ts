/**
 * Builders of Gateway API objects for outputs. The Gateway API has no fault injection; Istio has
 * it, see `withFault`.
 */
import type { OutputObject } from '../api/worker.ts';
import type { Identity } from './istio.ts';
import { identity } from './istio.ts';
import type { Weights } from './weights.ts';
import { checkPercent, checkWeights, invalidRoute } from './weights.ts';

/** A Service of the mesh (GAMMA) or a Gateway whose requests a route receives. */
export type Parent = ServiceParent | GatewayParent;

/** A Service of the mesh whose requests a route receives. */
export interface ServiceParent {
  /** Name of the Service. */
  readonly service: string;
  /** Namespace of the Service. Default: that of the route. */
  readonly namespace?: string;
  /** Port of the Service. Default: all ports. */
  readonly port?: number;
}

/** A Gateway whose requests a route receives. */
export interface GatewayParent {
  /** Name of the Gateway. */
  readonly gateway: string;
  /** Namespace of the Gateway. Default: that of the route. */
  readonly namespace?: string;
  /** Name of a listener. Default: all listeners. */
  readonly listener?: string;
}

/** A rule of an HTTPRoute or GRPCRoute. */
export interface RouteRule {
  /** Name of the rule, by which `withWeights` and other tools find it. */
  readonly name: string;
  /** Percentages by Service name, integers with the sum 100. */
  readonly to: Weights;
  /** Port of all Services in `to`. */
  readonly port: number;
  /** Headers that a request must have, with their exact values. Default: every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Sends a copy of `percent` of the requests to this Service and discards its responses. `percent`
   * is an integer.
   */
  readonly mirror?: { readonly service: string; readonly port: number; readonly percent: number };
}

/** An HTTPRoute or GRPCRoute, made by `httpRoute` or `grpcRoute`. */
export interface GatewayRouteObject<Kind extends 'HTTPRoute' | 'GRPCRoute'> {
  /** Group and version. */
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  /** Kind of the object. */
  readonly kind: Kind;
  /** Name, namespace and labels. */
  readonly metadata: OutputObject['metadata'];
  /** Fields of the Gateway API. */
  readonly spec: {
    readonly parentRefs: readonly ParentRef[];
    readonly hostnames?: readonly string[];
    readonly rules: readonly {
      readonly name: string;
      readonly matches?: readonly {
        readonly headers: readonly {
          readonly type: 'Exact';
          readonly name: string;
          readonly value: string;
        }[];
      }[];
      readonly backendRefs: readonly {
        readonly name: string;
        readonly port: number;
        readonly weight: number;
      }[];
      readonly filters?: readonly {
        readonly type: 'RequestMirror';
        readonly requestMirror: {
          readonly backendRef: { readonly name: string; readonly port: number };
          readonly percent: number;
        };
      }[];
    }[];
  };
}

interface ParentRef {
  readonly group: string;
  /** Kind of the object. */
  readonly kind: 'Service' | 'Gateway';
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
  readonly sectionName?: string;
}

/** Options of `httpRoute` and `grpcRoute`. */
export interface RouteOptions extends Identity {
  /** The Services and Gateways whose requests the route receives. At least one. */
  readonly parents: readonly Parent[];
  /** Hosts of requests that arrive through a Gateway. Default: the hosts of its listeners. */
  readonly hostnames?: readonly string[];
  /** The rules. At least one, each with its own name. */
  readonly rules: readonly RouteRule[];
}

/**
 * Builds an HTTPRoute.
 *
 * @returns the object, for an output.
 * @throws PermanentError when `parents` or `rules` is empty, two rules have one name, or the
 * weights of a rule do not add up to 100.
 * @example
 * ```ts
 * httpRoute({
 *   name: 'shop',
 *   parents: [{ service: 'shop' }],
 *   rules: [{ name: 'split', to: { 'shop-primary': 90, 'shop-canary': 10 }, port: 80 }],
 * });
 * ```
 */
export function httpRoute(options: RouteOptions): GatewayRouteObject<'HTTPRoute'> {
  return routeOf('HTTPRoute', options);
}

/**
 * Builds a GRPCRoute, as `httpRoute` builds an HTTPRoute.
 *
 * @returns the object, for an output.
 * @throws PermanentError when `parents` or `rules` is empty, two rules have one name, or the
 * weights of a rule do not add up to 100.
 */
export function grpcRoute(options: RouteOptions): GatewayRouteObject<'GRPCRoute'> {
  return routeOf('GRPCRoute', options);
}

function routeOf<Kind extends 'HTTPRoute' | 'GRPCRoute'>(
  kind: Kind,
  options: RouteOptions,
): GatewayRouteObject<Kind> {
  const { parents, hostnames, rules } = options;
  const object = `${kind} ${options.name}`;
  if (parents.length === 0) {
    throw invalidRoute(object, 'parents is empty; name a Service or a Gateway');
  }
  if (rules.length === 0) {
    throw invalidRoute(object, 'rules is empty; at least one rule is required');
  }
  const twice = rules.find(
    ({ name }, index) => rules.findIndex((other) => other.name === name) !== index,
  );
  if (twice !== undefined) {
    throw invalidRoute(object, `two rules are named '${twice.name}'`);
  }
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind,
    metadata: identity(options),
    spec: {
      parentRefs: parents.map(parentRef),
      ...(hostnames && { hostnames }),
      rules: rules.map((rule) => ruleField(rule, `${object}, rule '${rule.name}'`)),
    },
  };
}

function ruleField(
  { name, to, port, headers, mirror }: RouteRule,
  place: string,
): GatewayRouteObject<'HTTPRoute'>['spec']['rules'][number] {
  checkWeights(to, place);
  if (mirror !== undefined) {
    checkPercent(mirror.percent, `${place}, mirror`);
    if (!Number.isInteger(mirror.percent)) {
      throw invalidRoute(`${place}, mirror`, `percent must be an integer, found ${mirror.percent}`);
    }
  }
  return {
    name,
    ...(headers && {
      matches: [
        {
          headers: Object.entries(headers).map(([header, value]) => ({
            type: 'Exact' as const,
            name: header,
            value,
          })),
        },
      ],
    }),
    backendRefs: Object.entries(to).map(([service, weight]) => ({ name: service, port, weight })),
    ...(mirror && {
      filters: [
        {
          type: 'RequestMirror' as const,
          requestMirror: {
            backendRef: { name: mirror.service, port: mirror.port },
            percent: mirror.percent,
          },
        },
      ],
    }),
  };
}

function parentRef(parent: Parent): ParentRef {
  const { namespace } = parent;
  const place = namespace === undefined ? {} : { namespace };
  return 'service' in parent
    ? {
        group: '',
        kind: 'Service',
        name: parent.service,
        ...place,
        ...(parent.port !== undefined && { port: parent.port }),
      }
    : {
        group: 'gateway.networking.k8s.io',
        kind: 'Gateway',
        name: parent.gateway,
        ...place,
        ...(parent.listener !== undefined && { sectionName: parent.listener }),
      };
}
