/**
 * Conditions, as kstatus reads them, by which Helm 4, Argo CD and Flux wait: Ready is always there;
 * every other one only while
 * something is to be said. (https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus)
 * Pure.
 */
import type { PhaseDefinition } from '../scheduler.ts';
import type { Condition } from './resource.ts';
import { isReady } from './resource.ts';

/** How a sync ended, as far as status shows it. */
export type Situation =
  /** `entered`: by this very move, so nothing of what the phase writes is there yet. */
  | { readonly kind: 'ok'; readonly message?: string; readonly entered?: boolean }
  /** Nothing wrong; something is not there yet. */
  | { readonly kind: 'waiting'; readonly reason: string; readonly message: string }
  /** A person has stopped it. */
  | { readonly kind: 'paused'; readonly message: string }
  /** A person is asked. */
  | { readonly kind: 'held'; readonly message: string }
  /**
   * Comes again with backoff. `stillReady`: not often enough yet to say that the resource is not
   * ready.
   */
  | {
      readonly kind: 'failing';
      readonly reason: string;
      readonly message: string;
      readonly stillReady?: boolean;
    }
  /** No retry can help. */
  | { readonly kind: 'stalled'; readonly reason: string; readonly message: string };

type Said = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Reasons that are conditions of their own too. All of them are there only while they hold. */
const OWN: Readonly<Record<string, Pick<Condition, 'type' | 'status'>>> = {
  OutputRefused: { type: 'OutputsApplied', status: 'False' },
  OutputConflict: { type: 'OutputConflict', status: 'True' },
  InputUnavailable: { type: 'InputUnavailable', status: 'True' },
  Looping: { type: 'Looping', status: 'True' },
  Quarantined: { type: 'Quarantined', status: 'True' },
  WorkerBlocked: { type: 'WorkerBlocked', status: 'True' },
};

/** Every type that is said here; others are somebody else's. */
const OURS: readonly string[] = [
  'Ready',
  'Reconciling',
  'Stalled',
  'Paused',
  'AwaitingApproval',
  ...Object.values(OWN).map(({ type }) => type),
];

/**
 * `maxLength` of a condition's message (k8s.io/apimachinery metav1.Condition, and the CRD): a
 * longer one is refused with the whole status.
 */
const LONGEST = 32_768;

/**
 * @param old what was said before: a condition that keeps its status keeps its time, and those of
 * others stay.
 */
export function conditionsOf(
  old: readonly Condition[],
  phase: PhaseDefinition,
  situation: Situation,
  generation: number,
  at: string,
): readonly Condition[] {
  const ours = said(old, phase, situation).map((condition) => {
    const before = old.find(({ type }) => type === condition.type);
    const lastTransitionTime =
      before !== undefined && before.status === condition.status ? before.lastTransitionTime : at;
    return {
      ...condition,
      message: cut(condition.message),
      observedGeneration: generation,
      lastTransitionTime,
    };
  });
  return [...ours, ...old.filter(({ type }) => !OURS.includes(type))];
}

function cut(message: string): string {
  return message.length <= LONGEST ? message : `${message.slice(0, LONGEST - 1)}…`;
}

function said(
  old: readonly Condition[],
  phase: PhaseDefinition,
  situation: Situation,
): readonly Said[] {
  switch (situation.kind) {
    case 'ok':
      return settled(
        phase,
        situation.message ?? phase.description ?? '',
        situation.entered === true && writes(phase),
      );
    case 'paused': {
      const { message } = situation;
      const paused: Said = { type: 'Paused', status: 'True', reason: 'Paused', message };
      const wasReady = old.some(({ type, status }) => type === 'Ready' && status === 'True');
      if (phase.final === true || (isReady(phase) && (wasReady || !writes(phase)))) {
        return [...settled(phase, phase.description ?? ''), paused];
      }
      return [{ type: 'Ready', status: 'False', reason: 'Paused', message }, paused];
    }
    case 'held': {
      const { message } = situation;
      const held: Said = {
        type: 'AwaitingApproval',
        status: 'True',
        reason: 'AwaitingApproval',
        message,
      };
      if (isReady(phase)) {
        return [...settled(phase, message), held];
      }
      return [...unsettled('Reconciling', 'AwaitingApproval', message), held];
    }
    case 'waiting':
    case 'failing': {
      const { reason, message } = situation;
      const own = OWN[reason] === undefined ? [] : [{ ...OWN[reason], reason, message }];
      const ready = old.find(({ type }) => type === 'Ready');
      if (
        situation.kind === 'failing' &&
        situation.stillReady === true &&
        ready?.status === 'True'
      ) {
        return [ready, ...own];
      }
      return [...unsettled('Reconciling', reason, message), ...own];
    }
    case 'stalled':
      return unsettled('Stalled', situation.reason, situation.message);
    default:
      return situation satisfies never;
  }
}

/**
 * Such a phase is ready when its first sync is done: whoever waits for it waits for its outputs.
 */
function writes(phase: PhaseDefinition): boolean {
  return phase.outputs.length > 0;
}

function settled(phase: PhaseDefinition, message: string, pending = false): readonly Said[] {
  const reason = phase.name;
  if (isReady(phase) && !pending) {
    return [{ type: 'Ready', status: 'True', reason, message }];
  }
  return unsettled(phase.final === true ? 'Stalled' : 'Reconciling', reason, message);
}

function unsettled(
  type: 'Reconciling' | 'Stalled',
  reason: string,
  message: string,
): readonly Said[] {
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type, status: 'True', reason, message },
  ];
}
