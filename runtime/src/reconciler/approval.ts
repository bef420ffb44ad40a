/** Transitions into a phase with `approval: required`. */
import type { PhaseDefinition } from '../api/scheduler.ts';
import type { KubeObject, ResourceType } from '../client/object.ts';
import { approveAnnotation } from '../client/well-known-names.ts';
import type { Random } from '../util/clock.ts';
import type { PendingApproval } from './resource-status.ts';
import { statusOf } from './resource-status.ts';

/** Whether a transition may happen now. */
export type Approval =
  | { readonly type: 'notNeeded' }
  /** Approved. `value`: the annotation's value, which must not count a second time. */
  | { readonly type: 'given'; readonly value: string }
  | {
      readonly type: 'awaited';
      readonly pendingApproval: PendingApproval;
      /** The command that approves, for the condition. */
      readonly message: string;
    };

/** A transition that a worker chose. */
export interface ApprovalRequest {
  readonly target: PhaseDefinition;
  /** The current phase. */
  readonly phase: PhaseDefinition;
  readonly resource: KubeObject;
  readonly type: ResourceType;
  readonly random: Random;
}

/**
 * Checks whether the transition is approved. A pending approval keeps its token only while the
 * worker chooses the same phase for the same generation of the spec. An approval of an earlier
 * transition therefore never counts for a later one.
 */
export function checkApproval({
  target,
  phase,
  resource,
  type,
  random,
}: ApprovalRequest): Approval {
  if (target.approval !== 'required' || target === phase) {
    return { type: 'notNeeded' };
  }
  const { autopilot = {} } = statusOf(resource);
  const { generation = 0, annotations } = resource.metadata;
  const annotation = approveAnnotation(type.group);
  const stored = autopilot.pendingApproval;
  const isSame = stored?.phase === target.name && stored.generation === generation;
  const pending = isSame ? stored : undefined;
  const given = annotations?.[annotation];
  const isApproved = pending !== undefined && given === `${pending.phase}@${pending.token}`;
  if (isApproved && given !== autopilot.approved) {
    return { type: 'given', value: given };
  }
  const pendingApproval = pending ?? { phase: target.name, token: newToken(random), generation };
  return {
    type: 'awaited',
    pendingApproval,
    message: `${target.name} waits for approval: ${approveCommand(resource, type, pendingApproval)}`,
  };
}

function approveCommand(
  { metadata: { namespace, name } }: KubeObject,
  { plural, group }: ResourceType,
  { phase, token }: PendingApproval,
): string {
  const where = `${plural}.${group} ${name}${namespace === undefined ? '' : ` -n ${namespace}`}`;
  return `kubectl annotate --overwrite ${where} ${approveAnnotation(group)}=${phase}@${token}`;
}

/** Eight random hexadecimal digits. */
function newToken(random: Random): string {
  return Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
}
