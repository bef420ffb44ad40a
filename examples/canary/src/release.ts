/** The Deployments of a release: the user's Deployment, here `target`, and its two copies. */
import { createHash } from 'node:crypto';
import type { Duration, FieldClaim, InputView, StatusInfoPatch } from 'autopilot-runtime';
import { PermanentError, claimFields } from 'autopilot-runtime';
import type { CanaryDeployment } from './generated/canarydeployment.ts';
import type { Deployment, DeploymentOutput } from './generated/kinds.ts';
import type { CanaryDeploymentStatusInfo, Release } from './spec.ts';

/** Which copy: `primary` runs the current version, `canary` the new one. */
export type Role = 'primary' | 'canary';
type Labels = Readonly<Record<string, string>>;

/** Annotation of a copy: revision of the Pod template that it was made from. */
const REVISION = 'canary.examples.io/revision';
/** Label that the Pods of both copies have: `true` for the canary, `false` for the primary. */
const ROLE = 'canary';

/** Names of the Deployment, its copies, and its Service (`host`). */
export function namesOf({ metadata, spec }: Pick<CanaryDeployment, 'metadata' | 'spec'>) {
  const target = spec.deployment ?? metadata.name;
  return {
    target,
    host: spec.service ?? target,
    primary: `${target}-primary`,
    canary: `${target}-canary`,
  };
}

/** Time after a change of a route until no request is under way on the old route. */
export function drainOf({ spec }: Pick<CanaryDeployment, 'spec'>): Duration {
  return spec.drain ?? '30s';
}

/** The user's fields of status, with their initial values where they are missing. */
export function infoOf({
  status = {},
}: Pick<CanaryDeployment, 'status'>): CanaryDeploymentStatusInfo {
  const { weight = 0, passed = 0, history = [], replicas, tried, verdict } = status;
  return {
    weight,
    passed,
    history,
    ...(replicas !== undefined && { replicas }),
    ...(tried !== undefined && { tried }),
    ...(verdict !== undefined && { verdict }),
  };
}

/** Change of status at the end of an evaluation: no weight, and the release in the history. */
export function withRelease(
  { history }: CanaryDeploymentStatusInfo,
  release: Release,
): StatusInfoPatch<CanaryDeploymentStatusInfo> {
  return { weight: 0, passed: 0, verdict: null, history: [release, ...history].slice(0, 10) };
}

/**
 * The Deployment with the user's new version, and its copies; undefined where one does not exist.
 *
 * @throws PermanentError when the Deployment selects its Pods by matchExpressions.
 */
export function copiesIn(
  deployments: Pick<InputView<Deployment>, 'get'>,
  resource: CanaryDeployment,
) {
  const names = namesOf(resource);
  const target = deployments.get(names.target);
  if (target?.spec?.selector.matchExpressions?.length) {
    throw new PermanentError(
      `Deployment ${names.target}: spec.selector.matchExpressions is not supported, because its copies need their own labels; use matchLabels only`,
    );
  }
  return { target, primary: deployments.get(names.primary), canary: deployments.get(names.canary) };
}

/** Revision of a Deployment: a hash of its Pod template. Other fields do not change it. */
export function revisionOf({ spec }: Deployment): string {
  return createHash('sha256')
    .update(JSON.stringify(spec?.template, sorted))
    .digest('hex')
    .slice(0, 10);
}

/** Revision that a copy was made from; undefined when its annotation is missing. */
export function revisionIn(copy: Deployment): string | undefined {
  return copy.metadata.annotations?.[REVISION];
}

/**
 * The desired copy of the Deployment for one role.
 *
 * @param options.source Deployment that the Pod template is taken from. Default: `target`. A
 * promotion takes the template of the canary.
 */
export function copyOf(
  target: Deployment,
  role: Role,
  options: { readonly replicas: number; readonly source?: Deployment },
): DeploymentOutput {
  const { replicas, source = target } = options;
  const template = source.spec?.template;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: `${target.metadata.name}-${role}`,
      annotations: {
        [REVISION]: source === target ? revisionOf(target) : (revisionIn(source) ?? ''),
      },
    },
    spec: {
      ...target.spec,
      replicas,
      selector: { matchLabels: selectorOf(target, role) },
      template: {
        ...template,
        metadata: {
          labels: { ...template?.metadata?.labels, ...selectorOf(target, role) },
          annotations: template?.metadata?.annotations ?? {},
        },
      },
    },
  };
}

/**
 * Labels that select the Pods of a copy.
 *
 * - The primary has the selector labels of the Deployment, so that the user's Service selects its
 *   Pods with and without a route.
 * - The canary has other values, so that its Pods get requests only through the route.
 */
export function selectorOf(target: Deployment, role: Role): Labels {
  const own = Object.entries(matchLabels(target)).map(([label, value]) => [
    label,
    role === 'canary' ? `${value}-canary` : value,
  ]);
  return { ...Object.fromEntries(own), [ROLE]: String(role === 'canary') };
}

/** Desired replicas of a Deployment. Default of Kubernetes: 1. */
export function replicasOf(deployment: Deployment): number {
  return deployment.spec?.replicas ?? 1;
}

/**
 * A claim of `spec.replicas` of the user's Deployment that scales it to 0. The runtime restores the
 * old value when the resource is deleted.
 */
export function scaledDown(target: Deployment): FieldClaim<'Deployment'> {
  return claimFields(target, [{ path: ['spec', 'replicas'], value: 0 }]);
}

/** State of the rollout of the Deployment's current generation. */
export function rolloutOf({
  metadata,
  spec,
  status,
}: Deployment): 'complete' | 'underway' | 'failed' {
  const wanted = spec?.replicas ?? 1;
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    return 'underway';
  }
  if (
    status?.conditions?.some(
      ({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded',
    )
  ) {
    return 'failed';
  }
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status ?? {};
  return updatedReplicas === wanted && replicas === wanted && availableReplicas === wanted
    ? 'complete'
    : 'underway';
}

function matchLabels({ spec }: Deployment): Labels {
  return spec?.selector.matchLabels ?? {};
}

/** Replacer of JSON.stringify that sorts the fields, so that their order does not change a hash. */
function sorted(_: string, value: unknown): unknown {
  const map = typeof value === 'object' && value !== null && !Array.isArray(value);
  return map
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : value;
}
