/** Selects the Deployments that get a route, and builds the objects of each route. */
import { createHash } from 'node:crypto';
import type {
  Deployment,
  GatewayOutput,
  ServiceOutput,
  VirtualServiceOutput,
} from './generated/kinds.ts';
import type { SkippedDeployment, SyncedDeployment } from './spec.ts';

/** A Deployment that gets a route. */
export interface Route extends SyncedDeployment {
  /** Labels by which the Service selects the Pods of the Deployment, and no others. */
  readonly podLabels: Readonly<Record<string, string>>;
}

/** What follows from the selected Deployments. */
export interface Routes {
  readonly routes: readonly Route[];
  /** Deployments to which no request could arrive. */
  readonly skipped: readonly SkippedDeployment[];
}

/**
 * One route for each Deployment that declares a TCP port. The first one is used. A Deployment
 * without any port is no server and is left out.
 */
export function routesOf(deployments: readonly Deployment[], autoRoute: string): Routes {
  const routes: Route[] = [];
  const skipped: SkippedDeployment[] = [];
  for (const deployment of deployments) {
    const { name } = deployment.metadata;
    const ports = portsOf(deployment);
    const port = ports.find(({ protocol = 'TCP' }) => protocol === 'TCP')?.containerPort;
    const podLabels = podLabelsOf(deployment);
    if (ports.length === 0) {
      continue;
    }
    if (port === undefined) {
      skipped.push({ name, reason: 'it declares no TCP port' });
    } else if (podLabels === undefined) {
      skipped.push({ name, reason: 'no Service can select its Pods: use matchLabels' });
    } else if (hostOf(name, autoRoute).length > MAX_HOST_LENGTH) {
      skipped.push({ name, reason: `its host name is longer than ${MAX_HOST_LENGTH} characters` });
    } else {
      routes.push({ name, port, podLabels });
    }
  }
  return { routes, skipped };
}

const MAX_HOST_LENGTH = 253;

function portsOf({ spec }: Deployment) {
  return spec?.template.spec?.containers.flatMap(({ ports }) => ports ?? []) ?? [];
}

/**
 * The labels of the Deployment's selector, as a Service needs them. An expression that requires a
 * label has the value of that label in the Pod template. Undefined when an expression excludes
 * Pods, which a Service cannot do, or when there would be no label: an empty selector selects
 * nothing.
 */
function podLabelsOf({ spec }: Deployment): Route['podLabels'] | undefined {
  const labels: Record<string, string> = { ...spec?.selector.matchLabels };
  for (const { key, operator } of spec?.selector.matchExpressions ?? []) {
    const value = spec?.template.metadata?.labels?.[key];
    if ((operator !== 'In' && operator !== 'Exists') || value === undefined) {
      return undefined;
    }
    labels[key] = value;
  }
  return Object.keys(labels).length === 0 ? undefined : labels;
}

/** How the message of the AutoRoute counts the routes and names what has none. */
export function describeRoutes({ routes, skipped }: Routes): string {
  const reasons = skipped.map(({ name, reason }) => `; ${name} is not routed: ${reason}`);
  return `${routes.length} routed${reasons.join('')}`;
}

/**
 * Name of the Service of a Deployment: the Deployment's own name when a Service may have it. A
 * longer name, or one with a dot, is changed, and a hash keeps it unique.
 */
export function serviceNameOf(deployment: string): string {
  if (/^[a-z][-a-z0-9]{0,62}$/.test(deployment)) {
    return deployment;
  }
  const hash = createHash('sha256').update(deployment).digest('hex').slice(0, 8);
  const start = /^[a-z]/.test(deployment) ? '' : 'd-';
  const legal = `${start}${deployment.replaceAll('.', '-')}`.slice(0, 54).replace(/-+$/, '');
  return `${legal}-${hash}`;
}

/** Host name of a Deployment. It is also the name of its VirtualService. */
export function hostOf(deployment: string, autoRoute: string): string {
  return `${serviceNameOf(deployment)}.${autoRoute}`;
}

/** The Service that selects the Pods of the Deployment. */
export function service({ name, port, podLabels }: Route): ServiceOutput {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: serviceNameOf(name) },
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
          route: [{ destination: { host: serviceNameOf(name), port: { number: port } } }],
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
