/**
 * Builders of Istio objects for outputs. The returned types have Istio's own field names, so that
 * fields which a builder does not know can be added by hand.
 */
import type { Duration } from '../api/spec-types.ts';
import type { OutputObject } from '../api/worker.ts';
import type { HttpFaultField, StringMatch } from './istio-http-fields.ts';
import { checkPercent, checkWeights, invalidRoute } from './weights.ts';

/** Identity of an object that a builder makes. */
export interface Identity {
  /** Name of the object. */
  readonly name: string;
  /** Namespace of the object. Default: the resource's own namespace. */
  readonly namespace?: string;
  /** Labels of the object. Default: none. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** A Service, or a part of its Pods, to which requests are sent. */
export interface Host {
  /**
   * Name of the Service: short for a Service of the same namespace, otherwise
   * `name.namespace.svc.cluster.local`.
   */
  readonly host: string;
  /**
   * Subset of the host's DestinationRule. Istio accepts a subset that does not exist, and responds
   * with 503. Default: all Pods.
   */
  readonly subset?: string;
  /** Port of the Service. Required when the Service has several ports. */
  readonly port?: number;
}

/** A destination of a route. */
export interface Destination extends Host {
  /**
   * Percentage of the requests. All weights of a route are integers with the sum 100. Default: 100
   * for the only destination, 0 for others.
   */
  readonly weight?: number;
}

/** An HTTP route of an Istio VirtualService. */
export interface VirtualServiceRoute {
  /** Name of the route, by which `withWeights` and other tools find it. */
  readonly name: string;
  /**
   * Which requests take this route: requests that match one of the entries and no earlier route.
   * See `headerMatch`. Default: every request.
   */
  readonly match?: readonly HttpMatch[];
  /** The destinations. At least one. */
  readonly to: readonly Destination[];
  /** Sends a copy of `percent` of the requests to this host and discards its responses. */
  readonly mirror?: Host & { readonly percent: number };
  /** Fault injection, made by `faultField`. Istio disables the route's timeout and retries then. */
  readonly fault?: HttpFaultField;
  /** Timeout of a request, such as `2s`. Default: none. */
  readonly timeout?: Duration;
}

/** Conditions on a request. All given conditions must hold. */
export interface HttpMatch {
  /** Conditions on headers, by header name in lower case. */
  readonly headers?: Readonly<Record<string, StringMatch>>;
  /** Condition on the path. */
  readonly uri?: StringMatch;
  /** Port to which the client has sent the request. */
  readonly port?: number;
}

interface DestinationField {
  readonly host: string;
  readonly subset?: string;
  readonly port?: { readonly number: number };
}

/** An Istio VirtualService, made by `virtualService`. */
export interface VirtualServiceObject {
  /** Group and version. */
  readonly apiVersion: 'networking.istio.io/v1';
  /** Kind of the object. */
  readonly kind: 'VirtualService';
  /** Name, namespace and labels. */
  readonly metadata: OutputObject['metadata'];
  /** Istio's fields. */
  readonly spec: {
    readonly hosts: readonly string[];
    readonly gateways?: readonly string[];
    readonly http: readonly {
      readonly name: string;
      readonly match?: readonly HttpMatch[];
      readonly route: readonly RouteField[];
      readonly mirror?: DestinationField;
      readonly mirrorPercentage?: { readonly value: number };
      readonly fault?: HttpFaultField;
      readonly timeout?: string;
    }[];
  };
}

/** `route[]` of an HTTP route, in Istio's form. */
export interface RouteField {
  readonly destination: DestinationField;
  readonly weight?: number;
}

/**
 * Builds an Istio VirtualService.
 *
 * @param options `hosts`: the hosts to which clients send requests. `gateways`: default, the mesh
 * itself. `http`: the routes, in the order in which they are tried.
 * @returns the object, for an output.
 * @throws PermanentError when `hosts` or `http` is empty, two routes have one name, a route has no
 * destination or the same destination twice, or the weights of a route do not add up to 100.
 * @example
 * ```ts
 * const route = virtualService({
 *   name: 'shop',
 *   hosts: ['shop'],
 *   http: [
 *     {
 *       name: 'split',
 *       to: [
 *         { host: 'shop-primary', weight: 90 },
 *         { host: 'shop-canary', weight: 10 },
 *       ],
 *     },
 *   ],
 * });
 * ```
 */
export function virtualService(
  options: Identity & {
    readonly hosts: readonly string[];
    readonly gateways?: readonly string[];
    readonly http: readonly VirtualServiceRoute[];
  },
): VirtualServiceObject {
  const { hosts, gateways, http } = options;
  const object = `VirtualService ${options.name}`;
  if (hosts.length === 0) {
    throw invalidRoute(object, 'hosts is empty; at least one host is required');
  }
  if (http.length === 0) {
    throw invalidRoute(object, 'http is empty; at least one route is required');
  }
  const twice = http.find(
    ({ name }, index) => http.findIndex((other) => other.name === name) !== index,
  );
  if (twice !== undefined) {
    throw invalidRoute(object, `two http routes are named '${twice.name}'`);
  }
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: identity(options),
    spec: {
      hosts,
      ...(gateways && { gateways }),
      http: http.map(({ name, match, to, mirror, fault, timeout }) => {
        const place = `${object}, http route '${name}'`;
        if (mirror !== undefined) {
          checkPercent(mirror.percent, `${place}, mirror`);
        }
        return {
          name,
          ...(match && { match }),
          route: destinations(to, place),
          ...(mirror && {
            mirror: destination(mirror),
            mirrorPercentage: { value: mirror.percent },
          }),
          ...(fault && { fault }),
          ...(timeout !== undefined && { timeout }),
        };
      }),
    },
  };
}

/**
 * Converts destinations to `route` of an HTTP route.
 *
 * @throws PermanentError when there is no destination, a destination is given twice, or the weights
 * do not add up to 100.
 */
export function destinations(to: readonly Destination[], place: string): readonly RouteField[] {
  const [first, ...others] = to;
  if (first === undefined) {
    throw invalidRoute(place, 'to is empty; at least one destination is required');
  }
  if (others.length === 0 && first.weight === undefined) {
    return [{ destination: destination(first) }];
  }
  const weights: Record<string, number> = {};
  for (const one of to) {
    const called = [one.host, one.subset, one.port].filter((part) => part !== undefined).join(' ');
    if (Object.hasOwn(weights, called)) {
      throw invalidRoute(place, `destination ${called} is given twice`);
    }
    weights[called] = one.weight ?? 0;
  }
  checkWeights(weights, place);
  return to.map((one) => ({ destination: destination(one), weight: one.weight ?? 0 }));
}

function destination({ host, subset, port }: Host): DestinationField {
  return {
    host,
    ...(subset !== undefined && { subset }),
    ...(port !== undefined && { port: { number: port } }),
  };
}

/** An Istio DestinationRule, made by `destinationRule`. */
export interface DestinationRuleObject {
  /** Group and version. */
  readonly apiVersion: 'networking.istio.io/v1';
  /** Kind of the object. */
  readonly kind: 'DestinationRule';
  /** Name, namespace and labels. */
  readonly metadata: OutputObject['metadata'];
  /** Istio's fields. */
  readonly spec: {
    readonly host: string;
    readonly subsets: readonly {
      readonly name: string;
      readonly labels: Readonly<Record<string, string>>;
    }[];
  };
}

/**
 * Builds an Istio DestinationRule.
 *
 * @param options `host`: the Service. `subsets`: for each subset, the labels of its Pods.
 * @returns the object, for an output.
 * @throws PermanentError when a subset has no labels: it would contain all Pods of the host.
 * @example
 * ```ts
 * destinationRule({
 *   name: 'shop',
 *   host: 'shop',
 *   subsets: { primary: { version: 'v1' }, canary: { version: 'v2' } },
 * });
 * ```
 */
export function destinationRule(
  options: Identity & {
    readonly host: string;
    readonly subsets: Readonly<Record<string, Readonly<Record<string, string>>>>;
  },
): DestinationRuleObject {
  const subsets = Object.entries(options.subsets).map(([name, labels]) => {
    if (Object.keys(labels).length === 0) {
      throw invalidRoute(
        `DestinationRule ${options.name}, subset '${name}'`,
        'the subset has no labels and would contain all Pods of the host',
      );
    }
    return { name, labels };
  });
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: identity(options),
    spec: { host: options.host, subsets },
  };
}

/** An Istio Gateway, made by `gateway`. */
export interface GatewayObject {
  /** Group and version. */
  readonly apiVersion: 'networking.istio.io/v1';
  /** Kind of the object. */
  readonly kind: 'Gateway';
  /** Name, namespace and labels. */
  readonly metadata: OutputObject['metadata'];
  /** Istio's fields. */
  readonly spec: {
    readonly selector: Readonly<Record<string, string>>;
    readonly servers: readonly {
      readonly port: { readonly number: number; readonly name: string; readonly protocol: 'HTTP' };
      readonly hosts: readonly string[];
    }[];
  };
}

/**
 * Builds an Istio Gateway for plain HTTP.
 *
 * @param options `hosts`: the hosts to serve. `port`: default 80. `selector`: labels of the
 * gateway's Pods; default, Istio's ingress gateway (`istio: ingressgateway`).
 * @returns the object, for an output.
 * @throws PermanentError when `hosts` is empty.
 */
export function gateway(
  options: Identity & {
    readonly hosts: readonly string[];
    readonly port?: number;
    readonly selector?: Readonly<Record<string, string>>;
  },
): GatewayObject {
  const { hosts, port = 80, selector = { istio: 'ingressgateway' } } = options;
  if (hosts.length === 0) {
    throw invalidRoute(`Gateway ${options.name}`, 'hosts is empty; at least one host is required');
  }
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: identity(options),
    spec: {
      selector,
      servers: [{ port: { number: port, name: 'http', protocol: 'HTTP' }, hosts }],
    },
  };
}

/** @returns the metadata of an object that a builder makes. */
export function identity({ name, namespace, labels }: Identity): OutputObject['metadata'] {
  return { name, ...(namespace !== undefined && { namespace }), ...(labels && { labels }) };
}
