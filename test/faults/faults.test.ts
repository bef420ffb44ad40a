import { expect } from 'chai';
import { EVERYTHING, GENTLE, HARSH, SHORT } from './episodes.ts';
import { judgeAudit, judgeSyncs } from './evidence.ts';
import { runEpisode } from './runner.ts';
import type { Lists, Memory } from './replicas.ts';
import { World } from './world.ts';

const minutes = Number(process.env['AUTOPILOT_FAULTS_MINUTES'] ?? 0);
const resources = minutes === 0 ? 40 : 300;
const MORE_MB = 15;

describe('real faults between an operator and a real API server, and in both', function () {
  this.timeout(Math.max(900_000, (minutes + 20) * 60_000));
  let world: World;
  let begun: number;
  let levels: readonly (Memory | undefined)[] = [];
  let lists: readonly Lists[] = [];
  before(async () => {
    begun = performance.now();
    world = await World.make({ resources, seed: 1 });
    lists = [await world.replicas.lists()];
  });
  after(() => world?.end());

  for (const episode of SHORT) {
    // @promise lifecycle/crash-safety
    it(`ends as the quiet run does: ${episode.name}`, async () => {
      if (episode.ends && !world.replicas.slots.includes('b')) {
        await world.replicas.start('b');
      }
      const { injected, memory, lists: found } = await runEpisode(world, episode);
      if (found !== undefined) {
        lists = [...lists, found];
      }
      expect(injected).to.be.greaterThan(0);
      if (!episode.ends) {
        levels = [...levels, memory];
      }
    });
  }

  if (minutes > 0) {
    it(`ends as the quiet run does for ${minutes} minutes`, async () => {
      const all = [...GENTLE, ...HARSH];
      while (performance.now() - begun < minutes * 60_000) {
        await runEpisode(world, all[Math.floor(world.random() * all.length)] ?? EVERYTHING);
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
  it('no list found anything that a watch should have told before, neither in the quiet run nor after any fault', () => {
    expect(lists.map(({ missed }) => missed)).to.deep.equal(lists.map(() => 0));
    expect(Math.max(...lists.map(({ again }) => again))).to.be.greaterThan(0);
  });

  // @promise election/frozen-leader
  it('no process wrote while another one held the lease, and phases changed along next only', async () => {
    const { writes, transitions, leaders, byNonLeaders, wrongTransitions } = await judgeAudit(
      world.plane.auditLog,
    );
    expect(writes).to.be.greaterThan(resources * 10);
    expect(transitions).to.be.greaterThan(resources * 10);
    expect(leaders).to.be.greaterThan(2);
    expect(byNonLeaders).to.deep.equal([]);
    expect(wrongTransitions).to.deep.equal([]);
  });

  // @promise queue/one-at-a-time
  it('no resource was in two syncs at once, over all processes', () => {
    const { syncs, overlapping } = judgeSyncs(world.replicas.lives());
    expect(syncs).to.be.greaterThan(resources * 10);
    expect(overlapping).to.deep.equal([]);
  });
});
