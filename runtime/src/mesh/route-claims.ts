/**
 * Edits of one named route in a VirtualService, HTTPRoute or GRPCRoute that is somebody else's. Its
 * list of routes is atomic for
 * server-side apply, so that such an edit is the only way to hold a part of it: other routes, and
 * everything else in this one, stay as
 * they are.
 */
import type { FieldStep, SharedOutput } from '../shared.ts';
import { shared } from '../shared.ts';
import type { Destination } from './istio.ts';
import { destinations } from './istio.ts';
import type { Fault } from './traffic.ts';
import { faultField } from './traffic.ts';
import type { Weights } from './weights.ts';
import { checkWeights, wrong } from './weights.ts';

interface Named {
  readonly apiVersion: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** As much of a VirtualService as is looked at. */
export interface VirtualServiceLike extends Named {
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
export interface GatewayRouteLike extends Named {
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
interface Found {
  readonly place: string;
  readonly path: readonly FieldStep[];
  readonly targets: readonly {
    readonly key: string;
    readonly entry: RouteDestination | BackendRef;
  }[];
}

/**
 * Divides the requests of one named route among the destinations it has.
 *
 * @param route what an input's `need` returned.
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
): SharedOutput<R['kind']> {
  const { place, path, targets } = find(route, name);
  checkWeights(weights, place);
  const given = new Map(Object.entries(weights));
  const value = targets.map(({ key, entry }) => {
    const short = [key, shortHost(key, route)].find((called) => given.has(called));
    if (short === undefined) {
      throw wrong(
        place,
        `the weights say nothing of its destination '${key}'; they name ${quoted(Object.keys(weights))}`,
      );
    }
    const weight = given.get(short);
    given.delete(short);
    return { ...entry, weight };
  });
  for (const unknown of given.keys()) {
    throw wrong(
      place,
      `it has no destination '${unknown}'; it has ${quoted(targets.map(({ key }) => key))}`,
    );
  }
  return edit(route, path, value);
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
): SharedOutput<R['kind']> {
  const { place, path } = find(route, name);
  return edit(route, path, destinations(to, place));
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
  fault: Fault,
): SharedOutput<R['kind']> {
  const { place, path } = find(route, name);
  return edit(route, [...path.slice(0, -1), 'fault'], faultField(fault, place));
}

/**
 * The share of requests that each destination of a named route gets, in percent: what is written,
 * made to be 100 together as proxies do
 * it. Called as `withWeights` calls them; a host as it is written.
 *
 * @throws PermanentError when the route is not there exactly once
 */
export function weightsOf(route: RouteLike, name: string): Weights {
  const { targets } = find(route, name);
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

function edit<R extends RouteLike>(
  { apiVersion, kind, metadata }: R,
  path: readonly FieldStep[],
  value: unknown,
): SharedOutput<R['kind']> {
  return shared<R['kind']>({ apiVersion, kind, metadata }, [{ path, value }]);
}

function find(route: RouteLike, name: string): Found {
  const { namespace } = route.metadata;
  const object = `${route.kind} ${namespace === undefined ? '' : `${namespace}/`}${route.metadata.name}`;
  const list = route.kind === 'VirtualService' ? route.spec?.http : route.spec?.rules;
  const word = route.kind === 'VirtualService' ? 'http route' : 'rule';
  const all: readonly { readonly name?: string }[] = list ?? [];
  const matching = all.filter((one) => one.name === name);
  if (matching.length !== 1) {
    const named = all.flatMap((one) => (one.name === undefined ? [] : [one.name]));
    const has = `it has ${quoted(named)}${named.length < all.length ? ` and ${all.length - named.length} without a name` : ''}`;
    throw wrong(
      object,
      matching.length === 0
        ? `there is no ${word} named '${name}'; ${has}`
        : `${matching.length} ${word}s are named '${name}'`,
    );
  }
  const place = `${object}, ${word} '${name}'`;
  if (route.kind === 'VirtualService') {
    const { route: entries = [] } = matching[0] as { readonly route?: readonly RouteDestination[] };
    const targets = entries.map((entry) => ({
      key: entry.destination.subset ?? entry.destination.host,
      entry,
    }));
    return { place, path: ['spec', 'http', { name }, 'route'], targets };
  }
  const { backendRefs = [] } = matching[0] as { readonly backendRefs?: readonly BackendRef[] };
  return {
    place,
    path: ['spec', 'rules', { name }, 'backendRefs'],
    targets: backendRefs.map((entry) => ({ key: entry.name, entry })),
  };
}

/** Istio takes a host without dots as a Service of the route's own namespace. */
function shortHost(host: string, { metadata }: Named): string {
  const [name = host, namespace, ...rest] = host.split('.');
  const own = namespace !== undefined && namespace === metadata.namespace && rest[0] === 'svc';
  return own ? name : host;
}

function quoted(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `'${name}'`).join(', ');
}
