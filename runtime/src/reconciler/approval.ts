/**
 * A transition into a phase whose approval is required: who may go, and what to say to whom. Pure
 * but for the token.
 */
import type { Random } from '../clock.ts';
import { approveAnnotation } from '../kube/names.ts';
import type { KubeObject, ResourceType } from '../kube/object.ts';
import type { PhaseDefinition } from '../scheduler.ts';
import type { ApprovalHold } from './resource.ts';
import { statusOf } from './resource.ts';

export type Approval =
  | { readonly kind: 'notNeeded' }
  /** @see Notes.approved */
  | { readonly kind: 'given'; readonly value: string }
  | { readonly kind: 'awaited'; readonly hold: ApprovalHold; readonly message: string };

/**
 * An approval is for one hold: its token is new whenever the worker has chosen otherwise in between
 * or the spec has changed, so that
 * nobody approves what they have not seen.
 */
export function approvalFor(
  target: PhaseDefinition,
  phase: PhaseDefinition,
  resource: KubeObject,
  type: ResourceType,
  random: Random,
): Approval {
  const { autopilot = {} } = statusOf(resource);
  if (target.approval !== 'required' || target === phase) {
    return { kind: 'notNeeded' };
  }
  const generation = resource.metadata.generation ?? 0;
  const annotation = approveAnnotation(type.group);
  const known =
    autopilot.hold?.phase === target.name && autopilot.hold.generation === generation
      ? autopilot.hold
      : undefined;
  const given = resource.metadata.annotations?.[annotation];
  if (
    known !== undefined &&
    given === `${known.phase}@${known.token}` &&
    given !== autopilot.approved
  ) {
    return { kind: 'given', value: given };
  }
  const hold = known ?? { phase: target.name, token: tokenOf(random), generation };
  const { namespace, name } = resource.metadata;
  const where = `${type.plural}.${type.group} ${name}${namespace === undefined ? '' : ` -n ${namespace}`}`;
  return {
    kind: 'awaited',
    hold,
    message: `${target.name} waits for approval: kubectl annotate --overwrite ${where} ${annotation}=${hold.phase}@${hold.token}`,
  };
}

/** Eight hexadecimal digits. */
function tokenOf(random: Random): string {
  return Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
}
