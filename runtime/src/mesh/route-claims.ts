/**
 * Edits of one named route in a VirtualService, HTTPRoute or GRPCRoute that is somebody else's. Its
 * list of routes is atomic for
 * server-side apply, so that such an edit is the only way to hold a part of it: other routes, and
 * everything else in this one, stay as
 * they are.
 */
import type { FieldPathElement, FieldClaim } from '../api/field-claim.ts';
import { claimFields } from '../api/field-claim.ts';
import type { Destination } from './istio.ts';
import { destinations } from './istio.ts';
import type { HttpFault } from './istio-http-fields.ts';
import { faultField } from './istio-http-fields.ts';
import type { Weights } from './weights.ts';
import { checkWeights, invalidRoute } from './weights.ts';

interface NamedObject {
  readonly apiVersion: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** As much of a VirtualService as is looked at. */
export interface VirtualServiceLike extends NamedObject {
  readonly kind: 'VirtualService';
  readonly spec?: {
    readonly http?: readonly {
      readonly name?: string;
      readonly route?: readonly RouteDestination[];
    }[];
  };
}

interface RouteDestination {
  readonly destination: { readonly host: string; readonly subset?: string };
  readonly weight?: number;
}

/** As much of an HTTPRoute or a GRPCRoute as is looked at. */
export interface GatewayRouteLike extends NamedObject {
  readonly kind: 'HTTPRoute' | 'GRPCRoute';
  readonly spec?: {
    readonly rules?: readonly {
      readonly name?: string;
      readonly backendRefs?: readonly BackendRef[];
    }[];
  };
}

interface BackendRef {
  readonly name: string;
  readonly weight?: number;
}

export type RouteLike = VirtualServiceLike | GatewayRouteLike;

/** Where the destinations of one named route lie, and how each is called. */
interface NamedRoute {
  readonly location: string;
  readonly path: readonly FieldPathElement[];
  readonly targets: readonly {
    readonly key: string;
    readonly entry: RouteDestination | BackendRef;
  }[];
}

/**
 * Divides the requests of one named route among the destinations it has.
 *
 * @param route what an input's `require` returned.
 * @param name of a route in `spec.http` (VirtualService) or a rule (HTTPRoute, GRPCRoute).
 * @param weights whole percents, 100 together, one for each destination. A destination is called by
 * its subset, else its host (in a
 * VirtualService, in short or in full), or by the name of its backend.
 * @throws PermanentError when the weights are not that, or the route is not there exactly once
 */
export function withWeights<R extends RouteLike>(
  route: R,
  name: string,
  weights: Weights,
): FieldClaim<R['kind']> {
  const { location, path, targets } = findNamedRoute(route, name);
  checkWeights(weights, location);
  const given = new Map(Object.entries(weights));
  const value = targets.map(({ key, entry }) => {
    const short = [key, shortHost(key, route)].find((called) => given.has(called));
    if (short === undefined) {
      throw invalidRoute(
        location,
        `the weights say nothing of its destination '${key}'; they name ${quoted(Object.keys(weights))}`,
      );
    }
    const weight = given.get(short);
    given.delete(short);
    return { ...entry, weight };
  });
  for (const unknown of given.keys()) {
    throw invalidRoute(
      location,
      `it has no destination '${unknown}'; it has ${quoted(targets.map(({ key }) => key))}`,
    );
  }
  return claimRouteField(route, path, value);
}

/**
 * Sends the requests of one named route of a VirtualService to these destinations, and to no other
 * that it had. What it had is put back
 * when the edit is given up.
 *
 * @throws PermanentError when the weights do not add up to 100, or the route is not there exactly
 * once
 */
export function withDestinations<R extends VirtualServiceLike>(
  route: R,
  name: string,
  to: readonly Destination[],
): FieldClaim<R['kind']> {
  const { location, path } = findNamedRoute(route, name);
  return claimRouteField(route, path, destinations(to, location));
}

/**
 * Makes a part of the requests of one named route fail or wait. Istio switches the route's own
 * timeout and retries off meanwhile.
 *
 * @throws PermanentError when the fault is none that Istio injects, or the route is not there
 * exactly once
 */
export function withFault<R extends VirtualServiceLike>(
  route: R,
  name: string,
  fault: HttpFault,
): FieldClaim<R['kind']> {
  const { location, path } = findNamedRoute(route, name);
  return claimRouteField(route, [...path.slice(0, -1), 'fault'], faultField(fault, location));
}

/**
 * The share of requests that each destination of a named route gets, in percent: what is written,
 * made to be 100 together as proxies do
 * it. Called as `withWeights` calls them; a host as it is written.
 *
 * @throws PermanentError when the route is not there exactly once
 */
export function weightsOf(route: RouteLike, name: string): Weights {
  const { targets } = findNamedRoute(route, name);
  // Istio: a destination alone gets everything, one without weight among others nothing. Gateway
  // API: no weight is 1.
  const absent = route.kind === 'VirtualService' && targets.length > 1 ? 0 : 1;
  const total = targets.reduce((sum, { entry }) => sum + (entry.weight ?? absent), 0);
  const shares: Record<string, number> = {};
  for (const { key, entry } of targets) {
    shares[key] = (shares[key] ?? 0) + (total === 0 ? 0 : ((entry.weight ?? absent) / total) * 100);
  }
  return shares;
}

function claimRouteField<R extends RouteLike>(
  { apiVersion, kind, metadata }: R,
  path: readonly FieldPathElement[],
  value: unknown,
): FieldClaim<R['kind']> {
  return claimFields<R['kind']>({ apiVersion, kind, metadata }, [{ path, value }]);
}

function findNamedRoute(route: RouteLike, name: string): NamedRoute {
  const { namespace } = route.metadata;
  const object = `${route.kind} ${namespace === undefined ? '' : `${namespace}/`}${route.metadata.name}`;
  const list = route.kind === 'VirtualService' ? route.spec?.http : route.spec?.rules;
  const term = route.kind === 'VirtualService' ? 'http route' : 'rule';
  const all: readonly { readonly name?: string }[] = list ?? [];
  const matching = all.filter((one) => one.name === name);
  if (matching.length !== 1) {
    const named = all.flatMap((one) => (one.name === undefined ? [] : [one.name]));
    const has = `it has ${quoted(named)}${named.length < all.length ? ` and ${all.length - named.length} without a name` : ''}`;
    throw invalidRoute(
      object,
      matching.length === 0
        ? `there is no ${term} named '${name}'; ${has}`
        : `${matching.length} ${term}s are named '${name}'`,
    );
  }
  const location = `${object}, ${term} '${name}'`;
  if (route.kind === 'VirtualService') {
    const { route: entries = [] } = matching[0] as { readonly route?: readonly RouteDestination[] };
    const targets = entries.map((entry) => ({
      key: entry.destination.subset ?? entry.destination.host,
      entry,
    }));
    return { location, path: ['spec', 'http', { name }, 'route'], targets };
  }
  const { backendRefs = [] } = matching[0] as { readonly backendRefs?: readonly BackendRef[] };
  return {
    location,
    path: ['spec', 'rules', { name }, 'backendRefs'],
    targets: backendRefs.map((entry) => ({ key: entry.name, entry })),
  };
}

/** Istio takes a host without dots as a Service of the route's own namespace. */
function shortHost(host: string, { metadata }: NamedObject): string {
  const [name = host, namespace, ...rest] = host.split('.');
  const own = namespace !== undefined && namespace === metadata.namespace && rest[0] === 'svc';
  return own ? name : host;
}

function quoted(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `'${name}'`).join(', ');
}
