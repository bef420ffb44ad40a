import { timeUntil } from 'autopilot-runtime';
import type { Context, Result } from '../generated/waiting.ts';
import {
  copiesIn,
  copyOf,
  drainOf,
  infoOf,
  replicasOf,
  revisionIn,
  revisionOf,
  scaledDown,
} from '../release.ts';
import { split } from '../route.ts';

/**
 * A version that failed is not tried again: there has to be another one first. What was tried is
 * read from status and not from the canary,
 * which has the new version already when a sync is cut off between its outputs and its status.
 */
export async function sync(context: Context): Promise<Result> {
  const { resource, inputs } = context;
  const { target, primary } = copiesIn(inputs.deployments, resource);
  if (primary === undefined) {
    return { next: 'Initializing' };
  }
  const virtualservices = [split(context, 0)];
  const requeueAfter = timeUntil(context, drainOf(resource));
  if (target === undefined || requeueAfter !== undefined) {
    return { next: 'Waiting', outputs: { virtualservices }, ...(requeueAfter && { requeueAfter }) };
  }

  const info = infoOf(resource);
  const tried = revisionOf(target);
  const replicas = replicasOf(primary);
  const old = tried === revisionIn(primary) || tried === info.tried;
  return {
    next: old ? 'Waiting' : 'Evaluating',
    outputs: {
      virtualservices,
      deployments: [copyOf(target, 'canary', { replicas: old ? 0 : replicas }), scaledDown(target)],
    },
    statusInfo: { ...info, replicas, tried },
  };
}
