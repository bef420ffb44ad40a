import type { Context, Result } from '../generated/promoting.ts';
import {
  copiesIn,
  copyOf,
  infoOf,
  replicasOf,
  revisionIn,
  rolloutOf,
  withRelease,
} from '../release.ts';
import { split } from '../route.ts';

/**
 * Promotes the Pod template of the canary, because that version was evaluated. A later change of
 * the Deployment is evaluated next. The canary keeps its requests until the primary is rolled out.
 */
export async function sync(context: Context): Promise<Result> {
  const { resource, inputs, now } = context;
  const info = infoOf(resource);
  const { target, primary, canary } = copiesIn(inputs.deployments, resource);
  if (target === undefined || primary === undefined || canary === undefined) {
    return {
      next: 'RollBack',
      statusInfo: { ...info, verdict: 'the Deployment or one of its copies was deleted' },
    };
  }
  const revision = revisionIn(canary) ?? '';
  if (revisionIn(primary) !== revision || rolloutOf(primary) !== 'complete') {
    const deployments = [
      copyOf(target, 'primary', { source: canary, replicas: replicasOf(primary) }),
    ];
    return {
      next: 'Promoting',
      message: 'the primary is being rolled out',
      outputs: { virtualservices: [split(context, info.weight)], deployments },
    };
  }
  const release = {
    revision,
    promoted: true,
    reason: `the success rate was high enough in ${info.passed} intervals`,
    at: now.toISOString(),
  };
  return {
    next: 'Waiting',
    outputs: { virtualservices: [split(context, 0)] },
    statusInfo: withRelease(info, release),
  };
}
