/**
 * Traffic must add up: the weights of routes in Istio's VirtualService and the Gateway API's
 * HTTPRoute.
 */
import type { KubeObject } from 'autopilot-runtime/internal';

interface Weighted {
  readonly weight?: number;
}

interface RouteSpec {
  readonly http?: readonly { readonly name?: string; readonly route?: readonly Weighted[] }[];
  readonly rules?: readonly {
    readonly name?: string;
    readonly backendRefs?: readonly Weighted[];
  }[];
}

/** What is wrong with the weights of an object; undefined when nothing is, or it is no route. */
export function findWeightProblem(object: KubeObject): string | undefined {
  const { http = [], rules = [] } = (object.spec ?? {}) as RouteSpec;
  if (object.kind === 'VirtualService') {
    for (const { name, route = [] } of http) {
      const sum = sumWeights(route);
      if (route.length > 1 && sum !== 100) {
        return `the weights of ${name ?? 'a route'} sum to ${sum}`;
      }
    }
  }
  if (object.kind === 'HTTPRoute') {
    for (const { name, backendRefs = [] } of rules) {
      // Here weights are shares, and one that is not given is 1: only nothing at all is wrong.
      const sum = backendRefs.reduce((total, { weight = 1 }) => total + weight, 0);
      if (backendRefs.length > 0 && sum === 0) {
        return `all weights of ${name ?? 'a rule'} are 0`;
      }
    }
  }
  return undefined;
}

function sumWeights(destinations: readonly Weighted[]): number {
  return destinations.reduce((total, { weight = 0 }) => total + weight, 0);
}
