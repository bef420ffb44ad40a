import type { Context, Result } from '../generated/syncing.ts';
import { gateway, routesOf, service, virtualService } from '../routes.ts';

/**
 * Writes all routes. What a Deployment that is gone had is left out here, and so deleted (prune).
 */
export async function sync({ resource, inputs }: Context): Promise<Result> {
  const autoRoute = resource.metadata.name;
  const routes = routesOf(inputs.deployments.list({ selector: resource.spec.deploymentSelector }));
  return {
    next: 'Ready',
    outputs: {
      services: routes.map(service),
      virtualservices: routes.map((route) => virtualService(route, autoRoute)),
      gateways: [gateway(autoRoute)],
    },
    statusInfo: { syncedDeployments: routes.map(({ name, port }) => ({ name, port })) },
  };
}
