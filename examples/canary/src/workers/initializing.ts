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

/**
 * Creates the primary and the canary, and routes requests to the primary once it is rolled out and
 * its Service exists: a Service may be refused while the route is accepted.
 * The Deployment keeps its replicas meanwhile, so that no request is lost.
 */
export async function sync(context: Context): Promise<Result> {
  const { resource, inputs } = context;
  const { target, primary } = copiesIn(inputs.deployments, resource);
  if (target === undefined) {
    return {
      next: 'Initializing',
      message: `Deployment ${namesOf(resource).target} does not exist`,
    };
  }
  const service = inputs.services.require(namesOf(resource).host);
  checkService(target, service);
  const info = infoOf(resource);
  const replicas = primary ? replicasOf(primary) : (info.replicas ?? replicasOf(target));
  const deployments = [
    copyOf(target, 'primary', { replicas: replicas || 1 }),
    copyOf(target, 'canary', { replicas: 0 }),
  ];
  const services = [serviceFor(target, service, 'primary'), serviceFor(target, service, 'canary')];
  const isPrimaryReady =
    primary !== undefined &&
    revisionIn(primary) === revisionOf(target) &&
    rolloutOf(primary) === 'complete';
  if (!isPrimaryReady) {
    return {
      next: 'Initializing',
      message: 'the primary is being rolled out',
      outputs: { deployments, services },
    };
  }
  const areServicesCreated = services.every(
    ({ metadata }) => inputs.services.get(metadata.name) !== undefined,
  );
  if (!areServicesCreated) {
    return {
      next: 'Initializing',
      message: 'the Services of the copies do not exist yet',
      outputs: { deployments, services },
    };
  }
  return {
    next: 'Waiting',
    outputs: { deployments, services, virtualservices: [split(context, 0)] },
    statusInfo: { ...info, weight: 0 },
  };
}
