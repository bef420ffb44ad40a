/**
 * An operator over a cluster in memory, in virtual time: nearer to it than a flight, for what a
 * flight does not let through.
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

  /** A cluster that knows drones. */
  static async create(options: ClusterOptions = {}): Promise<OperatorHarness> {
    const harness = new OperatorHarness(options);
    await harness.createObjects(DRONE_CRD as ObjectManifest);
    return harness;
  }

  /** Resolves when it has come to rest. */
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

  /** Into `default`, and without waiting for what comes of it. */
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
