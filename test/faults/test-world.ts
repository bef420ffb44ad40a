/**
 * A control plane, two replicas of the courier operator behind the proxy, with the rights of its
 * chart, and parcels whose colour is changed
 * turn by turn. Colours alternate, so that after each turn everything must be as a quiet run left
 * it for that colour.
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
import { atRest, CONFIG_MAPS, differences, snapshot } from './snapshot.ts';
import { seeded } from './request-faults.ts';

export const OPERATORS = 'operators';
export const PARCEL_NAMESPACE = 'flights';
/** For 1,000 resources on a machine that others use too. */
const QUIESCENCE_MS = 600_000;
const AT_ONCE = 8;
const COLOURS = ['red', 'blue'] as const;

export class TestWorld {
  readonly plane: ControlPlane;
  readonly api: KubeApi;
  readonly way: FaultyProxy;
  readonly replicas: Replicas;
  readonly random: () => number;
  readonly names: readonly string[];
  readonly #connected: KubeConnection;
  readonly #folder: string;
  readonly #quiet = new Map<string, Snapshot>();
  #turns = 0;
  #tokens = 0;

  private constructor(
    plane: ControlPlane,
    connected: KubeConnection,
    folder: string,
    count: number,
    seed: number,
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

  /** With one replica, `a`, and the states of a quiet run in mind. */
  static async make({
    resources,
    seed,
  }: {
    readonly resources: number;
    readonly seed: number;
  }): Promise<TestWorld> {
    const folder = mkdtempSync(join(tmpdir(), 'autopilot-faults-'));
    await createParcelOperator(join(folder, 'courier'));
    const plane = await controlPlane({ controllerManager: true, audit: AUDIT_RULES });
    const connected = await connect({ kubeconfig: plane.kubeconfig });
    const world = new TestWorld(plane, connected, folder, resources, seed);
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
        world.#quiet.set(world.colour, await snapshot(world.api, PARCEL_NAMESPACE));
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

  /** The other colour for every parcel; those that are missing are made. */
  async turn(): Promise<void> {
    this.#turns++;
    await this.each(this.names, (name) => this.paint(name));
  }

  /** Says what the colour is to be, until the API server has heard it. */
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

  /** As people do: some boxes are deleted by hand, some parcels deleted and made again. */
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
   * Resolves when all parcels are as a quiet run left them. @throws with the differences that stay
   */
  async rest(): Promise<void> {
    await until('all parcels are at rest', QUIESCENCE_MS, async () => {
      const { items } = await this.api.list(PARCELS, { namespace: PARCEL_NAMESPACE });
      const moving = items.filter((item) => !atRest(item));
      if (items.length !== this.names.length || moving.length > 0) {
        throw new Error(
          `${items.length} parcels of ${this.names.length}; moving: ${moving.length}, such as ${JSON.stringify(moving[0])}`,
        );
      }
      const quiet = this.#quiet.get(this.colour);
      const lost =
        quiet === undefined ? [] : differences(quiet, await snapshot(this.api, PARCEL_NAMESPACE));
      if (lost.length > 0) {
        throw new Error(`not as in the quiet run:\n${lost.slice(0, 10).join('\n')}`);
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
