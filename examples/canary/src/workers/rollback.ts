import type { Context, Result } from '../generated/rollback.ts';
import { infoOf, namesOf, revisionIn, withRelease } from '../release.ts';
import { split } from '../route.ts';

/**
 * Routes all requests to the primary. The canary keeps its Pods for the requests that are under
 * way: Waiting scales it down after the drain time.
 */
export async function sync(context: Context): Promise<Result> {
  const { resource, inputs, now } = context;
  const info = infoOf(resource);
  const canary = inputs.deployments.get(namesOf(resource).canary);
  const reason = info.verdict ?? 'the evaluation timed out';
  const release = {
    revision: (canary && revisionIn(canary)) ?? '',
    promoted: false,
    reason,
    at: now.toISOString(),
  };
  return {
    next: 'Waiting',
    outputs: { virtualservices: [split(context, 0)] },
    statusInfo: withRelease(info, release),
  };
}
