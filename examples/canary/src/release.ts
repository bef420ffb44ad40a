/** The Deployments of a release: what the user changes, and two copies of it. */
import { createHash } from 'node:crypto';
import type { Duration, FieldClaim, InputView, StatusInfoPatch } from 'autopilot-runtime';
import { PermanentError, claimFields } from 'autopilot-runtime';
import type { CanaryDeployment } from './generated/canarydeployment.ts';
import type { Deployment, DeploymentOutput } from './generated/kinds.ts';
import type { CanaryDeploymentStatusInfo, Release } from './spec.ts';

export type Role = 'primary' | 'canary';
type Labels = Readonly<Record<string, string>>;

const REVISION = 'canary.examples.io/revision';
const ROLE = 'canary';

export function namesOf({ metadata, spec }: Pick<CanaryDeployment, 'metadata' | 'spec'>) {
  const target = spec.deployment ?? metadata.name;
  return {
    target,
    host: spec.service ?? target,
    primary: `${target}-primary`,
    canary: `${target}-canary`,
  };
}

/** Requests that were on their way when a route changed are through by then. */
export function drainOf({ spec }: Pick<CanaryDeployment, 'spec'>): Duration {
  return spec.drain ?? '30s';
}

/** The user's fields of status, with what they are before anything has happened. */
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

/** The canary has no requests any more; what became of it is noted. */
export function withRelease(
  { history }: CanaryDeploymentStatusInfo,
  release: Release,
): StatusInfoPatch<CanaryDeploymentStatusInfo> {
  return { weight: 0, passed: 0, verdict: null, history: [release, ...history].slice(0, 10) };
}

/** The Deployment with the user's new version, and its copies, as far as they are there. */
export function copiesIn(
  deployments: Pick<InputView<Deployment>, 'get'>,
  resource: CanaryDeployment,
) {
  const names = namesOf(resource);
  const target = deployments.get(names.target);
  if (target?.spec?.selector.matchExpressions?.length) {
    throw new PermanentError(
      `Deployment ${names.target} selects its Pods by matchExpressions; its copies need matchLabels alone`,
    );
  }
  return { target, primary: deployments.get(names.primary), canary: deployments.get(names.canary) };
}

/**
 * Changes with the Pod template, and with nothing else. The copies carry what they were made from
 * as an annotation.
 */
export function revisionOf({ spec }: Deployment): string {
  return createHash('sha256')
    .update(JSON.stringify(spec?.template, sorted))
    .digest('hex')
    .slice(0, 10);
}

export function revisionIn(copy: Deployment): string | undefined {
  return copy.metadata.annotations?.[REVISION];
}

/**
 * A copy of the Deployment for one role.
 *
 * @param source where its Pod template is taken from: the Deployment itself, or the canary when
 * that is promoted.
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
 * What the Pods of a copy are known by. Those of the primary carry the Deployment's own labels too,
 * so that its Service finds them with
 * or without a route; those of the canary do not: they get only what the route sends.
 */
export function selectorOf(target: Deployment, role: Role): Labels {
  const own = Object.entries(matchLabels(target)).map(([label, value]) => [
    label,
    role === 'canary' ? `${value}-canary` : value,
  ]);
  return { ...Object.fromEntries(own), [ROLE]: String(role === 'canary') };
}

/** How many Pods answer now; the Deployment itself is scaled to 0 once the primary does. */
export function replicasOf(deployment: Deployment): number {
  return deployment.spec?.replicas ?? 1;
}

/** The user's Deployment without Pods; it gets back the replicas it had in the end. */
export function scaledDown(target: Deployment): FieldClaim<'Deployment'> {
  return claimFields(target, [{ path: ['spec', 'replicas'], value: 0 }]);
}

/** How far the Deployment controller has come with what the Deployment says now. */
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

/** For JSON.stringify: the order of fields does not count. */
function sorted(_: string, value: unknown): unknown {
  const map = typeof value === 'object' && value !== null && !Array.isArray(value);
  return map
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : value;
}
