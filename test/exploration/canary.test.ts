import { expect } from 'chai';
import crd from '../../examples/canary/src/generated/crd.json' with { type: 'json' };
import { scheduler } from '../../examples/canary/src/generated/scheduler.ts';
import { canary, deployment, imageOf, service } from '../../examples/canary/test/shop.ts';
import type { ClusterSnapshot, FaultKind, Scenario } from '../../sandbox/src/exploration/index.ts';
import {
  create,
  explore,
  patch,
  remove,
  quiesce,
  scenario,
  wait,
} from '../../sandbox/src/exploration/index.ts';
import { observedTraffic, deployments, traffic } from '../../sandbox/src/index.ts';

const subject = { scheduler, crd };
const release = (image: string): Scenario['steps'][number] =>
  patch('Deployment', 'web', { spec: { template: deployment(image).spec.template } });
// Not 30 s: a frozen operator is suspended for 30 s, and both would resume at the same instant.
const resource = canary({ analysisPeriod: '3m', drain: '20s' });

/** Faults after which another version may be the right one, or the same one for another reason. */
const disturbances: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'claim-recreated',
  'kind-broken',
  'output-deleted',
  'rollout-failed',
]);

const shop: Omit<Scenario, 'name' | 'steps'> = {
  // The only copy of the old version, and Services that only Initializing looks after.
  ignoredFaults: [
    'output-contested',
    'output-deleted Service',
    'output-edited Service',
    'output-edited Deployment',
  ],
  accepts: (snapshot, faults) =>
    faults.some((fault) => disturbances.has(fault)) &&
    snapshot
      .list<{ readonly status?: { readonly phase?: string } }>('CanaryDeployment')
      .every(({ status }) => status?.phase === 'Waiting') &&
    observedTraffic(snapshot, 'web').lostPercent === 0,
  objects: [deployment('web:1'), service],
  simulators: [
    deployments(),
    traffic({
      hosts: { web: 20 },
      successRate: (object) => (imageOf(object) === 'web:bad' ? 50 : 100),
    }),
  ],
  invariants: {
    'no request is lost': (snapshot: ClusterSnapshot) =>
      snapshot.list('CanaryDeployment').length + snapshot.list('VirtualService').length === 0 ||
      observedTraffic(snapshot, 'web').lostPercent === 0,
    'a version that was not evaluated gets at most its share': (snapshot: ClusterSnapshot) => {
      const bad = observedTraffic(snapshot, 'web').destinations.filter(
        ({ deployment: object }) => imageOf(object) === 'web:bad',
      );
      const isInCharge = snapshot
        .list('CanaryDeployment')
        .some(({ metadata }) => metadata.deletionTimestamp === undefined);
      return !isInCharge || bad.reduce((sum, { percent }) => sum + percent, 0) <= 10;
    },
  },
};

const scenarios: readonly Scenario[] = [
  scenario({
    ...shop,
    name: 'a version is promoted',
    steps: [create(resource), quiesce(), release('web:2'), quiesce()],
  }),
  scenario({
    ...shop,
    name: 'a bad version is rolled back',
    steps: [create(resource), quiesce(), release('web:bad'), quiesce()],
  }),
  scenario({
    ...shop,
    name: 'a canary is deleted in the middle',
    steps: [
      create(resource),
      quiesce(),
      release('web:2'),
      wait('90s'),
      remove('CanaryDeployment', 'web'),
      quiesce(),
    ],
  }),
];

describe('exploration of the canary', () => {
  for (const one of scenarios) {
    // @promise exploration/canary
    it(`finds that all invariants hold under every single fault when ${one.name}`, async () => {
      const { findings, singles } = await explore(subject, one);
      expect(
        findings.map(
          ({ violation, token }) => `${violation.invariant}: ${violation.detail} (${token})`,
        ),
      ).to.deep.equal([]);
      expect(singles[0]).to.equal(singles[1]).and.to.be.greaterThan(300);
    }).timeout(600_000);
  }
});
