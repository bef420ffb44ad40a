/**
 * Decides where a request to a Service goes: by the VirtualService or HTTPRoute that counts, as a
 * sidecar of Istio does for `GET /` without special headers.
 *
 * Not part of it: the gateways of an ingress, retries, mirrors, and policies of DestinationRules
 * other than subsets.
 */
import type { KubeObject } from 'autopilot-runtime';

/** Lists the objects of a kind in all namespaces. */
export type ListObjects = (kind: string) => readonly KubeObject[];

/** A Service, by its names. */
export interface ServiceName {
  readonly name: string;
  readonly namespace: string;
}

/** A request to a Service. */
export interface PlainRequest extends ServiceName {
  /** The port that is called. */
  readonly port: number;
}

/** Where a part of the requests goes. */
export interface RequestTarget extends PlainRequest {
  /** Percent of all requests. */
  readonly percent: number;
  /** Subset of a DestinationRule. Undefined: all Pods of the Service. */
  readonly subset: string | undefined;
}

/** Where the requests to one Service go. */
export interface RoutedRequests {
  readonly targets: readonly RequestTarget[];
  /** Requests that reach no Service. */
  readonly losses: readonly LostRequests[];
  /** Delay that a fault adds to most of the requests, in seconds. */
  readonly delaySeconds: number;
}

/** Requests that arrive nowhere. */
export interface LostRequests {
  /** Percent of all requests to the host. */
  readonly percent: number;
  /** Why: `VirtualService web has no route for the request`. */
  readonly reason: string;
}

interface HttpMatch {
  readonly port?: number;
  readonly uri?: { readonly prefix?: string; readonly exact?: string };
}

interface Percentage {
  readonly percentage?: { readonly value?: number };
}

interface WeightedDestination {
  readonly destination: {
    readonly host: string;
    readonly subset?: string;
    readonly port?: { readonly number?: number };
  };
  readonly weight?: number;
}

interface HttpRoute {
  readonly match?: readonly HttpMatch[];
  readonly route?: readonly WeightedDestination[];
  readonly fault?: {
    readonly abort?: Percentage;
    readonly delay?: Percentage & { readonly fixedDelay?: string };
  };
}

interface VirtualServiceSpec {
  readonly hosts?: readonly string[];
  readonly gateways?: readonly string[];
  readonly http?: readonly HttpRoute[];
}

interface ParentRef {
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
}

interface HttpRouteRule {
  readonly matches?: readonly {
    readonly path?: { readonly type?: string; readonly value?: string };
    readonly [other: string]: unknown;
  }[];
  readonly backendRefs?: readonly {
    readonly name: string;
    readonly namespace?: string;
    readonly port?: number;
    readonly weight?: number;
  }[];
}

interface HttpRouteSpec {
  readonly parentRefs?: readonly ParentRef[];
  readonly rules?: readonly HttpRouteRule[];
}

/** Percent of requests that a delay must hold to be seen in the 99th percentile. */
const SEEN_IN_P99 = 1;

/** @returns where a request goes. Without a route it goes to its own Service. */
export function routeRequest(list: ListObjects, request: PlainRequest): RoutedRequests {
  return (
    routeByVirtualService(list, request) ??
    routeByHttpRoute(list, request) ?? {
      targets: [{ ...request, percent: 100, subset: undefined }],
      losses: [],
      delaySeconds: 0,
    }
  );
}

function routeByVirtualService(
  list: ListObjects,
  request: PlainRequest,
): RoutedRequests | undefined {
  const found = oldestFirst(list('VirtualService').filter((one) => isForMesh(one)))
    .map((object) => ({ object, rank: hostRank(object, request) }))
    .filter(({ rank }) => rank > 0)
    .reduce<{ object: KubeObject; rank: number } | undefined>(
      (best, one) => (best === undefined || one.rank > best.rank ? one : best),
      undefined,
    );
  if (found === undefined) {
    return undefined;
  }
  const { metadata } = found.object;
  const { http = [] } = specOf<VirtualServiceSpec>(found.object);
  const route = http.find(
    ({ match }) => match === undefined || match.some((one) => matchesPlain(one, request)),
  );
  const name = `VirtualService ${metadata.name}`;
  if (route?.route === undefined) {
    return lostCompletely(
      route === undefined
        ? `${name} has no route for requests to port ${request.port}`
        : `the route of ${name} leads to no Service`,
    );
  }
  const targets = toTargets(route.route, { ...request, namespace: metadata.namespace ?? '' });
  return targets.every(({ percent }) => percent === 0)
    ? lostCompletely(`the route of ${name} has no weight above 0`)
    : withFault(route, name, targets);
}

/** A VirtualService of ingress gateways only says nothing about requests inside of the mesh. */
function isForMesh(object: KubeObject): boolean {
  const { gateways = ['mesh'] } = specOf<VirtualServiceSpec>(object);
  return gateways.includes('mesh');
}

/** How well a VirtualService names a host: 2 exactly, 1 by a wildcard, 0 not at all. */
function hostRank(object: KubeObject, request: ServiceName): number {
  const full = fullHost(request);
  const { hosts = [] } = specOf<VirtualServiceSpec>(object);
  const ranks = hosts.map((host) => {
    if (host.startsWith('*')) {
      return full.endsWith(host.slice(1)) ? 1 : 0;
    }
    return fullHost(serviceOf(host, object.metadata.namespace ?? '')) === full ? 2 : 0;
  });
  return Math.max(0, ...ranks);
}

/** True for a match that `GET /` fulfils, with no special header and from any Pod. */
function matchesPlain({ port, uri, ...others }: HttpMatch, request: PlainRequest): boolean {
  const { name: _, ...conditions } = others as Readonly<Record<string, unknown>>;
  return (
    (port === undefined || port === request.port) &&
    (uri === undefined || uri.prefix === '/' || uri.exact === '/') &&
    Object.keys(conditions).length === 0
  );
}

function toTargets(
  route: readonly WeightedDestination[],
  request: PlainRequest,
): readonly RequestTarget[] {
  // A single destination receives all requests, with or without a weight.
  const defaultWeight = route.length === 1 ? 1 : 0;
  const total = route.reduce((sum, { weight = defaultWeight }) => sum + weight, 0);
  return route.map(({ destination: { host, port, subset }, weight = defaultWeight }) => ({
    ...serviceOf(host, request.namespace),
    port: port?.number ?? request.port,
    percent: total === 0 ? 0 : (weight / total) * 100,
    subset,
  }));
}

/** The fault of a route: without a percentage nothing happens. */
function withFault(
  { fault }: HttpRoute,
  name: string,
  targets: readonly RequestTarget[],
): RoutedRequests {
  const aborted = fault?.abort?.percentage?.value ?? 0;
  const isDelayed = (fault?.delay?.percentage?.value ?? 0) >= SEEN_IN_P99;
  return {
    targets: targets.map((target) => ({
      ...target,
      percent: (target.percent * (100 - aborted)) / 100,
    })),
    losses:
      aborted === 0 ? [] : [{ percent: aborted, reason: `a fault of ${name} aborts requests` }],
    delaySeconds: isDelayed ? secondsOf(fault?.delay?.fixedDelay ?? '0s') : 0,
  };
}

function routeByHttpRoute(list: ListObjects, request: PlainRequest): RoutedRequests | undefined {
  const attached = oldestFirst(list('HTTPRoute')).filter((object) =>
    (specOf<HttpRouteSpec>(object).parentRefs ?? []).some(
      ({ kind, name, namespace = object.metadata.namespace, port }) =>
        kind === 'Service' &&
        name === request.name &&
        namespace === request.namespace &&
        (port === undefined || port === request.port),
    ),
  );
  if (attached.length === 0) {
    return undefined;
  }
  for (const object of attached) {
    const rule = (specOf<HttpRouteSpec>(object).rules ?? []).find(isPlainRule);
    if (rule !== undefined) {
      return routeByRule(rule, object, request);
    }
  }
  return lostCompletely(`no rule of HTTPRoute ${attached[0]?.metadata.name ?? ''} matches`);
}

function isPlainRule({ matches = [] }: HttpRouteRule): boolean {
  return (
    matches.length === 0 ||
    matches.some(({ path, ...others }) => {
      const { type = 'PathPrefix', value = '/' } = path ?? {};
      return value === '/' && type !== 'RegularExpression' && Object.keys(others).length === 0;
    })
  );
}

function routeByRule(
  { backendRefs = [] }: HttpRouteRule,
  { metadata }: KubeObject,
  request: PlainRequest,
): RoutedRequests {
  const total = backendRefs.reduce((sum, { weight = 1 }) => sum + weight, 0);
  if (total === 0) {
    return lostCompletely(`HTTPRoute ${metadata.name} has no backend`);
  }
  const targets = backendRefs.map(
    ({ name, namespace = request.namespace, port = request.port, weight = 1 }) => ({
      name,
      namespace,
      port,
      percent: (weight / total) * 100,
      subset: undefined,
    }),
  );
  return { targets, losses: [], delaySeconds: 0 };
}

function lostCompletely(reason: string): RoutedRequests {
  return { targets: [], losses: [{ percent: 100, reason }], delaySeconds: 0 };
}

/** The older one of two that name the same host counts, then the one whose name comes first. */
function oldestFirst(objects: readonly KubeObject[]): readonly KubeObject[] {
  const order = ({ metadata }: KubeObject): string =>
    `${metadata.creationTimestamp ?? ''} ${metadata.name}.${metadata.namespace ?? ''}`;
  return objects.toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** The Service of a host in a route. A short name means a Service in the namespace of the route. */
export function serviceOf(host: string, namespace: string): ServiceName {
  const [name = host, namedNamespace] = host.split('.');
  return { name, namespace: namedNamespace ?? namespace };
}

function fullHost({ name, namespace }: ServiceName): string {
  return `${name}.${namespace}.svc.cluster.local`;
}

function secondsOf(duration: string): number {
  const units: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };
  let seconds = 0;
  for (const [, value, unit] of duration.matchAll(/([\d.]+)(ms|s|m|h)/g)) {
    seconds += Number(value) * (units[unit ?? ''] ?? 0);
  }
  return seconds;
}

function specOf<T extends object>({ spec }: KubeObject): T {
  return (spec ?? {}) as T;
}
