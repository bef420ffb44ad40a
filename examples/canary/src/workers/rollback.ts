import type { Context, Result } from '../generated/rollback.ts';
import { infoOf, namesOf, revisionIn, withRelease } from '../release.ts';
import { split } from '../route.ts';

/** The canary's Pods stay until requests on their way to them are through: see Waiting. */
export async function sync(context: Context): Promise<Result> {
  const { resource, inputs, now } = context;
  const info = infoOf(resource);
  const canary = inputs.deployments.get(namesOf(resource).canary);
  const reason = info.verdict ?? 'it was not decided in time';
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
