import { timeUntil } from 'autopilot-runtime';
import type { Context, Result } from './generated/finalizer.ts';
import { drainOf, namesOf, rolloutOf } from './release.ts';

/**
 * Removes the generated route and waits for the end of the requests that are under way.
 *
 * The runtime has restored the claimed fields before the first call: the replicas of the Deployment
 * and the destinations of the user's route. Without the generated route the Service selects the
 * Pods of the primary.
 *
 * The finalizer is done when the Deployment is rolled out and the drain time has passed since the
 * first call, which removed the route. Then primary and canary are deleted with their owner.
 */
export async function finalize(context: Context): Promise<Result> {
  const { resource, inputs } = context;
  const target = inputs.deployments.get(namesOf(resource).target);
  const outputs = { virtualservices: [] };
  if (target !== undefined && rolloutOf(target) !== 'complete') {
    return {
      done: false,
      outputs,
      message: `waiting for the rollout of Deployment ${target.metadata.name}`,
    };
  }
  const requeueAfter = timeUntil(context, drainOf(resource));
  return requeueAfter === undefined
    ? { done: true, outputs }
    : { done: false, outputs, requeueAfter };
}
