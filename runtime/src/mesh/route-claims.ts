/**
 * Field claims for one named route in a VirtualService, HTTPRoute or GRPCRoute that the resource
 * does not own.
 *
 * The list of routes is atomic for server-side apply. A field claim is the only way to set a part
 * of it: other routes, and everything else in this route, stay as they are.
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

/** The fields of a VirtualService that this module reads. Every typed input has them. */
export interface VirtualServiceLike extends NamedObject {
  /** Kind of the object. */
  readonly kind: 'VirtualService';
  /** The routes. */
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

/** The fields of an HTTPRoute or GRPCRoute that this module reads. Every typed input has them. */
export interface GatewayRouteLike extends NamedObject {
  /** Kind of the object. */
  readonly kind: 'HTTPRoute' | 'GRPCRoute';
  /** The rules. */
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

/** A route object that `withWeights` and `weightsOf` accept. */
export type RouteLike = VirtualServiceLike | GatewayRouteLike;

/** The destinations of one named route, with their path and the name of each. */
interface NamedRoute {
  readonly location: string;
  readonly path: readonly FieldPathElement[];
  readonly targets: readonly {
    readonly key: string;
    readonly entry: RouteDestination | BackendRef;
  }[];
}

/**
 * Claims the weights of one named route: divides its requests among the destinations that it has.
 *
 * @param route the object, as `get` or `require` of an input returned it.
 * @param name the name of a route in `spec.http` (VirtualService) or of a rule (HTTPRoute,
 * GRPCRoute).
 * @param weights a percentage for each destination, integers with the sum 100. The key of a
 * destination in a VirtualService is its subset, or else its host, short or in full. The key of a
 * destination in an HTTPRoute or GRPCRoute is the name of its backend.
 * @returns the claim, for the output of the object's kind.
 * @throws PermanentError when not exactly one route has this name, or the weights do not name every
 * destination or do not add up to 100.
 * @example
 * ```ts
 * const route = inputs.virtualservices.require('shop');
 * return {
 *   next: 'Shifting',
 *   outputs: { virtualservices: [withWeights(route, 'split', { primary: 90, canary: 10 })] },
 * };
 * ```
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
        `the weights lack destination '${key}'; they name ${quoted(Object.keys(weights))}`,
      );
    }
    const weight = given.get(short);
    given.delete(short);
    return { ...entry, weight };
  });
  for (const unknown of given.keys()) {
    throw invalidRoute(
      location,
      `the weights name '${unknown}', which is not a destination; destinations are ${quoted(targets.map(({ key }) => key))}`,
    );
  }
  return claimRouteField(route, path, value);
}

/**
 * Claims the destinations of one named route of a VirtualService: its requests go to these
 * destinations only. The previous destinations are restored when the claim is released.
 *
 * @param route the object, as `get` or `require` of an input returned it.
 * @param name the name of a route in `spec.http`.
 * @param to the destinations. At least one.
 * @returns the claim, for the output of the object's kind.
 * @throws PermanentError when not exactly one route has this name, or the weights do not add up to
 * 100.
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
 * Claims the fault injection of one named route of a VirtualService: a percentage of its requests
 * fails or is delayed. Istio disables the route's timeout and retries meanwhile.
 *
 * @param route the object, as `get` or `require` of an input returned it.
 * @param name the name of a route in `spec.http`.
 * @returns the claim, for the output of the object's kind.
 * @throws PermanentError when not exactly one route has this name, or Istio would not inject the
 * fault.
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
 * Reads how a named route divides its requests.
 *
 * @returns a percentage for each destination. Weights with another sum are normalized to 100, as
 * proxies do. Keys are those of `withWeights`, with hosts as they are written.
 * @throws PermanentError when not exactly one route has this name.
 */
export function weightsOf(route: RouteLike, name: string): Weights {
  const { targets } = findNamedRoute(route, name);
  // Istio sends everything to a single destination, and nothing to a destination without a weight
  // among others. In the Gateway API, a missing weight is 1.
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
    const has = `its ${term}s are ${quoted(named)}${named.length < all.length ? ` and ${all.length - named.length} without a name` : ''}`;
    throw invalidRoute(
      object,
      matching.length === 0
        ? `no ${term} is named '${name}'; ${has}`
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

/** Shortens the full host of a Service in the route's own namespace, as Istio resolves it. */
function shortHost(host: string, { metadata }: NamedObject): string {
  const [name = host, namespace, ...rest] = host.split('.');
  const own = namespace !== undefined && namespace === metadata.namespace && rest[0] === 'svc';
  return own ? name : host;
}

function quoted(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `'${name}'`).join(', ');
}
