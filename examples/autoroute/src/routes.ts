/** Selects the Deployments that get a route, and builds the objects of each route. */
import type {
  Deployment,
  GatewayOutput,
  ServiceOutput,
  VirtualServiceOutput,
} from './generated/kinds.ts';
import type { SyncedDeployment } from './spec.ts';

/** A Deployment that gets a route. */
export interface Route extends SyncedDeployment {
  /** Labels of the Deployment's Pods. */
  readonly podLabels: Readonly<Record<string, string>>;
}

/** One route for each Deployment with a container port. The first declared port is used. */
export function routesOf(deployments: readonly Deployment[]): readonly Route[] {
  return deployments.flatMap(({ metadata, spec }) => {
    const port = spec?.template.spec?.containers.flatMap(({ ports }) => ports ?? [])[0]
      ?.containerPort;
    return port === undefined
      ? []
      : [{ name: metadata.name, port, podLabels: spec?.selector.matchLabels ?? {} }];
  });
}

/** Host name of a Deployment. It is also the name of its VirtualService. */
export function hostOf(deployment: string, autoRoute: string): string {
  return `${deployment}.${autoRoute}`;
}

/** The Service that selects the Pods of the Deployment. */
export function service({ name, port, podLabels }: Route): ServiceOutput {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: podLabels, ports: [{ name: 'http', port, targetPort: port }] },
  };
}

/** The VirtualService that routes the host name to the Service, through the Gateway. */
export function virtualService({ name, port }: Route, autoRoute: string): VirtualServiceOutput {
  const host = hostOf(name, autoRoute);
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: host },
    spec: {
      hosts: [host],
      gateways: [autoRoute],
      http: [
        {
          match: [{ uri: { prefix: '/' } }],
          route: [{ destination: { host: name, port: { number: port } } }],
        },
      ],
    },
  };
}

/** The Gateway for all hosts of one AutoRoute, on port 80 of the ingress gateway. */
export function gateway(autoRoute: string): GatewayOutput {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: autoRoute },
    spec: {
      selector: { istio: 'ingressgateway' },
      servers: [
        { port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: [`*.${autoRoute}`] },
      ],
    },
  };
}
