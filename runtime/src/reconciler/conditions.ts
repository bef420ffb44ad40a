/**
 * Conditions, as kstatus reads them, by which Helm 4, Argo CD and Flux wait: Ready is always there;
 * every other one only while
 * something is to be said. (https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus)
 * Pure.
 */
import type { PhaseDefinition } from '../api/scheduler.ts';
import type { StatusCondition } from './phase.ts';
import { isReadyPhase } from './phase.ts';

/** How a sync ended, as far as status shows it. */
export type Situation =
  /** `entered`: by this very move, so nothing of what the phase writes is there yet. */
  | { readonly type: 'ok'; readonly message?: string; readonly justEntered?: boolean }
  /** Nothing wrong; something is not there yet. */
  | { readonly type: 'waiting'; readonly reason: string; readonly message: string }
  /** A person has stopped it. */
  | { readonly type: 'paused'; readonly message: string }
  /** A person is asked. */
  | { readonly type: 'awaitingApproval'; readonly message: string }
  /**
   * Comes again with backoff. `stillReady`: not often enough yet to say that the resource is not
   * ready.
   */
  | {
      readonly type: 'failing';
      readonly reason: string;
      readonly message: string;
      readonly stillReady?: boolean;
    }
  /** No retry can help. */
  | { readonly type: 'stalled'; readonly reason: string; readonly message: string };

type ConditionContent = Pick<StatusCondition, 'type' | 'status' | 'reason' | 'message'>;

/** Reasons that are conditions of their own too. All of them are there only while they hold. */
const EXTRA_CONDITIONS: Readonly<Record<string, Pick<StatusCondition, 'type' | 'status'>>> = {
  OutputRefused: { type: 'OutputsApplied', status: 'False' },
  OutputConflict: { type: 'OutputConflict', status: 'True' },
  InputUnavailable: { type: 'InputUnavailable', status: 'True' },
  Looping: { type: 'Looping', status: 'True' },
  Quarantined: { type: 'Quarantined', status: 'True' },
  WorkerBlocked: { type: 'WorkerBlocked', status: 'True' },
};

/** Every type that is said here; others are somebody else's. */
const RUNTIME_CONDITION_TYPES: readonly string[] = [
  'Ready',
  'Reconciling',
  'Stalled',
  'Paused',
  'AwaitingApproval',
  ...Object.values(EXTRA_CONDITIONS).map(({ type }) => type),
];

/**
 * `maxLength` of a condition's message (k8s.io/apimachinery metav1.Condition, and the CRD): a
 * longer one is refused with the whole status.
 */
const MAX_MESSAGE_LENGTH = 32_768;

/**
 * @param old what was said before: a condition that keeps its status keeps its time, and those of
 * others stay.
 */
export function conditionsOf(
  old: readonly StatusCondition[],
  phase: PhaseDefinition,
  situation: Situation,
  generation: number,
  at: string,
): readonly StatusCondition[] {
  const runtimeConditions = describeSituation(old, phase, situation).map((condition) => {
    const before = old.find(({ type }) => type === condition.type);
    const lastTransitionTime =
      before !== undefined && before.status === condition.status ? before.lastTransitionTime : at;
    return {
      ...condition,
      message: truncateMessage(condition.message),
      observedGeneration: generation,
      lastTransitionTime,
    };
  });
  return [
    ...runtimeConditions,
    ...old.filter(({ type }) => !RUNTIME_CONDITION_TYPES.includes(type)),
  ];
}

function truncateMessage(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH
    ? message
    : `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…`;
}

function describeSituation(
  old: readonly StatusCondition[],
  phase: PhaseDefinition,
  situation: Situation,
): readonly ConditionContent[] {
  switch (situation.type) {
    case 'ok':
      return settledConditions(
        phase,
        situation.message ?? phase.description ?? '',
        situation.justEntered === true && hasOutputs(phase),
      );
    case 'paused': {
      const { message } = situation;
      const paused: ConditionContent = {
        type: 'Paused',
        status: 'True',
        reason: 'Paused',
        message,
      };
      const wasReady = old.some(({ type, status }) => type === 'Ready' && status === 'True');
      if (phase.final === true || (isReadyPhase(phase) && (wasReady || !hasOutputs(phase)))) {
        return [...settledConditions(phase, phase.description ?? ''), paused];
      }
      return [{ type: 'Ready', status: 'False', reason: 'Paused', message }, paused];
    }
    case 'awaitingApproval': {
      const { message } = situation;
      const awaitingApproval: ConditionContent = {
        type: 'AwaitingApproval',
        status: 'True',
        reason: 'AwaitingApproval',
        message,
      };
      if (isReadyPhase(phase)) {
        return [...settledConditions(phase, message), awaitingApproval];
      }
      return [...notReadyConditions('Reconciling', 'AwaitingApproval', message), awaitingApproval];
    }
    case 'waiting':
    case 'failing': {
      const { reason, message } = situation;
      const extra =
        EXTRA_CONDITIONS[reason] === undefined
          ? []
          : [{ ...EXTRA_CONDITIONS[reason], reason, message }];
      const ready = old.find(({ type }) => type === 'Ready');
      if (
        situation.type === 'failing' &&
        situation.stillReady === true &&
        ready?.status === 'True'
      ) {
        return [ready, ...extra];
      }
      return [...notReadyConditions('Reconciling', reason, message), ...extra];
    }
    case 'stalled':
      return notReadyConditions('Stalled', situation.reason, situation.message);
    default:
      return situation satisfies never;
  }
}

/**
 * Such a phase is ready when its first sync is done: whoever waits for it waits for its outputs.
 */
function hasOutputs(phase: PhaseDefinition): boolean {
  return phase.outputs.length > 0;
}

function settledConditions(
  phase: PhaseDefinition,
  message: string,
  pending = false,
): readonly ConditionContent[] {
  const reason = phase.name;
  if (isReadyPhase(phase) && !pending) {
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
