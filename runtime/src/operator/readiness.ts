/** What `/readyz` asks. A standby is ready when its caches are filled: it could lead at once. */
import type { Informer } from '../cache/informer.ts';
import type { ReadinessCheck } from './endpoints.ts';
import type { Operator } from './start.ts';

/** @param trouble why the API server cannot be talked to; undefined when it can */
export function readinessChecks(
  operator: Pick<Operator, 'controller'>,
  hasSynced: () => boolean,
  apiServerProblem: () => string | undefined,
): readonly ReadinessCheck[] {
  const listInformers = (of: (informer: Informer) => string | undefined): string | undefined => {
    const reasons = [...operator.controller.informers].flatMap((informer) => {
      const reason = of(informer);
      return reason === undefined ? [] : `${informer.scope.type.kind}: ${reason}`;
    });
    return reasons.length === 0 ? undefined : [...new Set(reasons)].join('; ');
  };
  return [
    { name: 'apiserver', run: apiServerProblem },
    {
      name: 'caches',
      run: () =>
        hasSynced()
          ? undefined
          : (listInformers((informer) => (informer.hasSynced ? undefined : 'not listed yet')) ??
            'not filled yet'),
    },
    { name: 'watches', run: () => listInformers((informer) => informer.failureReason) },
    { name: 'kinds', run: () => listInformers((informer) => informer.unavailableReason) },
  ];
}
