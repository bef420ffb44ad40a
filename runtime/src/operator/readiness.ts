/** The checks of `/readyz`. */
import type { Informer } from '../cache/informer.ts';
import type { ReadinessCheck } from './endpoints.ts';
import type { Operator } from './start.ts';

/**
 * Makes the checks of `/readyz`. A standby is ready when its initial lists are complete, because it
 * can lead at once.
 *
 * @param hasSynced whether the initial lists are complete.
 * @param apiServerProblem why the API server is unreachable; undefined when it is reachable.
 */
export function readinessChecks(
  operator: Pick<Operator, 'controller' | 'leadershipProblem' | 'configProblem'>,
  hasSynced: () => boolean,
  apiServerProblem: () => string | undefined,
): readonly ReadinessCheck[] {
  const reasonsByKind = (
    reasonOf: (informer: Informer) => string | undefined,
  ): string | undefined => {
    const reasons = [...operator.controller.informers].flatMap((informer) => {
      const reason = reasonOf(informer);
      return reason === undefined ? [] : `${informer.scope.type.kind}: ${reason}`;
    });
    return reasons.length === 0 ? undefined : [...new Set(reasons)].join('; ');
  };
  const unsyncedKinds = (): string | undefined => {
    if (hasSynced()) {
      return undefined;
    }
    const reasons = reasonsByKind(({ hasSynced: isListed }) =>
      isListed ? undefined : 'initial list not complete',
    );
    return reasons ?? 'the operator has not started yet';
  };
  return [
    { name: 'apiserver', run: apiServerProblem },
    { name: 'caches', run: unsyncedKinds },
    { name: 'watches', run: () => reasonsByKind((informer) => informer.failureReason) },
    { name: 'leadership', run: () => operator.leadershipProblem() },
    { name: 'config', isWarning: true, run: () => operator.configProblem() },
    { name: 'kinds', run: () => reasonsByKind((informer) => informer.unavailableReason) },
  ];
}
