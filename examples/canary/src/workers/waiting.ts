import { remaining } from 'autopilot-runtime';
import type { Context, Result } from '../generated/waiting.ts';
import { copiesIn, copyOf, drainOf, infoOf, replicasOf, revisionIn, revisionOf, scaledDown } from '../release.ts';
import { split } from '../route.ts';

/** A version that failed is not tried again: there has to be another one first. */
export async function sync(context: Context): Promise<Result> {
  const { resource, inputs } = context;
  const { target, primary, canary } = copiesIn(inputs.deployments, resource);
  if (primary === undefined) return { next: 'Initializing' };
  const virtualservices = [split(context, 0)];
  const requeueAfter = remaining(context, drainOf(resource));
  if (target === undefined || requeueAfter !== undefined) return { next: 'Waiting', outputs: { virtualservices }, ...(requeueAfter && { requeueAfter }) };

  const replicas = replicasOf(primary);
  const known = [primary, canary].some((copy) => copy !== undefined && revisionIn(copy) === revisionOf(target));
  return {
    next: known ? 'Waiting' : 'Evaluating',
    outputs: { virtualservices, deployments: [copyOf(target, 'canary', { replicas: known ? 0 : replicas }), scaledDown(target)] },
    statusInfo: { ...infoOf(resource), replicas },
  };
}
