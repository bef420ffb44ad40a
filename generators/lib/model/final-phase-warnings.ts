/** Warnings about final phases that follow field claims: no worker looks after them any more. */
import { isClaimable } from './model.ts';
import type { ModelPhase } from './model.ts';

/**
 * One warning for each final phase that can follow a phase with field claims. A phase can claim
 * fields of a kind that is both an input and an output.
 */
export function finalPhaseWarnings(phases: readonly ModelPhase[]): readonly string[] {
  return phases
    .filter(({ final }) => final)
    .flatMap(({ name }) => {
      const claiming = phases.filter(
        (phase) => claimsFields(phase) && leadsTo(phases, phase, name),
      );
      return claiming.length === 0
        ? []
        : [
            `${name} is final and follows ${claiming.map((phase) => phase.name).join(', ')}, which can claim fields. A copy of an object that is taken before the end and applied after it brings the claimed values back, and no worker sees it. Make ${name} \`resting: true\` instead of \`final: true\` where that matters`,
          ];
    });
}

function claimsFields(phase: ModelPhase): boolean {
  return phase.outputs.some((output) => isClaimable(phase, output));
}

/** Whether a resource can get from a phase to the phase `target`, also through other phases. */
function leadsTo(phases: readonly ModelPhase[], from: ModelPhase, target: string): boolean {
  const reached = new Set<string>();
  const pending = followersOf(from);
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const phase = phases.find((one) => one.name === name);
    if (phase !== undefined && !reached.has(name)) {
      reached.add(name);
      pending.push(...(phase.final ? [] : followersOf(phase)));
    }
  }
  return reached.has(target);
}

/** A changed spec is not followed: it begins something new. */
function followersOf({ next, onTimeout, outputs }: ModelPhase): string[] {
  const undone = outputs.flatMap(({ whenUndone }) => whenUndone ?? []);
  return [...next, ...(onTimeout === undefined ? [] : [onTimeout]), ...undone];
}
