import { expect } from 'chai';
import { shared } from '../../../runtime/src/index.ts';
import type { KubeObject, Operator } from '../../../runtime/src/ports.ts';
import { noAnswer, refusal } from '../../flights/faults.ts';
import {
  configMap,
  drone,
  DRONES,
  input,
  machine,
  output,
  route,
  service,
  VIRTUAL_SERVICES,
} from '../../flights/machines.ts';
import { Stage } from '../stage.ts';

const NAMES = Array.from({ length: 30 }, (_, index) => `drone-${index}`);

describe('what is kept of resources', () => {
  let stage: Stage;
  beforeEach(async () => void (stage = await Stage.set()));
  afterEach(() => stage.stop());

  /**
   * Reads, writes, holds and steps: everything that leaves something behind. Its Service and
   * Namespace follow `spec.turn`.
   */
  const busy = machine({
    A: {
      inputs: [input.configmaps, input.virtualservices],
      outputs: [{ ...output.services, prune: true }, output.namespaces, output.virtualservices],
      sync: ({ resource: { metadata, spec }, inputs }) => {
        const { turn = 0 } = spec as { turn?: number };
        inputs['configmaps']?.list();
        inputs['configmaps']?.get(metadata.name);
        const held = inputs['virtualservices']?.need(metadata.name) as KubeObject;
        return {
          next: 'A',
          step: true,
          requeueAfter: '1m',
          outputs: {
            services: [service(`${metadata.name}-${turn}`)],
            namespaces: [
              { apiVersion: 'v1', kind: 'Namespace', metadata: { name: `of-${metadata.name}` } },
            ],
            virtualservices: [
              shared(held, [
                {
                  path: ['spec', 'http', { name: 'split' }, 'route'],
                  value: [{ destination: { host: 'new' }, weight: 100 }],
                },
              ]),
            ],
          },
        };
      },
    },
  });
  const failing = machine({
    A: {
      sync: ({ resource }) => {
        if (resource.metadata.name.endsWith('0')) {
          throw new Error('no');
        }
        return { next: 'B' };
      },
    },
    B: {},
  });
  const spin = async (turn: number): Promise<void> => {
    for (const name of NAMES) {
      await stage.cluster.api.patch(
        DRONES,
        { namespace: 'default', name },
        { type: 'merge', body: { spec: { turn } } },
      );
    }
    await stage.pass(1);
  };
  const removeAll = async (): Promise<void> => {
    for (const name of NAMES) {
      await stage.cluster.api.delete(DRONES, { namespace: 'default', name });
    }
    await stage.pass(600);
    expect((await stage.cluster.api.list(DRONES)).items).to.deep.equal([]);
  };
  /** Without caches: their level is that of the cluster. */
  const kept = ({ machine: { kept: all } }: Operator): Readonly<Record<string, number>> => ({
    ...all,
    cached: 0,
  });

  // @promise queue/no-leftover-state
  it('goes with them: dependencies, memory, steps, holds, timers, answers, and their objects in the caches', async () => {
    await stage.create(...NAMES.map((name) => route(name, 'split')), configMap('other'));
    const operator = await stage.start(busy.scheduler);
    const before = operator.machine.kept;
    await stage.create(...NAMES.map((name) => drone(name)));
    await stage.pass(10);
    for (const [what, count] of Object.entries(operator.machine.kept)) {
      expect(count, what).to.be.at.least((before[what] ?? 0) + NAMES.length);
    }
    await removeAll();
    expect(operator.machine.kept).to.deep.equal(before);
    const [web] = (await stage.cluster.api.list(VIRTUAL_SERVICES)).items;
    expect(web?.metadata.annotations ?? {}).to.deep.equal({});
  });

  // @promise queue/no-leftover-state
  it('is no more after an hour of ever other outputs than after the first', async () => {
    await stage.create(...NAMES.map((name) => route(name, 'split')));
    const operator = await stage.start(busy.scheduler);
    await stage.create(...NAMES.map((name) => drone(name)));
    await stage.pass(10);
    const first = operator.machine.kept;
    for (let turn = 1; turn <= 5; turn++) {
      await spin(turn);
    }
    expect(operator.machine.kept).to.deep.equal(first);
  });

  // @promise queue/no-leftover-state
  it('goes when others take their outputs away, and when their owner went first', async () => {
    await stage.create(...NAMES.map((name) => route(name, 'split')));
    const operator = await stage.start(busy.scheduler);
    const before = kept(operator);
    await stage.create(...NAMES.map((name) => drone(name)));
    await stage.pass(10);
    // The prune of the old Service and the end of the resource are told in any order.
    await spin(1);
    for (const { metadata } of (await stage.cluster.api.list(output.services.type)).items) {
      await stage.cluster.api.delete(output.services.type, metadata);
    }
    await removeAll();
    expect(kept(operator)).to.deep.equal(before);
  });

  // @promise queue/no-leftover-state
  it('goes when they end while they fail, or while nobody was told of it', async () => {
    const operator = await stage.start(failing.scheduler);
    const before = kept(operator);
    await stage.create(...NAMES.map((name) => drone(name)));
    await stage.pass(10);
    expect(kept(operator)['queued']).to.equal(3);
    // Only a list shows that they have gone; three have come again under their name.
    let told = false;
    stage.faults.fault = ({ verb, kind }) => {
      if (verb !== 'watch' || kind !== 'Drone' || told) {
        return undefined;
      }
      told = true;
      return { when: 'before', error: refusal(410, 'Expired') };
    };
    stage.faults.endWatches(noAnswer());
    for (const name of NAMES) {
      await stage.cluster.api.delete(DRONES, { namespace: 'default', name });
    }
    await stage.create(drone('drone-0'), drone('drone-1'), drone('drone-2'));
    await stage.pass(600);
    expect(told).to.equal(true);
    const { waking, memories } = kept(operator);
    expect([waking, memories]).to.deep.equal([6, 3]);
    for (const name of NAMES.slice(0, 3)) {
      await stage.cluster.api.delete(DRONES, { namespace: 'default', name });
    }
    await stage.pass(600);
    expect(kept(operator)).to.deep.equal(before);
  });

  // @promise reconcile/final-phase
  it('is nothing of what the worker before a final phase has read: a change of it begins no sync', async () => {
    let syncs = 0;
    const read = machine({
      A: {
        inputs: [input.configmaps],
        sync: ({ inputs }) => (inputs['configmaps']?.list(), { next: 'B' }),
      },
      B: {},
    });
    await stage.start(read.scheduler, {
      trace: (name, _, run) => (name === 'sync' && syncs++, run({ set() {}, fail() {} })),
    });
    await stage.create(drone('one'));
    await stage.pass(1);
    expect(syncs).to.equal(2);
    await stage.create(configMap('x'));
    await stage.pass(1);
    expect(syncs).to.equal(2);
  });
});
