/**
 * A control plane, parcels, and two replicas of the parcel operator behind the proxy, with the RBAC
 * rules of its chart. Each turn changes the colour of all parcels. Colours alternate, so that each
 * turn must end in the state of the baseline run of its colour.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeConnection, KubeApi } from '../../runtime/src/internal.ts';
import { connect } from '../../runtime/src/internal.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, until } from '../realparts/index.ts';
import { createParcelOperator, OPERATOR, parcel, PARCELS } from './parcel-operator.ts';
import { AUDIT_RULES } from './audit-checks.ts';
import type { FaultyProxy } from './faulty-proxy.ts';
import { startFaultyProxy } from './faulty-proxy.ts';
import { Replicas } from './replicas.ts';
import type { Snapshot } from './snapshot.ts';
import { isQuiescent, CONFIG_MAPS, differences, snapshot } from './snapshot.ts';
import { seeded } from './request-faults.ts';

export const OPERATORS = 'operators';
export const PARCEL_NAMESPACE = 'parcels';
/** Timeout in milliseconds, for 1,000 resources on a busy computer. */
const QUIESCENCE_MS = 600_000;
const AT_ONCE = 8;
const COLOURS = ['red', 'blue'] as const;

interface WorldOptions {
  /** Number of parcels. */
  readonly resources: number;
  /** Seed of the faults. */
  readonly seed: number;
}

/** The control plane, the operators and the parcels of the fault tests. */
export class TestWorld {
  readonly plane: ControlPlane;
  readonly api: KubeApi;
  readonly way: FaultyProxy;
  readonly replicas: Replicas;
  readonly random: () => number;
  readonly names: readonly string[];
  readonly #connected: KubeConnection;
  readonly #folder: string;
  readonly #baseline = new Map<string, Snapshot>();
  #turns = 0;
  #tokens = 0;

  private constructor(
    plane: ControlPlane,
    connected: KubeConnection,
    folder: string,
    { resources: count, seed }: WorldOptions,
  ) {
    this.plane = plane;
    this.#connected = connected;
    this.api = connected.api;
    this.#folder = folder;
    this.random = seeded(seed);
    this.way = startFaultyProxy(plane.server, this.random);
    this.names = Array.from({ length: count }, (_, index) => `p${String(index).padStart(4, '0')}`);
    this.replicas = new Replicas({
      project: join(folder, 'courier'),
      namespace: OPERATORS,
      way: this.way,
      tokenFile: join(folder, 'token'),
    });
  }

  /** Starts replica `a` and records the states of the baseline run. */
  static async make(options: WorldOptions): Promise<TestWorld> {
    const folder = mkdtempSync(join(tmpdir(), 'autopilot-faults-'));
    await createParcelOperator(join(folder, 'courier'));
    const plane = await controlPlane({ controllerManager: true, audit: AUDIT_RULES });
    const connected = await connect({ kubeconfig: plane.kubeconfig });
    const world = new TestWorld(plane, connected, folder, options);
    try {
      for (const namespace of [OPERATORS, PARCEL_NAMESPACE]) {
        await plane.kubectl(['create', 'namespace', namespace]);
      }
      await plane.helm([
        'install',
        OPERATOR,
        join(folder, 'courier/charts', OPERATOR),
        '-n',
        OPERATORS,
      ]);
      await world.newToken();
      await world.replicas.start('a');
      for (const _ of COLOURS) {
        await world.turn();
        await world.rest();
        world.#baseline.set(world.colour, await snapshot(world.api, PARCEL_NAMESPACE));
      }
    } catch (error) {
      await world.end();
      throw error;
    }
    return world;
  }

  get colour(): string {
    return COLOURS[this.#turns % 2] ?? COLOURS[0];
  }

  /** Changes the colour of every parcel. Missing parcels are created. */
  async turn(): Promise<void> {
    this.#turns++;
    await this.each(this.names, (name) => this.paint(name));
  }

  /** Sets the colour of a parcel, with retries until the API server accepts the write. */
  async paint(name: string): Promise<void> {
    await until(`parcel ${name} is ${this.colour}`, 120_000, async () => {
      try {
        await this.api.patch(
          PARCELS,
          { namespace: PARCEL_NAMESPACE, name },
          { type: 'merge', body: { spec: { colour: this.colour } } },
        );
      } catch (error) {
        if ((error as { status?: { code?: number } }).status?.code !== 404) {
          throw error;
        }
        await this.api.create(PARCELS, parcel(PARCEL_NAMESPACE, name, this.colour));
      }
    });
  }

  /** Acts of users: some boxes are deleted, some parcels are deleted and created again. */
  async changeObjects(): Promise<void> {
    const some = this.names.filter(() => this.random() < 0.05);
    await this.each(some, async (name) => {
      const [type, found] = this.random() < 0.5 ? [CONFIG_MAPS, `${name}-box`] : [PARCELS, name];
      await this.api
        .delete(type, { namespace: PARCEL_NAMESPACE, name: found })
        .catch(() => undefined);
      if (type === PARCELS) {
        await this.remade(name);
      }
    });
  }

  async remade(name: string): Promise<void> {
    await until(`parcel ${name} is made again`, 240_000, () =>
      this.api.create(PARCELS, parcel(PARCEL_NAMESPACE, name, this.colour)),
    );
  }

  async each(names: readonly string[], act: (name: string) => Promise<unknown>): Promise<void> {
    const left = [...names];
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let name = left.pop(); name !== undefined; name = left.pop()) {
          await act(name);
        }
      }),
    );
  }

  /**
   * Resolves when all parcels are in the state of the baseline run.
   * @throws Error with the differences that remain
   */
  async rest(): Promise<void> {
    await until('all parcels are quiescent', QUIESCENCE_MS, async () => {
      const { items } = await this.api.list(PARCELS, { namespace: PARCEL_NAMESPACE });
      const moving = items.filter((item) => !isQuiescent(item));
      if (items.length !== this.names.length || moving.length > 0) {
        throw new Error(
          `${items.length} parcels of ${this.names.length}; moving: ${moving.length}, such as ${JSON.stringify(moving[0])}`,
        );
      }
      const baseline = this.#baseline.get(this.colour);
      const lost =
        baseline === undefined
          ? []
          : differences(baseline, await snapshot(this.api, PARCEL_NAMESPACE));
      if (lost.length > 0) {
        throw new Error(`unlike the baseline run:\n${lost.slice(0, 10).join('\n')}`);
      }
    });
  }

  /** The slot of the replica that holds the lease, and runs. */
  leader(): Promise<string> {
    return until('one of the replicas leads', 120_000, async () => {
      const holder = await this.plane.kubectl([
        'get',
        'leases',
        '-n',
        OPERATORS,
        '-o',
        'jsonpath={.items[*].spec.holderIdentity}',
      ]);
      const slot = this.replicas.slots.find(
        (one) =>
          holder.startsWith(`${this.replicas.get(one).name}_`) &&
          this.replicas.get(one).stopped === undefined,
      );
      if (slot === undefined) {
        throw new Error(`the holder is '${holder}'`);
      }
      return slot;
    });
  }

  /** The operators' token is worth nothing any more: it was bound to a Secret. */
  async revokeToken(): Promise<void> {
    await this.plane.kubectl([
      'delete',
      'secret',
      `token-${this.#tokens}`,
      '-n',
      OPERATORS,
      '--ignore-not-found',
    ]);
  }

  /** Another token for the operators; the one before is revoked. */
  async newToken(): Promise<void> {
    await this.revokeToken();
    const name = `token-${++this.#tokens}`;
    await this.plane.kubectl(['create', 'secret', 'generic', name, '-n', OPERATORS]);
    const bound = ['--bound-object-kind', 'Secret', '--bound-object-name', name];
    const token = await this.plane.kubectl([
      'create',
      'token',
      OPERATOR,
      '-n',
      OPERATORS,
      ...bound,
    ]);
    writeFileSync(join(this.#folder, 'token'), token);
  }

  async end(): Promise<void> {
    await this.replicas.end();
    await this.way.close();
    await this.#connected.close();
    await this.plane.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
