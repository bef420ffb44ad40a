import { expect } from 'chai';
import { EVERYTHING, GENTLE, HARSH, SHORT } from './fault-scenarios.ts';
import { checkAudit, checkReconciles } from './audit-checks.ts';
import { runScenario } from './run-scenario.ts';
import type { ListCounts, MemoryUse } from './replicas.ts';
import { TestWorld } from './test-world.ts';

const minutes = Number(process.env['AUTOPILOT_FAULTS_MINUTES'] ?? 0);
const resources = minutes === 0 ? 40 : 300;
const MORE_MB = 15;

describe('real faults between an operator and a real API server, and in both', function () {
  this.timeout(Math.max(900_000, (minutes + 20) * 60_000));
  let world: TestWorld;
  let begun: number;
  let levels: readonly (MemoryUse | undefined)[] = [];
  let lists: readonly ListCounts[] = [];
  before(async () => {
    begun = performance.now();
    world = await TestWorld.make({ resources, seed: 1 });
    lists = [await world.replicas.lists()];
  });
  after(() => world?.end());

  for (const scenario of SHORT) {
    // @promise lifecycle/crash-safety
    it(`ends as the baseline run does: ${scenario.name}`, async () => {
      if (scenario.endsProcesses && !world.replicas.slots.includes('b')) {
        await world.replicas.start('b');
      }
      const { injected, memory, lists: found } = await runScenario(world, scenario);
      if (found !== undefined) {
        lists = [...lists, found];
      }
      expect(injected).to.be.greaterThan(0);
      if (!scenario.endsProcesses) {
        levels = [...levels, memory];
      }
    });
  }

  if (minutes > 0) {
    it(`ends as the baseline run does for ${minutes} minutes`, async () => {
      const all = [...GENTLE, ...HARSH];
      while (performance.now() - begun < minutes * 60_000) {
        await runScenario(world, all[Math.floor(world.random() * all.length)] ?? EVERYTHING);
      }
    });
  }

  // @promise watching/cache-memory
  it('memory returns to its level', () => {
    const heaps = levels.flatMap((level) => level?.heapMb ?? []);
    expect(heaps.length).to.be.greaterThan(1);
    expect(heaps.at(-1)).to.be.lessThan((heaps[0] ?? 0) + MORE_MB);
  });

  // @promise watching/no-missed-events
  it('no list found anything that a watch should have told before, neither in the baseline run nor after any fault', () => {
    expect(lists.map(({ missed }) => missed)).to.deep.equal(lists.map(() => 0));
    expect(Math.max(...lists.map(({ again }) => again))).to.be.greaterThan(0);
  });

  // @promise election/frozen-leader
  it('no process wrote while another one held the lease, and phases changed along next only', async () => {
    const { writes, transitions, leaders, byNonLeaders, wrongTransitions } = await checkAudit(
      world.plane.auditLog,
    );
    expect(writes).to.be.greaterThan(resources * 10);
    expect(transitions).to.be.greaterThan(resources * 10);
    expect(leaders).to.be.greaterThan(2);
    expect(byNonLeaders).to.deep.equal([]);
    expect(wrongTransitions).to.deep.equal([]);
  });

  // @promise queue/one-at-a-time
  it('no resource was in two reconciles at once, over all processes', () => {
    const { reconciles, overlapping } = checkReconciles(world.replicas.processLogs());
    expect(reconciles).to.be.greaterThan(resources * 10);
    expect(overlapping).to.deep.equal([]);
  });
});
