import { timeUntil } from 'autopilot-runtime';
import type { Context, Result } from './generated/finalizer.ts';
import { drainOf, namesOf, rolloutOf } from './release.ts';

/**
 * The Deployment has its replicas back by now, and a route of the user's what it had. Without a
 * route of our own the Service leads to the
 * primary; primary and canary go, with the CanaryDeployment, when the Deployment answers again and
 * the requests that were on their way
 * when the routes changed are through: `timeUntil` counts from the first call, which took our route
 * away.
 */
export async function finalize(context: Context): Promise<Result> {
  const { resource, inputs } = context;
  const target = inputs.deployments.get(namesOf(resource).target);
  const outputs = { virtualservices: [] };
  if (target !== undefined && rolloutOf(target) !== 'complete') {
    return {
      done: false,
      outputs,
      message: `waits for Deployment ${target.metadata.name} to answer again`,
    };
  }
  const requeueAfter = timeUntil(context, drainOf(resource));
  return requeueAfter === undefined
    ? { done: true, outputs }
    : { done: false, outputs, requeueAfter };
}
