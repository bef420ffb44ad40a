/**
 * Whole objects of the Gateway API: identity, and the fields to set. It knows no faults: those are
 * Istio's.
 */
import type { OutputObject } from '../api/worker.ts';
import type { Identity } from './istio.ts';
import { identity } from './istio.ts';
import type { Weights } from './weights.ts';
import { checkPercent, checkWeights, invalidRoute } from './weights.ts';

/** What a route hangs on: a Service of the mesh (GAMMA), or a Gateway. */
export type Parent =
  | { readonly service: string; readonly namespace?: string; readonly port?: number }
  | { readonly gateway: string; readonly namespace?: string; readonly listener?: string };

export interface RouteRule {
  /** Others, and `withWeights`, find it by this. */
  readonly name: string;
  /** Services by name, whole percents, 100 together. */
  readonly to: Weights;
  /** Of all Services in `to`. */
  readonly port: number;
  /** Requests that carry all of these headers. Absent: every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sends a copy of `percent` (a whole number) of the requests, and drops the answers. */
  readonly mirror?: { readonly service: string; readonly port: number; readonly percent: number };
}

export interface GatewayRouteObject<Kind extends 'HTTPRoute' | 'GRPCRoute'> {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: Kind;
  readonly metadata: OutputObject['metadata'];
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
  readonly kind: 'Service' | 'Gateway';
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
  readonly sectionName?: string;
}

interface RouteOptions extends Identity {
  readonly parents: readonly Parent[];
  /** Of requests that come through a Gateway. Default: those of its listeners. */
  readonly hostnames?: readonly string[];
  readonly rules: readonly RouteRule[];
}

/**
 * @throws PermanentError when a rule could not be found by its name, or weights do not add up to
 * 100
 */
export function httpRoute(options: RouteOptions): GatewayRouteObject<'HTTPRoute'> {
  return routeOf('HTTPRoute', options);
}

/**
 * @throws PermanentError when a rule could not be found by its name, or weights do not add up to
 * 100
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
    throw invalidRoute(object, 'it needs a parent: a Service or a Gateway');
  }
  if (rules.length === 0) {
    throw invalidRoute(object, 'it needs a rule');
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
      throw invalidRoute(
        `${place}, mirror`,
        `percent must be a whole number, found ${mirror.percent}`,
      );
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
