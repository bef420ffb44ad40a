/** Checks of what a worker or the finalizer returned, before anything is written. */
import { parseDuration } from '../../api/duration.ts';
import type { OutputDefinition, PhaseDefinition, Scheduler } from '../../api/scheduler.ts';
import type { AnyOutputs, AnyResult, FinalizeResult } from '../../api/worker.ts';
import { PermanentError } from '../../api/worker.ts';
import { messageOf } from '../../client/errors.ts';
import { isRecord } from '../../util/json.ts';

/** @throws PermanentError that names the wrong value */
export function validateResult(
  scheduler: Scheduler,
  phase: PhaseDefinition,
  result: AnyResult,
): void {
  const worker = `worker of phase ${phase.name}`;
  if (!isRecord(result)) {
    throw new PermanentError(
      `the ${worker} returned ${JSON.stringify(result)}; it must return { next: '<phase>' }`,
    );
  }
  const others = phase.next ?? scheduler.phases.map(({ name }) => name);
  const allowed = new Set([phase.name, ...others]);
  if (!allowed.has(result.next)) {
    throw new PermanentError(
      `the ${worker} returned next: '${result.next}'; allowed are ${[...allowed].join(', ')}`,
    );
  }
  if (result.statusInfo !== undefined && !isRecord(result.statusInfo)) {
    throw new PermanentError(
      `the ${worker} returned statusInfo: ${JSON.stringify(result.statusInfo)}; it must be an object`,
    );
  }
  validateDuration(result.requeueAfter, worker);
  validateOutputs(phase.outputs, result.outputs, worker);
}

/** @throws PermanentError that names the wrong value */
export function validateFinalizeResult(
  outputs: readonly OutputDefinition[],
  result: FinalizeResult<AnyOutputs>,
): void {
  if (!isRecord(result) || typeof result['done'] !== 'boolean') {
    throw new PermanentError(
      `the finalizer returned ${JSON.stringify(result)}; it must return { done: true } or { done: false }`,
    );
  }
  validateDuration(result.requeueAfter, 'finalizer');
  validateOutputs(outputs, result.outputs, 'finalizer');
}

function validateDuration(requeueAfter: string | undefined, who: string): void {
  if (requeueAfter === undefined) {
    return;
  }
  try {
    parseDuration(requeueAfter);
  } catch (error) {
    throw new PermanentError(`the ${who} returned requeueAfter: ${messageOf(error)}`);
  }
}

function validateOutputs(
  outputs: readonly OutputDefinition[],
  returned: AnyOutputs | undefined,
  who: string,
): void {
  const declared = outputs.map(({ name }) => name);
  for (const [name, objects] of Object.entries(returned ?? {})) {
    if (!declared.includes(name)) {
      throw new PermanentError(
        `the ${who} returned outputs.${name}, which autopilot.yaml does not declare (declared: ${declared.join(', ') || 'none'})`,
      );
    }
    if (objects !== undefined && (!Array.isArray(objects) || !objects.every(isRecord))) {
      throw new PermanentError(
        `the ${who} returned outputs.${name}, which is not a list of objects`,
      );
    }
  }
}
