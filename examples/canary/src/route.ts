/**
 * The way of the requests: the user's Service, one Service for each copy, and the route between
 * them.
 */
import type { InputView, FieldClaim } from 'autopilot-runtime';
import { PermanentError } from 'autopilot-runtime';
import { virtualService, withDestinations } from 'autopilot-runtime/mesh';
import type { CanaryDeployment } from './generated/canarydeployment.ts';
import type {
  Deployment,
  Service,
  ServiceOutput,
  VirtualService,
  VirtualServiceOutput,
} from './generated/kinds.ts';
import type { Role } from './release.ts';
import { namesOf, selectorOf } from './release.ts';

/** Of the VirtualService that we make. */
const ROUTE = 'split';

/**
 * Sends this percentage of the requests to the canary and the rest to the primary: by a
 * VirtualService of our own, or by the one route of
 * the user's that we are given.
 */
export function split(
  {
    resource,
    inputs,
  }: {
    readonly resource: CanaryDeployment;
    readonly inputs: { readonly virtualservices: Pick<InputView<VirtualService>, 'require'> };
  },
  weight: number,
): VirtualServiceOutput | FieldClaim<'VirtualService'> {
  const { host, primary, canary } = namesOf(resource);
  const { port, virtualService: theirs } = resource.spec;
  const at = port === undefined ? {} : { port };
  const to = [
    { host: primary, weight: 100 - weight, ...at },
    { host: canary, weight, ...at },
  ];
  return theirs === undefined
    ? virtualService({ name: host, hosts: [host], http: [{ name: ROUTE, to }] })
    : withDestinations(inputs.virtualservices.require(theirs.name), theirs.route, to);
}

/** A Service for one copy, with the ports of the user's. */
export function serviceFor(target: Deployment, front: Service, role: Role): ServiceOutput {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `${target.metadata.name}-${role}` },
    spec: {
      selector: selectorOf(target, role),
      ports: (front.spec?.ports ?? []).map(({ name, port, targetPort, protocol, appProtocol }) => ({
        port,
        ...(name !== undefined && { name }),
        ...(targetPort !== undefined && { targetPort }),
        ...(protocol !== undefined && { protocol }),
        ...(appProtocol !== undefined && { appProtocol }),
      })),
    },
  };
}

/**
 * @throws PermanentError when the user's Service would lose the primary's Pods, or find the
 * canary's: they would get requests past the
 * route
 */
export function checkService(target: Deployment, { metadata, spec }: Service): void {
  const labels = target.spec?.template.metadata?.labels ?? {};
  const finds = (pod: Readonly<Record<string, string>>): boolean =>
    Object.entries(spec?.selector ?? {}).every(([label, value]) => pod[label] === value);
  if (spec?.selector === undefined || !finds({ ...labels, ...selectorOf(target, 'primary') })) {
    throw new PermanentError(
      `Service ${metadata.name} does not select the Pods of Deployment ${target.metadata.name}`,
    );
  }
  if (finds({ ...labels, ...selectorOf(target, 'canary') })) {
    throw new PermanentError(
      `Service ${metadata.name} would select the canary's Pods too: let it select one of the labels that Deployment ${target.metadata.name} selects its Pods by`,
    );
  }
}
