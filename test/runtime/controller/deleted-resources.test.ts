import { expect } from 'chai';
import { claimFields } from '../../../runtime/src/index.ts';
import type { KubeObject, Operator } from '../../../runtime/src/internal.ts';
import { connectionReset, refusal } from '../../integration/fault-injector.ts';
import {
  configMap,
  drone,
  DRONES,
  input,
  defineTestOperator,
  output,
  route,
  service,
  VIRTUAL_SERVICES,
} from '../../integration/test-operators.ts';
import { OperatorHarness } from '../operator-harness.ts';

const NAMES = Array.from({ length: 30 }, (_, index) => `drone-${index}`);

describe('the state of resources', () => {
  let harness: OperatorHarness;
  beforeEach(async () => void (harness = await OperatorHarness.create()));
  afterEach(() => harness.stop());

  /**
   * Reads, writes, claims and steps: everything that the process keeps something about. The Service
   * and the Namespace follow `spec.turn`.
   */
  const busy = defineTestOperator({
    A: {
      inputs: [input.configmaps, input.virtualservices],
      outputs: [{ ...output.services, prune: true }, output.namespaces, output.virtualservices],
      sync: ({ resource: { metadata, spec }, inputs }) => {
        const { turn = 0 } = spec as { turn?: number };
        inputs['configmaps']?.list();
        inputs['configmaps']?.get(metadata.name);
        const held = inputs['virtualservices']?.require(metadata.name) as KubeObject;
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
              claimFields(held, [
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
  const failing = defineTestOperator({
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
      await harness.cluster.api.patch(
        DRONES,
        { namespace: 'default', name },
        { type: 'merge', body: { spec: { turn } } },
      );
    }
    await harness.advance(1);
  };
  const removeAll = async (): Promise<void> => {
    for (const name of NAMES) {
      await harness.cluster.api.delete(DRONES, { namespace: 'default', name });
    }
    await harness.advance(600);
    expect((await harness.cluster.api.list(DRONES)).items).to.deep.equal([]);
  };
  /** Sizes without the caches, which have the objects of the cluster. */
  const entryCounts = ({
    controller: { entryCounts: all },
  }: Operator): Readonly<Record<string, number>> => ({
    ...all,
    cached: 0,
  });

  // @promise queue/no-leftover-state
  it('is dropped with them: dependencies, resource states, claims, timers and caches', async () => {
    await harness.createObjects(...NAMES.map((name) => route(name, 'split')), configMap('other'));
    const operator = await harness.start(busy.scheduler);
    const before = operator.controller.entryCounts;
    await harness.createObjects(...NAMES.map((name) => drone(name)));
    await harness.advance(10);
    // Entries of outputs are deletions whose event is still to come.
    const { outputs: _, ...growing } = operator.controller.entryCounts;
    for (const [what, count] of Object.entries(growing)) {
      expect(count, what).to.be.at.least((before[what] ?? 0) + NAMES.length);
    }
    await removeAll();
    expect(operator.controller.entryCounts).to.deep.equal(before);
    const [web] = (await harness.cluster.api.list(VIRTUAL_SERVICES)).items;
    expect(web?.metadata.annotations ?? {}).to.deep.equal({});
  });

  // @promise queue/no-leftover-state
  it('does not grow over an hour of changing outputs', async () => {
    await harness.createObjects(...NAMES.map((name) => route(name, 'split')));
    const operator = await harness.start(busy.scheduler);
    await harness.createObjects(...NAMES.map((name) => drone(name)));
    await harness.advance(10);
    const first = operator.controller.entryCounts;
    for (let turn = 1; turn <= 5; turn++) {
      await spin(turn);
    }
    expect(operator.controller.entryCounts).to.deep.equal(first);
  });

  // @promise queue/no-leftover-state
  it('is dropped when others delete their outputs, and when their owner is deleted first', async () => {
    await harness.createObjects(...NAMES.map((name) => route(name, 'split')));
    const operator = await harness.start(busy.scheduler);
    const before = entryCounts(operator);
    await harness.createObjects(...NAMES.map((name) => drone(name)));
    await harness.advance(10);
    // The events of the pruned Service and of the deleted resource arrive in any order.
    await spin(1);
    for (const { metadata } of (await harness.cluster.api.list(output.services.type)).items) {
      await harness.cluster.api.delete(output.services.type, metadata);
    }
    await removeAll();
    expect(entryCounts(operator)).to.deep.equal(before);
  });

  // @promise queue/no-leftover-state
  it('is dropped when they are deleted while they fail, or without an event', async () => {
    const operator = await harness.start(failing.scheduler);
    const before = entryCounts(operator);
    await harness.createObjects(...NAMES.map((name) => drone(name)));
    await harness.advance(10);
    expect(entryCounts(operator)['queued']).to.equal(3);
    // Only a list shows the deletions; three resources exist again under the same name.
    let told = false;
    harness.faults.fault = ({ verb, kind }) => {
      if (verb !== 'watch' || kind !== 'Drone' || told) {
        return undefined;
      }
      told = true;
      return { when: 'before', error: refusal(410, 'Expired') };
    };
    harness.faults.endWatches(connectionReset());
    for (const name of NAMES) {
      await harness.cluster.api.delete(DRONES, { namespace: 'default', name });
    }
    await harness.createObjects(drone('drone-0'), drone('drone-1'), drone('drone-2'));
    await harness.advance(600);
    expect(told).to.equal(true);
    const { enqueuer, resourceStates } = entryCounts(operator);
    expect([enqueuer, resourceStates]).to.deep.equal([6, 3]);
    for (const name of NAMES.slice(0, 3)) {
      await harness.cluster.api.delete(DRONES, { namespace: 'default', name });
    }
    await harness.advance(600);
    expect(entryCounts(operator)).to.deep.equal(before);
  });

  // @promise reconcile/final-phase
  it('has no reads of earlier phases in a final phase: their changes start no reconcile', async () => {
    let syncs = 0;
    const read = defineTestOperator({
      A: {
        inputs: [input.configmaps],
        sync: ({ inputs }) => (inputs['configmaps']?.list(), { next: 'B' }),
      },
      B: {},
    });
    await harness.start(read.scheduler, {
      trace: (name, _, run) => (name === 'reconcile' && syncs++, run({ set() {}, fail() {} })),
    });
    await harness.createObjects(drone('one'));
    await harness.advance(1);
    expect(syncs).to.equal(2);
    await harness.createObjects(configMap('x'));
    await harness.advance(1);
    expect(syncs).to.equal(2);
  });
});
