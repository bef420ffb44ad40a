import { expect } from 'chai';
import crd from '../../examples/autoroute/src/generated/crd.json' with { type: 'json' };
import { scheduler } from '../../examples/autoroute/src/generated/scheduler.ts';
import { deployment } from '../../examples/autoroute/test/deployments.ts';
import { life } from '../../examples/autoroute/test/scenarios/life.ts';
import { parseDuration } from '../../runtime/src/internal.ts';
import type { Scenario } from '../../sandbox/src/exploration/index.ts';
import {
  create,
  explore,
  parseToken,
  remove,
  replay,
  quiesce,
  scenario,
  formatToken,
} from '../../sandbox/src/exploration/index.ts';

import { correctScenarios } from './seeded/bugs.ts';

const subject = { scheduler, crd };
const autoRoute = {
  apiVersion: 'examples.io/v1',
  kind: 'AutoRoute',
  metadata: { name: 'example' },
  spec: { deploymentSelector: { matchLabels: { 'app-group': 'httpbin' } } },
};
const routes: Scenario = scenario({
  name: 'routes come and go',
  objects: [deployment('one'), deployment('two')],
  steps: [
    create(autoRoute),
    quiesce(),
    create(deployment('three')),
    remove('Deployment', 'one'),
    quiesce(),
    remove('AutoRoute', 'example'),
  ],
});

describe('explore', () => {
  // @promise exploration/coverage
  it('finds that all invariants hold for AutoRoute under every single fault at every site', async () => {
    const { findings, runs, singles } = await explore(subject, routes);
    expect(
      findings.map(
        ({ violation, token }) => `${violation.invariant}: ${violation.detail} (${token})`,
      ),
    ).to.deep.equal([]);
    expect(singles[0]).to.equal(singles[1]);
    expect(runs).to.be.greaterThan(300);
  });

  // @promise exploration/repeatable
  it('repeats a run exactly for the same scenario, seed and faults', async () => {
    const faults = parseToken('routes~7~event-late@9,crash-after@17,frozen@3,clock-back@4').faults;
    const [first, second] = [
      await replay(subject, routes, faults, 7),
      await replay(subject, routes, faults, 7),
    ];
    expect(first.trace.filter(({ fault }) => fault !== undefined)).to.have.length(4);
    expect(second).to.deep.equal(first);
  });

  it('makes another run for another seed', async () => {
    const faults = [{ kind: 'server-error', nth: 14 }] as const;
    const [first, second] = [
      await replay(subject, routes, faults, 1),
      await replay(subject, routes, faults, 2),
    ];
    expect(second.trace).not.to.deep.equal(first.trace);
  });

  // @promise exploration/coverage
  it('gives single faults, pairs and other orders of events their shares of the budget, and counts their runs', async () => {
    const { runs, singles, pairs, schedules, findings } = await explore(subject, routes, {
      hasBudget: (count) => count < 60,
    });
    expect(findings).to.deep.equal([]);
    expect([runs, singles[0], pairs, schedules]).to.deep.equal([60, 29, 14, 14]);
    expect(singles[1]).to.be.greaterThan(300);
  });

  it('runs only pairs and other orders of events when no single fault is left', async () => {
    const { singles, pairs, schedules } = await explore(subject, routes, {
      faultKinds: ['restart'],
      hasBudget: (count) => count < 60,
    });
    expect(singles[0]).to.equal(singles[1]).and.to.be.lessThan(20);
    expect(singles[0] + pairs + schedules).to.equal(57);
  });

  // AUTOPILOT_EXPLORE_BUDGET=10m: explores each of these for 10 min, with another seed each day.
  const budget = process.env['AUTOPILOT_EXPLORE_BUDGET'];
  if (budget !== undefined) {
    for (const [name, one, scenarioUnderTest] of [
      ['AutoRoute', subject, routes],
      ['AutoRoute, in the scenario of its project', subject, life],
      ...correctScenarios.map(
        (each) =>
          [`the correct operator, ${each.scenario.name}`, each.subject, each.scenario] as const,
      ),
    ] as const) {
      it(`finds nothing within ${budget}: ${name}`, async () => {
        const until = performance.now() + parseDuration(budget);
        const seed = Math.floor(Date.now() / 86_400_000);
        const { findings } = await explore(one, scenarioUnderTest, {
          seed,
          maxFindings: 9,
          hasBudget: () => performance.now() < until,
        });
        expect(
          findings.map(
            ({ violation, token }) => `${violation.invariant}: ${violation.detail} (${token})`,
          ),
        ).to.deep.equal([]);
      }).timeout(parseDuration(budget) + 120_000);
    }
  }

  // @promise exploration/repeatable
  it('formats a run as a token and parses the token', () => {
    const token = {
      scenario: routes.name,
      seed: 3,
      faults: [{ kind: 'crash-after', nth: 12 } as const, { kind: 'slow', nth: 30 } as const],
    };
    expect(formatToken(token)).to.equal('routes-come-and-go~3~crash-after@12,slow@30');
    expect(parseToken(formatToken(token))).to.deep.equal({
      ...token,
      scenario: 'routes-come-and-go',
    });
    expect(() => parseToken('routes~1~crash@x')).to.throw('one looks like crash@12');
    expect(() => parseToken('routes~1~fire@1')).to.throw("there is no fault 'fire'");
    expect(() => parseToken('routes')).to.throw('is not a replay token');
  });

  it('reports a scenario that cannot be run without faults', async () => {
    const wrong = scenario({ name: 'wrong', steps: [remove('AutoRoute', 'missing')] });
    const error = await explore(subject, wrong).catch((caught: Error) => caught);
    expect(error)
      .to.be.instanceOf(Error)
      .with.property('message')
      .that.contains("the scenario 'wrong' cannot be run: remove is refused");
  });
});
