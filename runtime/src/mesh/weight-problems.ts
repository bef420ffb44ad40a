/**
 * The weights of routes: what is wrong with them in one object. A route whose weights do not add
 * up, or that leads nowhere, loses
 * traffic, and neither Istio's nor the Gateway API's definitions refuse it. Pure.
 */
import type { KubeObject } from '../client/object.ts';
import { isRecord } from '../util/json.ts';

const ISTIO = 'networking.istio.io/';
const GATEWAY_API = 'gateway.networking.k8s.io/';
const ROUTES = ['HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute', 'UDPRoute'];

/** Sentences, one for each problem; each names the route. Objects of other kinds have none. */
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
 * A route of a VirtualService. One destination alone takes everything, whatever its weight; several
 * share 100.
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

/**
 * A rule of a route of the Gateway API. Without backends it is a redirect, or an error on purpose.
 */
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
