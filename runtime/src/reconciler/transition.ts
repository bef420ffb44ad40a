/**
 * Transitions: which phase a resource enters next. `update-status.ts` writes the transition.
 *
 * - A changed spec (`onSpecChange`) and the timeout of the phase (`onTimeout`) need no worker.
 * - Otherwise the worker chooses the next phase, and the transition may await an approval.
 */
import type { PhaseDefinition, Scheduler } from '../api/scheduler.ts';
import type { Duration } from '../api/spec-types.ts';
import type { AnyResult } from '../api/worker.ts';
import type { KubeObject } from '../client/object.ts';
import type { Outcome } from '../workqueue/work-queue.ts';
import { checkApproval } from './approval.ts';
import type { Situation } from './conditions.ts';
import { initialPhase, isEnd, phaseNamed } from './phase.ts';
import type { AppliedRecord } from './resource-status.ts';
import { statusOf } from './resource-status.ts';
import type { ReconcileContext } from './reconcile-context.ts';
import { timeLeftMs } from './reconcile-context.ts';
import type { ReconcileResult } from './reconcile-result.ts';
import { requeueDelayMs } from './reconcile-result.ts';
import type { UndoneObject } from './undone/undo-guard.ts';
import { updateStatus } from './update-status.ts';

/** A transition because of a changed spec or of the timeout of the phase. */
export function transitionWithoutWorker(
  context: ReconcileContext,
): { readonly to: PhaseDefinition; readonly reason: string } | undefined {
  const { resource, phase, deps } = context;
  const afterSpecChange = phaseAfterSpecChange(deps.scheduler, resource, phase);
  if (afterSpecChange !== undefined) {
    return { to: afterSpecChange, reason: 'SpecChange' };
  }
  const isTimedOut = phase.final !== true && timeLeftMs(context) === 0;
  return isTimedOut && phase.onTimeout !== undefined
    ? { to: phaseNamed(deps.scheduler, phase.onTimeout), reason: 'Timeout' }
    : undefined;
}

/**
 * The transition by `onSpecChange`: the spec has another generation than the last handled one.
 *
 * @returns the phase to enter. Undefined: no transition
 */
export function phaseAfterSpecChange(
  scheduler: Scheduler,
  resource: KubeObject,
  phase: PhaseDefinition,
): PhaseDefinition | undefined {
  const { observedGeneration = -1 } = statusOf(resource);
  if (observedGeneration < 0 || observedGeneration === resource.metadata.generation) {
    return undefined;
  }
  const fallback = isEnd(phase) ? initialPhase(scheduler).name : 'ignore';
  const target = phase.onSpecChange ?? fallback;
  return target === 'ignore' || target === phase.name ? undefined : phaseNamed(scheduler, target);
}

/** When a resource that stays in its phase is reconciled next. A resting phase is not polled. */
function stayOutcome(context: ReconcileContext, requested: Duration | undefined): Outcome {
  const { phase, deps } = context;
  const timeLeft = timeLeftMs(context) ?? Infinity;
  const isPolled = phase.resting !== true || requested !== undefined;
  const ms = Math.min(isPolled ? requeueDelayMs(requested, deps) : Infinity, timeLeft);
  return ms === Infinity ? { type: 'done' } : { type: 'after', ms };
}

/**
 * The phase that `whenUndone` of an output names, when an object of its kind is undone.
 *
 * @returns undefined: no transition
 */
export function phaseAfterUndoing(
  phase: PhaseDefinition,
  undone: readonly UndoneObject[],
): string | undefined {
  const targets = undone.flatMap(({ type }) =>
    phase.outputs
      .filter((output) => output.type.group === type.group && output.type.kind === type.kind)
      .flatMap(({ whenUndone }) => whenUndone ?? []),
  );
  return targets.find((target) => target !== 'repair' && target !== 'giveUp');
}

/** Makes the transition that the worker chose, unless the transition awaits an approval. */
export async function handleResult(
  context: ReconcileContext,
  result: AnyResult,
  applied: readonly AppliedRecord[],
): Promise<ReconcileResult> {
  const { resource, phase, deps } = context;
  const { scheduler, random } = deps;
  const target = scheduler.phases.find(({ name }) => name === result.next) ?? phase;
  const { requeueAfter, message, statusInfo, step } = result;
  const stay = stayOutcome(context, requeueAfter ?? phase.interval);
  const update = { statusInfo, step, isGenerationHandled: true, applied };
  const approval = checkApproval({ target, phase, resource, type: scheduler.resource, random });
  if (approval.type === 'awaited') {
    const { pendingApproval } = approval;
    const situation: Situation = { type: 'awaitingApproval', message: approval.message };
    return updateStatus(context, { ...update, phase, situation, pendingApproval }, stay);
  }
  const situation: Situation = {
    type: 'ok',
    justEntered: target !== phase,
    ...(message !== undefined && { message }),
  };
  return updateStatus(
    context,
    {
      ...update,
      phase: target,
      situation,
      pendingApproval: null,
      ...(approval.type === 'given' && { approved: approval.value }),
    },
    target === phase ? stay : { type: 'again' },
  );
}
