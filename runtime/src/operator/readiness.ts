/** What `/readyz` asks. A standby is ready when its caches are filled: it could lead at once. */
import type { Informer } from '../cache/informer.ts';
import type { Check } from './endpoints.ts';
import type { Operator } from './start.ts';

/** @param trouble why the API server cannot be talked to; undefined when it can */
export function readiness(
  operator: Pick<Operator, 'machine'>,
  filled: () => boolean,
  trouble: () => string | undefined,
): readonly Check[] {
  const list = (of: (informer: Informer) => string | undefined): string | undefined => {
    const told = [...operator.machine.informers].flatMap((informer) => {
      const reason = of(informer);
      return reason === undefined ? [] : `${informer.scope.type.kind}: ${reason}`;
    });
    return told.length === 0 ? undefined : [...new Set(told)].join('; ');
  };
  return [
    { name: 'apiserver', run: trouble },
    {
      name: 'caches',
      run: () =>
        filled()
          ? undefined
          : (list((informer) => (informer.filledOnce ? undefined : 'not listed yet')) ??
            'not filled yet'),
    },
    { name: 'watches', run: () => list((informer) => informer.broken) },
    { name: 'kinds', run: () => list((informer) => informer.unavailable) },
  ];
}
