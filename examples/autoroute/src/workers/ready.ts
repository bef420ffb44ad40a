import type { Context, Result } from '../generated/ready.ts';
import { hostOf, routesOf } from '../routes.ts';

/**
 * Stays while the routes are those of the Deployments there are: none was deleted, and no late
 * request has made one more.
 */
export async function sync({ resource, inputs }: Context): Promise<Result> {
  const autoRoute = resource.metadata.name;
  const wanted = routesOf(inputs.deployments.list({ selector: resource.spec.deploymentSelector }));
  const synced = resource.status?.syncedDeployments ?? [];
  const current =
    wanted.length === synced.length &&
    wanted.every(({ name, port }) => synced.some((one) => one.name === name && one.port === port));
  const whole =
    inputs.gateways.get(autoRoute) !== undefined &&
    wanted.every(
      ({ name }) =>
        inputs.services.get(name) !== undefined &&
        inputs.virtualservices.get(hostOf(name, autoRoute)) !== undefined,
    );
  const extra = [...inputs.services.list(), ...inputs.virtualservices.list()].some(
    ({ metadata }) =>
      metadata.ownerReferences?.some(({ uid }) => uid === resource.metadata.uid) === true &&
      wanted.every(
        ({ name }) => metadata.name !== name && metadata.name !== hostOf(name, autoRoute),
      ),
  );
  return current && whole && !extra
    ? { next: 'Ready', message: `${synced.length} routed` }
    : { next: 'Syncing' };
}
