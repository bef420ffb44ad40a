/**
 * The rules for route weights, for builders of routes, for the check before outputs are sent, and
 * for the invariants of exploration.
 */
import { PermanentError } from '../api/worker.ts';
import type { KubeObject } from '../client/object.ts';
import { isRecord } from '../util/json.ts';

const ISTIO = 'networking.istio.io/';
const GATEWAY_API = 'gateway.networking.k8s.io/';
const ROUTES = ['HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute', 'UDPRoute'];

/** Percentages by destination, integers with the sum 100: `{ primary: 90, canary: 10 }`. */
export type Weights = Readonly<Record<string, number>>;

/**
 * Checks weights. Istio's webhook and the Gateway API accept weights of any sum and proxies
 * normalize them, so that 90 and 20 would silently become 82 % and 18 %.
 *
 * @param place the route, for the message.
 * @throws PermanentError when a weight is not an integer from 0 to 100, or the sum is not 100.
 */
export function checkWeights(weights: Weights, place: string): void {
  const entries = Object.entries(weights);
  for (const [destination, weight] of entries) {
    if (!Number.isInteger(weight) || weight < 0 || weight > 100) {
      throw invalidRoute(
        place,
        `the weight of ${destination} must be an integer from 0 to 100, found ${weight}`,
      );
    }
  }
  const sum = entries.reduce((total, [, weight]) => total + weight, 0);
  if (sum === 100) {
    return;
  }
  const found = entries.map(([destination, weight]) => `${destination} ${weight}`).join(', ');
  throw invalidRoute(
    place,
    `weights must add up to 100, found ${sum} (${found || 'no destination'})`,
  );
}

/**
 * Checks a percentage. Proxies accept a missing percentage or 0, and then do nothing.
 *
 * @throws PermanentError when the percentage is not greater than 0 and at most 100.
 */
export function checkPercent(percent: number, place: string): void {
  if (!(percent > 0 && percent <= 100)) {
    throw invalidRoute(place, `percent must be greater than 0 and at most 100, found ${percent}`);
  }
}

/** Makes the error of a route: a retry cannot help until the spec or the route changes. */
export function invalidRoute(place: string, problem: string): PermanentError {
  return new PermanentError(`${place}: ${problem}`, 'InvalidRoute');
}

/**
 * Problems with the weights in a route object: a route whose weights do not add up, or that has no
 * destination, loses traffic, and the CRDs of Istio and of the Gateway API accept it.
 *
 * @returns one phrase for each problem, which names the route. Empty: no problem, or no route kind
 */
export function findWeightProblems(object: KubeObject): readonly string[] {
  const spec = isRecord(object.spec) ? object.spec : {};
  if (object.apiVersion.startsWith(ISTIO) && object.kind === 'VirtualService') {
    return ['http', 'tcp', 'tls'].flatMap((protocol) =>
      itemsOf(spec[protocol]).flatMap((route, index) =>
        istioProblems(route, routeName(protocol, route, index)),
      ),
    );
  }
  if (object.apiVersion.startsWith(GATEWAY_API) && ROUTES.includes(object.kind)) {
    return itemsOf(spec['rules']).flatMap((rule, index) =>
      gatewayProblems(rule, routeName('rules', rule, index)),
    );
  }
  return [];
}

/**
 * A route of a VirtualService. A single destination receives all requests whatever its weight;
 * several destinations share 100.
 */
function istioProblems(route: Record<string, unknown>, name: string): readonly string[] {
  if (['redirect', 'directResponse', 'delegate'].some((other) => route[other] !== undefined)) {
    return [];
  }
  const destinations = itemsOf(route['route']);
  if (destinations.length === 0) {
    return [`${name} has no destination`];
  }
  const weights = destinations.map(({ weight = 0 }) => weight);
  return [
    ...destinations.flatMap(({ destination }, index) =>
      isRecord(destination) && isNonEmptyString(destination['host'])
        ? []
        : [`${name} has no host in destination ${index + 1}`],
    ),
    ...invalidWeightProblems(weights, name),
    ...(destinations.length > 1 && sumWeights(weights) !== 100
      ? [`${name} has weights that sum to ${sumWeights(weights)}, not to 100`]
      : []),
  ];
}

/** A rule of a Gateway API route. A rule without backends is a redirect or an intended error. */
function gatewayProblems(rule: Record<string, unknown>, name: string): readonly string[] {
  const backends = itemsOf(rule['backendRefs']);
  const weights = backends.map(({ weight = 1 }) => weight);
  return [
    ...backends.flatMap((backend, index) =>
      isNonEmptyString(backend['name']) ? [] : [`${name} has no name in backend ${index + 1}`],
    ),
    ...invalidWeightProblems(weights, name),
    ...(backends.length > 0 && weights.every((weight) => weight === 0)
      ? [`${name} has no backend with a weight above 0`]
      : []),
  ];
}

function invalidWeightProblems(weights: readonly unknown[], name: string): readonly string[] {
  return weights.flatMap((weight) =>
    Number.isInteger(weight) && (weight as number) >= 0
      ? []
      : [`${name} has the weight ${JSON.stringify(weight)}`],
  );
}

function sumWeights(weights: readonly unknown[]): number {
  return weights.reduce((all: number, weight) => all + Number(weight), 0);
}

function routeName(list: string, { name }: Record<string, unknown>, index: number): string {
  return isNonEmptyString(name) ? `${list}[${name}]` : `${list}[${index}]`;
}

function itemsOf(list: unknown): readonly Record<string, unknown>[] {
  return Array.isArray(list) ? list.map((item: unknown) => (isRecord(item) ? item : {})) : [];
}

function isNonEmptyString(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
