import { expect } from 'chai';
import crd from '../../examples/canary/src/generated/crd.json' with { type: 'json' };
import { scheduler } from '../../examples/canary/src/generated/scheduler.ts';
import { canary, deployment, imageOf, service } from '../../examples/canary/test/shop.ts';
import type { Look, Scenario } from '../../sandbox/src/explore/index.ts';
import {
  create,
  explore,
  patch,
  remove,
  rest,
  scenario,
  wait,
} from '../../sandbox/src/explore/index.ts';
import { arrivals, deployments, traffic } from '../../sandbox/src/index.ts';

const subject = { scheduler, crd };
const release = (image: string): Scenario['steps'][number] =>
  patch('Deployment', 'web', { spec: { template: deployment(image).spec.template } });
// Not the 30 s that a frozen operator stands still: both would go on at the same instant.
const resource = canary({ analysisPeriod: '3m', drain: '20s' });

const shop: Pick<Scenario, 'objects' | 'simulators' | 'invariants' | 'pace'> = {
  objects: [deployment('web:1'), service],
  simulators: [
    deployments(),
    traffic({
      hosts: { web: 20 },
      succeeds: (object) => (imageOf(object) === 'web:bad' ? 50 : 100),
    }),
  ],
  invariants: {
    'no request is lost': (look: Look) =>
      look.list('CanaryDeployment').length + look.list('VirtualService').length === 0 ||
      arrivals(look, 'web').lost === 0,
    'a version that was not evaluated gets no more than its share': (look: Look) => {
      const bad = arrivals(look, 'web').at.filter(
        ({ deployment: object }) => imageOf(object) === 'web:bad',
      );
      return bad.reduce((sum, { percent }) => sum + percent, 0) <= 10;
    },
  },
};

const scenarios: readonly Scenario[] = [
  scenario({
    ...shop,
    name: 'a version is promoted',
    steps: [create(resource), rest(), release('web:2'), rest()],
  }),
  scenario({
    ...shop,
    name: 'a bad version is rolled back',
    steps: [create(resource), rest(), release('web:bad'), rest()],
  }),
  scenario({
    ...shop,
    name: 'a canary is deleted in the middle',
    steps: [
      create(resource),
      rest(),
      release('web:2'),
      wait('90s'),
      remove('CanaryDeployment', 'web'),
      rest(),
    ],
  }),
];

describe('the canary, explored', () => {
  for (const one of scenarios) {
    // @promise exploration/canary
    it(`keeps every promise under every single fault when ${one.name}`, async () => {
      const { findings, singles } = await explore(subject, one);
      expect(
        findings.map(
          ({ violation, token }) => `${violation.promise}: ${violation.detail} (${token})`,
        ),
      ).to.deep.equal([]);
      expect(singles[0]).to.equal(singles[1]).and.to.be.greaterThan(300);
    }).timeout(600_000);
  }
});
