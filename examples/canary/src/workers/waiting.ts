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
 * Waits for a new version. A version that failed is evaluated again only after another version.
 * The version that was tried last is read from status, not from the canary: after a crash between
 * writing outputs and status the canary has a new version that was never evaluated.
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
  const revision = revisionOf(target);
  const replicas = replicasOf(primary);
  const wasTried = revision === revisionIn(primary) || revision === info.tried;
  return {
    next: wasTried ? 'Waiting' : 'Evaluating',
    outputs: {
      virtualservices,
      deployments: [
        copyOf(target, 'canary', { replicas: wasTried ? 0 : replicas }),
        scaledDown(target),
      ],
    },
    statusInfo: { ...info, replicas, tried: revision },
  };
}
