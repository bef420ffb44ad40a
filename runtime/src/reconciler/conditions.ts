/**
 * Conditions in the form that kstatus reads, which Helm 4 and Flux use to wait. Argo CD has health
 * checks of its own: the chart's files/argocd-health.lua reads the same conditions. Ready is always
 * present, every other condition only while it applies. See
 * https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus
 */
import type { PhaseDefinition } from '../api/scheduler.ts';
import type { StatusCondition } from './resource-status.ts';
import { isReadyPhase } from './phase.ts';

/** What status shows about the end of a reconcile. */
export type Situation =
  /** No problem. `justEntered`: this reconcile enters the phase, whose outputs do not exist yet. */
  | { readonly type: 'ok'; readonly message?: string; readonly justEntered?: boolean }
  /** No failure, but something is missing. */
  | { readonly type: 'waiting'; readonly reason: string; readonly message: string }
  /** Paused by a person or by the configuration. */
  | { readonly type: 'paused'; readonly message: string }
  /** A transition awaits an approval. */
  | { readonly type: 'awaitingApproval'; readonly message: string }
  /** Retried with backoff. `stillReady`: too few failures yet to make the resource not Ready. */
  | {
      readonly type: 'failing';
      readonly reason: string;
      readonly message: string;
      readonly stillReady?: boolean;
    }
  /** A retry cannot help. */
  | { readonly type: 'stalled'; readonly reason: string; readonly message: string };

type SituationOf<Type extends Situation['type']> = Extract<Situation, { readonly type: Type }>;
/** A condition without its times and generation. */
export type ConditionContent = Pick<StatusCondition, 'type' | 'status' | 'reason' | 'message'>;

/** Conditions beside Ready that a reason adds, for as long as it applies. */
const EXTRA_CONDITIONS: Readonly<Record<string, Pick<StatusCondition, 'type' | 'status'>>> = {
  OutputRefused: { type: 'OutputsApplied', status: 'False' },
  OutputConflict: { type: 'OutputConflict', status: 'True' },
  InputUnavailable: { type: 'InputUnavailable', status: 'True' },
  Looping: { type: 'Looping', status: 'True' },
  Quarantined: { type: 'Quarantined', status: 'True' },
  WorkerBlocked: { type: 'WorkerBlocked', status: 'True' },
};

/** All condition types of the runtime. Conditions of other types belong to other clients. */
const RUNTIME_CONDITION_TYPES: readonly string[] = [
  'Ready',
  'Reconciling',
  'Stalled',
  'Paused',
  'AwaitingApproval',
  'FieldClaimsUnresolved',
  'Contested',
  ...Object.values(EXTRA_CONDITIONS).map(({ type }) => type),
];

/**
 * `maxLength` of a condition's message in metav1.Condition and in the CRD. The API server refuses
 * the whole status with a longer message.
 */
const MAX_MESSAGE_LENGTH = 32_768;

/** What the conditions of one reconcile are made from. */
export interface ConditionInput {
  /** The stored conditions. */
  readonly old: readonly StatusCondition[];
  readonly phase: PhaseDefinition;
  readonly situation: Situation;
  /** Conditions that do not depend on how the reconcile ended. Default: none. */
  readonly notices?: readonly ConditionContent[];
  readonly generation: number;
  /** The time of the reconcile, RFC 3339 with whole seconds. */
  readonly at: string;
}

/**
 * The conditions after a reconcile. A condition that keeps its status keeps its
 * `lastTransitionTime`. Conditions of other clients stay.
 */
export function conditionsOf(input: ConditionInput): readonly StatusCondition[] {
  const { old, phase, situation, notices = [], generation, at } = input;
  const wanted = [...describeSituation(old, phase, situation), ...notices];
  const runtimeConditions = wanted.map((condition) => {
    const before = old.find(({ type }) => type === condition.type);
    const isSameStatus = before?.status === condition.status;
    return {
      ...condition,
      message: truncateMessage(condition.message),
      observedGeneration: generation,
      lastTransitionTime: (isSameStatus ? before?.lastTransitionTime : undefined) ?? at,
    };
  });
  const others = old.filter(({ type }) => !RUNTIME_CONDITION_TYPES.includes(type));
  return [...runtimeConditions, ...others];
}

/**
 * The condition about claims whose list element cannot be told.
 *
 * @param messages one for each claim
 */
export function unresolvedClaimsCondition(
  messages: readonly string[],
): readonly ConditionContent[] {
  return messages.length === 0
    ? []
    : [
        {
          type: 'FieldClaimsUnresolved',
          status: 'True',
          reason: 'ElementRenamed',
          message: messages.join('; '),
        },
      ];
}

/** The condition about objects that other clients set back. */
export function contestedCondition(
  contested: readonly { readonly message: string; readonly isGivenUp: boolean }[],
): readonly ConditionContent[] {
  if (contested.length === 0) {
    return [];
  }
  const reason = contested.some(({ isGivenUp }) => isGivenUp) ? 'GivenUp' : 'Repaired';
  const message = contested.map((one) => one.message).join('; ');
  return [{ type: 'Contested', status: 'True', reason, message }];
}

function truncateMessage(message: string): string {
  const isShort = message.length <= MAX_MESSAGE_LENGTH;
  // Half of a surrogate pair is stored as another character, so it would differ without end.
  return (isShort ? message : `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…`).toWellFormed();
}

function describeSituation(
  old: readonly StatusCondition[],
  phase: PhaseDefinition,
  situation: Situation,
): readonly ConditionContent[] {
  switch (situation.type) {
    case 'ok': {
      const isPending = situation.justEntered === true && hasOutputs(phase);
      return phaseConditions(phase, situation.message ?? phase.description ?? '', isPending);
    }
    case 'paused':
      return pausedConditions(old, phase, situation);
    case 'awaitingApproval':
      return awaitingConditions(phase, situation);
    case 'waiting':
      return [
        ...notReadyConditions('Reconciling', situation.reason, situation.message),
        ...extraConditions(situation),
      ];
    case 'failing':
      return failingConditions(old, situation);
    case 'stalled':
      return notReadyConditions('Stalled', situation.reason, situation.message);
    default:
      return situation satisfies never;
  }
}

/** A paused resource stays Ready when it was Ready, or when its phase has nothing to apply. */
function pausedConditions(
  old: readonly StatusCondition[],
  phase: PhaseDefinition,
  { message }: SituationOf<'paused'>,
): readonly ConditionContent[] {
  const paused = { type: 'Paused', status: 'True', reason: 'Paused', message } as const;
  const wasReady = old.some(({ type, status }) => type === 'Ready' && status === 'True');
  const isReady = isReadyPhase(phase) && (wasReady || !hasOutputs(phase));
  return phase.final === true || isReady
    ? [...phaseConditions(phase, phase.description ?? ''), paused]
    : [{ type: 'Ready', status: 'False', reason: 'Paused', message }, paused];
}

function awaitingConditions(
  phase: PhaseDefinition,
  { message }: SituationOf<'awaitingApproval'>,
): readonly ConditionContent[] {
  const reason = 'AwaitingApproval';
  const awaiting = { type: reason, status: 'True', reason, message } as const;
  return isReadyPhase(phase)
    ? [...phaseConditions(phase, message), awaiting]
    : [...notReadyConditions('Reconciling', reason, message), awaiting];
}

function failingConditions(
  old: readonly StatusCondition[],
  situation: SituationOf<'failing'>,
): readonly ConditionContent[] {
  const { reason, message, stillReady } = situation;
  const extra = extraConditions(situation);
  const ready = old.find(({ type }) => type === 'Ready');
  return stillReady === true && ready?.status === 'True'
    ? [ready, ...extra]
    : [...notReadyConditions('Reconciling', reason, message), ...extra];
}

function extraConditions({
  reason,
  message,
}: SituationOf<'waiting' | 'failing'>): readonly ConditionContent[] {
  const extra = EXTRA_CONDITIONS[reason];
  return extra === undefined ? [] : [{ ...extra, reason, message }];
}

/** A phase with outputs is Ready after its first reconcile: clients wait for the outputs. */
function hasOutputs(phase: PhaseDefinition): boolean {
  return phase.outputs.length > 0;
}

/** The conditions of a phase without a problem. @param isPending its outputs are not applied yet */
function phaseConditions(
  phase: PhaseDefinition,
  message: string,
  isPending = false,
): readonly ConditionContent[] {
  const reason = phase.name;
  if (isReadyPhase(phase) && !isPending) {
    return [{ type: 'Ready', status: 'True', reason, message }];
  }
  return notReadyConditions(phase.final === true ? 'Stalled' : 'Reconciling', reason, message);
}

function notReadyConditions(
  type: 'Reconciling' | 'Stalled',
  reason: string,
  message: string,
): readonly ConditionContent[] {
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type, status: 'True', reason, message },
  ];
}
