/**
 * An operator over the in-memory cluster with a virtual clock. Unlike `startSandbox` it gives a
 * test access to the clock and to every option of the operator.
 */
import type { Operator, OperatorOptions, Scheduler } from '../../runtime/src/internal.ts';
import { startOperator } from '../../runtime/src/internal.ts';
import type { ClusterOptions, ObjectManifest } from '../../sandbox/src/index.ts';
import { Cluster, VirtualClock } from '../../sandbox/src/index.ts';
import { settle } from '../../sandbox/src/testing/settle.ts';
import { FaultInjector } from '../integration/fault-injector.ts';
import { DRONE_CRD } from '../integration/test-operators.ts';

export class OperatorHarness {
  readonly clock = new VirtualClock();
  readonly cluster: Cluster;
  readonly faults = new FaultInjector();
  #operator: Operator | undefined;

  private constructor(options: ClusterOptions) {
    this.cluster = new Cluster({ clock: this.clock, ...options });
  }

  /** Creates a cluster with the CRD of drones. */
  static async create(options: ClusterOptions = {}): Promise<OperatorHarness> {
    const harness = new OperatorHarness(options);
    await harness.createObjects(DRONE_CRD as ObjectManifest);
    return harness;
  }

  /** Starts an operator. Resolves when it is quiescent. */
  async start(scheduler: Scheduler, options: Partial<OperatorOptions> = {}): Promise<Operator> {
    this.#operator = startOperator({
      scheduler,
      api: this.faults.wrapApi(this.cluster.api),
      clock: this.clock,
      random: () => 0.5,
      log: { debug() {}, info() {}, warn() {}, error() {} },
      config: { workInterval: '1h' },
      ...options,
    });
    await this.advance(0);
    return this.#operator;
  }

  async stop(): Promise<void> {
    await this.#operator?.stop();
    this.#operator = undefined;
  }

  async advance(seconds: number): Promise<void> {
    const end = this.clock.monotonic() + seconds * 1000;
    await settle(this.cluster, this.clock, this.#operator);
    for (let next = this.clock.next; next !== undefined && next <= end; next = this.clock.next) {
      this.clock.moveTo(next);
      await settle(this.cluster, this.clock, this.#operator);
    }
    this.clock.moveTo(end);
  }

  /** Creates objects, in `default` unless they have a namespace, without waiting for reconciles. */
  async createObjects(...objects: readonly ObjectManifest[]): Promise<void> {
    for (const object of objects) {
      const type = this.cluster.typeOf(object);
      await this.cluster.api.create(type, {
        ...object,
        metadata: { ...(type.namespaced && { namespace: 'default' }), ...object.metadata },
      });
    }
  }
}
