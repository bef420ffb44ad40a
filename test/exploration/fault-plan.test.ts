import { expect } from 'chai';
import type { Fault } from '../../sandbox/src/exploration/fault.ts';
import type { FaultSite, FaultSites } from '../../sandbox/src/exploration/fault-sites.ts';
import { FaultPlan } from '../../sandbox/src/exploration/fault-plan.ts';
import { seededRandom } from '../../sandbox/src/index.ts';

const request = (nth: number, what: string, write = false): FaultSite => ({
  type: 'request',
  nth,
  isWrite: write,
  situation: what,
});
const baseline: FaultSites = [
  ...Array.from({ length: 20 }, (_, index) => request(index + 1, '1 Working apply Service', true)),
  request(21, '1 Working patch Drone (status)', true),
  request(22, '2 Done list Service'),
];
/** Sites after a fault at the patch: the operator reads the resource and patches it again. */
const after: FaultSites = [
  ...baseline.slice(0, 21),
  request(22, '1 Working get Drone'),
  request(23, '1 Working patch Drone (status)', true),
];

function pairsOf(plan: FaultPlan, count: number): readonly (readonly Fault[])[] {
  const all = Array.from({ length: count * 8 }, () => plan.next(false)).filter(
    (next) => next?.stage === 'pairs',
  );
  return all.slice(0, count).map((next) => next?.faults ?? []);
}

describe('the plan of an exploration', () => {
  for (const seed of [1, 2, 3]) {
    it(`has each kind of fault once in each situation before it repeats one (seed ${seed})`, () => {
      const plan = new FaultPlan(baseline, ['reset', 'conflict'], seededRandom(seed));
      const all = Array.from({ length: plan.singles }, () => plan.next(true)?.faults[0]);
      const situations = all.map(
        (fault) => `${fault?.kind} ${baseline[(fault?.nth ?? 0) - 1]?.situation}`,
      );
      expect(new Set(situations.slice(0, 5)).size).to.equal(5);
      expect(new Set(all.map((fault) => `${fault?.kind}@${fault?.nth}`)).size)
        .to.equal(43)
        .and.to.equal(plan.singles);
      expect(plan.next(true)).to.equal(undefined);
    });
  }

  it('injects the second fault of a pair at sites that only the first fault causes, the same kind first', () => {
    const plan = new FaultPlan(baseline, ['throttled', 'reset'], seededRandom(1));
    plan.recordRun({ stage: 'singles', faults: [{ kind: 'reset', nth: 21 }] }, after);
    const near = pairsOf(plan, 3).filter(
      ([first, second]) => first?.nth === 21 && (second?.nth ?? 0) > 21,
    );
    expect(near[0]).to.deep.equal([
      { kind: 'reset', nth: 21 },
      { kind: 'reset', nth: 22 },
    ]);
  });

  it('draws random pairs while it has no candidates, and sometimes later', () => {
    const plan = new FaultPlan(baseline, ['reset'], seededRandom(1));
    for (const faults of pairsOf(plan, 5)) {
      expect(faults).to.have.length(2);
    }
  });
});
