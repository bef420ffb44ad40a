import type { Context, Result } from '../generated/routing.ts';
import { describeRoutes, gateway, routesOf, service, virtualService } from '../routes.ts';

/** Returns all objects that have to exist. The runtime creates, repairs and prunes them. */
export async function sync({ resource, inputs }: Context): Promise<Result> {
  const autoRoute = resource.metadata.name;
  const deployments = inputs.deployments.list({ selector: resource.spec.deploymentSelector });
  const { routes, skipped } = routesOf(deployments, autoRoute);
  return {
    next: 'Routing',
    outputs: {
      services: routes.map(service),
      virtualservices: routes.map((route) => virtualService(route, autoRoute)),
      gateways: [gateway(autoRoute)],
    },
    statusInfo: {
      syncedDeployments: routes.map(({ name, port }) => ({ name, port })),
      skippedDeployments: skipped,
    },
    message: describeRoutes({ routes, skipped }),
  };
}
