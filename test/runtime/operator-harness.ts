/**
 * An operator over a cluster in memory, in virtual time: nearer to it than a flight, for what a
 * flight does not let through.
 */
import type { Operator, OperatorOptions, Scheduler } from '../../runtime/src/ports.ts';
import { startOperator } from '../../runtime/src/ports.ts';
import type { ClusterOptions, ObjectManifest } from '../../sandbox/src/index.ts';
import { Cluster, VirtualClock } from '../../sandbox/src/index.ts';
import { settle } from '../../sandbox/src/testing/settle.ts';
import { Faults } from '../flights/faults.ts';
import { DRONE_CRD } from '../flights/machines.ts';

export class Stage {
  readonly clock = new VirtualClock();
  readonly cluster: Cluster;
  readonly faults = new Faults();
  #operator: Operator | undefined;

  private constructor(options: ClusterOptions) {
    this.cluster = new Cluster({ clock: this.clock, ...options });
  }

  /** A cluster that knows drones. */
  static async set(options: ClusterOptions = {}): Promise<Stage> {
    const stage = new Stage(options);
    await stage.create(DRONE_CRD as ObjectManifest);
    return stage;
  }

  /** Resolves when it has come to rest. */
  async start(scheduler: Scheduler, options: Partial<OperatorOptions> = {}): Promise<Operator> {
    this.#operator = startOperator({
      scheduler,
      api: this.faults.through(this.cluster.api),
      clock: this.clock,
      random: () => 0.5,
      log: { debug() {}, info() {}, warn() {}, error() {} },
      config: { workIntervalMs: 3_600_000 },
      ...options,
    });
    await this.pass(0);
    return this.#operator;
  }

  async stop(): Promise<void> {
    await this.#operator?.stop();
    this.#operator = undefined;
  }

  async pass(seconds: number): Promise<void> {
    const end = this.clock.monotonic() + seconds * 1000;
    await settle(this.cluster, this.clock, this.#operator);
    for (let next = this.clock.next; next !== undefined && next <= end; next = this.clock.next) {
      this.clock.moveTo(next);
      await settle(this.cluster, this.clock, this.#operator);
    }
    this.clock.moveTo(end);
  }

  /** Into `default`, and without waiting for what comes of it. */
  async create(...objects: readonly ObjectManifest[]): Promise<void> {
    for (const object of objects) {
      const type = this.cluster.typeOf(object);
      await this.cluster.api.create(type, {
        ...object,
        metadata: { ...(type.namespaced && { namespace: 'default' }), ...object.metadata },
      });
    }
  }
}
