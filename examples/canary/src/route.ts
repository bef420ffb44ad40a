/** Routing: one Service for each copy, and the route that divides the requests between them. */
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

/** Name of the route in the generated VirtualService. */
const ROUTE = 'split';

/**
 * The route that sends `weight` percent of the requests to the canary and the rest to the primary.
 * With `spec.virtualService` the result is a field claim on the route that it names; otherwise it
 * is a VirtualService of the operator's own.
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
  const { port, virtualService: userRoute } = resource.spec;
  const at = port === undefined ? {} : { port };
  const to = [
    { host: primary, weight: 100 - weight, ...at },
    { host: canary, weight, ...at },
  ];
  return userRoute === undefined
    ? virtualService({ name: host, hosts: [host], http: [{ name: ROUTE, to }] })
    : withDestinations(inputs.virtualservices.require(userRoute.name), userRoute.route, to);
}

/** A Service for one copy, with the ports of the user's Service. */
export function serviceFor(target: Deployment, service: Service, role: Role): ServiceOutput {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `${target.metadata.name}-${role}` },
    spec: {
      selector: selectorOf(target, role),
      ports: (service.spec?.ports ?? []).map(
        ({ name, port, targetPort, protocol, appProtocol }) => ({
          port,
          ...(name !== undefined && { name }),
          ...(targetPort !== undefined && { targetPort }),
          ...(protocol !== undefined && { protocol }),
          ...(appProtocol !== undefined && { appProtocol }),
        }),
      ),
    },
  };
}

/**
 * Checks that the user's Service selects the Pods of the primary and not those of the canary, which
 * must get requests only through the route.
 *
 * @throws PermanentError when the Service selects other Pods.
 */
export function checkService(target: Deployment, { metadata, spec }: Service): void {
  const labels = target.spec?.template.metadata?.labels ?? {};
  const selects = (pod: Readonly<Record<string, string>>): boolean =>
    Object.entries(spec?.selector ?? {}).every(([label, value]) => pod[label] === value);
  if (spec?.selector === undefined || !selects({ ...labels, ...selectorOf(target, 'primary') })) {
    throw new PermanentError(
      `Service ${metadata.name} does not select the Pods of Deployment ${target.metadata.name}`,
    );
  }
  if (selects({ ...labels, ...selectorOf(target, 'canary') })) {
    throw new PermanentError(
      `Service ${metadata.name} also selects the Pods of the canary: add a label of spec.selector of Deployment ${target.metadata.name} to its selector`,
    );
  }
}
