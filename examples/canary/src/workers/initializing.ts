import type { Context, Result } from '../generated/initializing.ts';
import {
  copiesIn,
  copyOf,
  infoOf,
  namesOf,
  replicasOf,
  revisionIn,
  revisionOf,
  rolloutOf,
} from '../release.ts';
import { checkService, serviceFor, split } from '../route.ts';

/** Nothing is taken away from the Deployment before its copy answers. */
export async function sync(context: Context): Promise<Result> {
  const { resource, inputs } = context;
  const { target, primary } = copiesIn(inputs.deployments, resource);
  if (target === undefined) {
    return { next: 'Initializing', message: `there is no Deployment ${namesOf(resource).target}` };
  }
  const front = inputs.services.require(namesOf(resource).host);
  checkService(target, front);
  const info = infoOf(resource);
  const replicas = primary ? replicasOf(primary) : (info.replicas ?? replicasOf(target));
  const deployments = [
    copyOf(target, 'primary', { replicas: replicas || 1 }),
    copyOf(target, 'canary', { replicas: 0 }),
  ];
  const services = [serviceFor(target, front, 'primary'), serviceFor(target, front, 'canary')];
  const answers =
    primary !== undefined &&
    revisionIn(primary) === revisionOf(target) &&
    rolloutOf(primary) === 'complete';
  if (!answers) {
    return {
      next: 'Initializing',
      message: 'the primary is being rolled out',
      outputs: { deployments, services },
    };
  }
  return {
    next: 'Waiting',
    outputs: { deployments, services, virtualservices: [split(context, 0)] },
    statusInfo: { ...info, weight: 0 },
  };
}
