/**
 * A transition into a phase whose approval is required: who may go, and what to say to whom. Pure
 * but for the token.
 */
import type { Random } from '../util/clock.ts';
import { approveAnnotation } from '../client/well-known-names.ts';
import type { KubeObject, ResourceType } from '../client/object.ts';
import type { PhaseDefinition } from '../api/scheduler.ts';
import type { PendingApproval } from './phase.ts';
import { statusOf } from './phase.ts';

export type Approval =
  | { readonly type: 'notNeeded' }
  /** @see Notes.approved */
  | { readonly type: 'given'; readonly value: string }
  | {
      readonly type: 'awaited';
      readonly pendingApproval: PendingApproval;
      readonly message: string;
    };

/**
 * An approval is for one hold: its token is new whenever the worker has chosen otherwise in between
 * or the spec has changed, so that
 * nobody approves what they have not seen.
 */
export function checkApproval(
  target: PhaseDefinition,
  phase: PhaseDefinition,
  resource: KubeObject,
  type: ResourceType,
  random: Random,
): Approval {
  const { autopilot = {} } = statusOf(resource);
  if (target.approval !== 'required' || target === phase) {
    return { type: 'notNeeded' };
  }
  const generation = resource.metadata.generation ?? 0;
  const annotation = approveAnnotation(type.group);
  const known =
    autopilot.pendingApproval?.phase === target.name &&
    autopilot.pendingApproval.generation === generation
      ? autopilot.pendingApproval
      : undefined;
  const given = resource.metadata.annotations?.[annotation];
  if (
    known !== undefined &&
    given === `${known.phase}@${known.token}` &&
    given !== autopilot.approved
  ) {
    return { type: 'given', value: given };
  }
  const pendingApproval = known ?? { phase: target.name, token: newToken(random), generation };
  const { namespace, name } = resource.metadata;
  const where = `${type.plural}.${type.group} ${name}${namespace === undefined ? '' : ` -n ${namespace}`}`;
  return {
    type: 'awaited',
    pendingApproval,
    message: `${target.name} waits for approval: kubectl annotate --overwrite ${where} ${annotation}=${pendingApproval.phase}@${pendingApproval.token}`,
  };
}

/** Eight hexadecimal digits. */
function newToken(random: Random): string {
  return Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
}
