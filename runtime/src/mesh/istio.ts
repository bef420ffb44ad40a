/**
 * Whole objects of Istio: identity, and the fields to set. Types are Istio's own field names, so
 * that what a builder returns can be
 * extended by hand where it does not reach.
 */
import type { OutputObject } from '../api/worker.ts';
import type { HttpFaultField, StringMatch } from './istio-http-fields.ts';
import { checkPercent, checkWeights, invalidRoute } from './weights.ts';

export interface Identity {
  readonly name: string;
  /** Default: the resource's own. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * A host as Istio resolves it: a Service of the same namespace in short, others as
 * `name.namespace.svc.cluster.local`.
 */
export interface Host {
  readonly host: string;
  /** Of the host's DestinationRule. Istio takes one that does not exist, and answers 503. */
  readonly subset?: string;
  /** Needed where the host has several. */
  readonly port?: number;
}

export interface Destination extends Host {
  /** Whole percents, 100 together. May lack where it is the only one. */
  readonly weight?: number;
}

export interface VirtualServiceRoute {
  /** Others, and `withWeights`, find it by this. */
  readonly name: string;
  /**
   * A request takes the first route of which one entry matches. Absent: every request. See
   * `headerMatch`.
   */
  readonly match?: readonly HttpMatch[];
  readonly to: readonly Destination[];
  /** Sends a copy of `percent` of the requests, and drops the answers. */
  readonly mirror?: Host & { readonly percent: number };
  /** See `faultField`. Istio switches timeout and retries off meanwhile. */
  readonly fault?: HttpFaultField;
  readonly timeout?: string;
}

export interface HttpMatch {
  readonly headers?: Readonly<Record<string, StringMatch>>;
  readonly uri?: StringMatch;
  readonly port?: number;
}

interface DestinationField {
  readonly host: string;
  readonly subset?: string;
  readonly port?: { readonly number: number };
}

export interface VirtualServiceObject {
  readonly apiVersion: 'networking.istio.io/v1';
  readonly kind: 'VirtualService';
  readonly metadata: OutputObject['metadata'];
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

export interface RouteField {
  readonly destination: DestinationField;
  readonly weight?: number;
}

/**
 * @param options.gateways default: the mesh itself.
 * @throws PermanentError when a route could not be found by its name, leads nowhere, or weights do
 * not add up to 100
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
    throw invalidRoute(object, 'it needs a host');
  }
  if (http.length === 0) {
    throw invalidRoute(object, 'it needs an http route');
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
 * `route` of an HTTP route. @throws PermanentError when there is none, one is there twice, or
 * weights do not add up to 100
 */
export function destinations(to: readonly Destination[], place: string): readonly RouteField[] {
  const [first, ...others] = to;
  if (first === undefined) {
    throw invalidRoute(place, 'it needs a destination');
  }
  if (others.length === 0 && first.weight === undefined) {
    return [{ destination: destination(first) }];
  }
  const weights: Record<string, number> = {};
  for (const one of to) {
    const called = [one.host, one.subset, one.port].filter((part) => part !== undefined).join(' ');
    if (Object.hasOwn(weights, called)) {
      throw invalidRoute(place, `the destination ${called} is there twice`);
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

export interface DestinationRuleObject {
  readonly apiVersion: 'networking.istio.io/v1';
  readonly kind: 'DestinationRule';
  readonly metadata: OutputObject['metadata'];
  readonly spec: {
    readonly host: string;
    readonly subsets: readonly {
      readonly name: string;
      readonly labels: Readonly<Record<string, string>>;
    }[];
  };
}

/**
 * @param options.subsets labels of the Pods that each subset is made of.
 * @throws PermanentError when a subset has no labels: it would be all Pods of the host
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
        'it needs labels, or it would be all Pods of the host',
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

export interface GatewayObject {
  readonly apiVersion: 'networking.istio.io/v1';
  readonly kind: 'Gateway';
  readonly metadata: OutputObject['metadata'];
  readonly spec: {
    readonly selector: Readonly<Record<string, string>>;
    readonly servers: readonly {
      readonly port: { readonly number: number; readonly name: string; readonly protocol: 'HTTP' };
      readonly hosts: readonly string[];
    }[];
  };
}

/**
 * Istio's Gateway for plain HTTP.
 *
 * @param options.port default 80.
 * @param options.selector labels of the proxies' Pods. Default: those of Istio's own ingress
 * gateway.
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
    throw invalidRoute(`Gateway ${options.name}`, 'it needs a host');
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

export function identity({ name, namespace, labels }: Identity): OutputObject['metadata'] {
  return { name, ...(namespace !== undefined && { namespace }), ...(labels && { labels }) };
}
