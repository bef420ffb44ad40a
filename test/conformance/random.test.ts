import { expect } from 'chai';
import fc from 'fast-check';
import { systemClock } from '../../runtime/src/util/clock.ts';
import type { KubeConnection, KubeApi } from '../../runtime/src/internal.ts';
import { connect } from '../../runtime/src/internal.ts';
import { Cluster } from '../../sandbox/src/index.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane } from '../realparts/index.ts';
import type { Operation } from './random.ts';
import { operation, perform } from './random.ts';
import { TestCluster } from './test-cluster.ts';

/** Seed of the sequences. AUTOPILOT_SEED=n gives other sequences. */
const SEED = Number(process.env['AUTOPILOT_SEED'] ?? 1);
const RUNS = Number(process.env['AUTOPILOT_RUNS'] ?? 150);

describe('random sequences of operations', () => {
  let plane: ControlPlane;
  let real: KubeConnection;
  let count = 0;
  before(async () => {
    plane = await controlPlane();
    real = await connect({ kubeconfig: plane.kubeconfig });
    await TestCluster.prepare(real.api);
  });
  after(async () => {
    await real?.close();
    await plane?.stop();
  });

  async function answers(
    api: KubeApi,
    operations: readonly Operation[],
  ): Promise<readonly unknown[]> {
    const { namespace } = await TestCluster.of(api, `random-${++count}`);
    const all: unknown[] = [];
    for (const one of operations) {
      all.push(await perform(api, namespace, one));
    }
    return all;
  }

  // @promise sandbox/conformance
  it('are answered by the sandbox as by the real API server, with the same objects, managers and failures', async () => {
    const property = fc.asyncProperty(
      fc.array(operation, { minLength: 3, maxLength: 12 }),
      async (operations) => {
        const sandbox = new Cluster({ clock: systemClock, controllers: false }).api;
        await TestCluster.prepare(sandbox);
        expect(await answers(sandbox, operations)).to.deep.equal(
          await answers(real.api, operations),
        );
      },
    );
    await fc.assert(property, {
      seed: SEED,
      numRuns: RUNS,
      interruptAfterTimeLimit: 90_000,
      markInterruptAsFailure: false,
    });
  });
});
