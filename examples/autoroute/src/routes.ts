/** Which Deployments get a route, and what a route is made of. */
import type {
  Deployment,
  GatewayOutput,
  ServiceOutput,
  VirtualServiceOutput,
} from './generated/kinds.ts';
import type { SyncedDeployment } from './spec.ts';

export interface Route extends SyncedDeployment {
  /** Labels of the Deployment's Pods. */
  readonly podLabels: Readonly<Record<string, string>>;
}

/** One route for each Deployment that has a container port; the first port it declares counts. */
export function routesOf(deployments: readonly Deployment[]): readonly Route[] {
  return deployments.flatMap(({ metadata, spec }) => {
    const port = spec?.template.spec?.containers.flatMap(({ ports }) => ports ?? [])[0]
      ?.containerPort;
    return port === undefined
      ? []
      : [{ name: metadata.name, port, podLabels: spec?.selector.matchLabels ?? {} }];
  });
}

/** The host under which a Deployment is reached: the same name as that of its VirtualService. */
export function hostOf(deployment: string, autoRoute: string): string {
  return `${deployment}.${autoRoute}`;
}

export function service({ name, port, podLabels }: Route): ServiceOutput {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: podLabels, ports: [{ name: 'http', port, targetPort: port }] },
  };
}

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
