/**
 * Leader election by a Lease, with client-go's algorithm and timings: whoever has seen the record unchanged for the lease duration,
 * by its own monotonic clock, may take it. The holder counts its lease as expired two seconds early, by either clock.
 */
import type { Clock, Random } from '../clock.ts';
import { sleep } from '../clock.ts';
import type { KubeApi } from './api.ts';
import { hasCode } from './errors.ts';
import type { KubeObject, ObjectKey, ResourceType } from './object.ts';

const LEASE: ResourceType = { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', namespaced: true };
const DURATION_S = 15;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2_000;
const EARLY_MS = 2_000;

interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  readonly leaseTransitions?: number | null;
}

export interface Election {
  /** True while this process may write. */
  valid(): boolean;
  /** Who holds the lease, as last seen. */
  holder(): string | undefined;
  /** Resolves when the lease is ours. */
  readonly won: Promise<void>;
  /** Resolves when the lease was held and lost; never otherwise. */
  readonly lost: Promise<void>;
  /** Gives the lease back. Only after the last write has settled. */
  release(): Promise<void>;
}

export interface ElectionOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly key: ObjectKey & { readonly namespace: string };
  readonly identity: string;
}

/** Campaigns until the signal is aborted. */
export function campaign(options: ElectionOptions, signal: AbortSignal): Election {
  const { api, clock, key, identity } = options;
  let record: KubeObject | undefined;
  let observed = { text: '', at: clock.monotonic() };
  let renewed: { readonly monotonic: number; readonly wall: number } | undefined;
  let win = (): void => undefined;
  let lose = (): void => undefined;
  const won = new Promise<void>((resolve) => (win = resolve));
  const lost = new Promise<void>((resolve) => (lose = resolve));

  const spec = (): LeaseSpec => (record?.spec ?? {}) as LeaseSpec;
  const valid = (): boolean => {
    const limit = DURATION_S * 1000 - EARLY_MS;
    return renewed !== undefined && clock.monotonic() - renewed.monotonic < limit && Math.abs(clock.now() - renewed.wall) < limit;
  };

  async function attempt(): Promise<boolean> {
    const before = { monotonic: clock.monotonic(), wall: clock.now() };
    const time = new Date(clock.now()).toISOString().replace('Z', '000Z');
    try {
      record = await api.get(LEASE, key, signal);
    } catch (error) {
      if (!hasCode(error, 404)) throw error;
      const first = { holderIdentity: identity, leaseDurationSeconds: DURATION_S, acquireTime: time, renewTime: time, leaseTransitions: 0 };
      record = await api.create(LEASE, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: key, spec: first }, {}, signal);
      renewed = before;
      return true;
    }
    const text = JSON.stringify(record.spec);
    if (text !== observed.text) observed = { text, at: clock.monotonic() };
    const { holderIdentity, leaseDurationSeconds, acquireTime, leaseTransitions } = spec();
    const ours = holderIdentity === identity;
    const free = !holderIdentity || clock.monotonic() - observed.at >= (leaseDurationSeconds ?? DURATION_S) * 1000;
    if (!ours && !free) return false;
    const next: LeaseSpec = {
      holderIdentity: identity,
      leaseDurationSeconds: DURATION_S,
      acquireTime: ours ? (acquireTime ?? time) : time,
      renewTime: time,
      leaseTransitions: (leaseTransitions ?? 0) + (ours ? 0 : 1),
    };
    record = await api.replace(LEASE, { ...record, spec: next }, {}, signal);
    observed = { text: JSON.stringify(record.spec), at: clock.monotonic() };
    renewed = before;
    return true;
  }

  async function run(): Promise<void> {
    let leading = false;
    let lastGood = clock.monotonic();
    for (;;) {
      const good = await attempt().catch(() => false);
      if (good) {
        lastGood = clock.monotonic();
        if (!leading) win();
        leading = true;
      } else if (leading && (clock.monotonic() - lastGood >= RENEW_DEADLINE_MS || !valid())) {
        renewed = undefined;
        return lose();
      }
      await sleep(clock, RETRY_MS * (leading ? 1 : 1 + options.random() * 0.2), signal);
    }
  }

  run().catch(() => undefined);
  return {
    valid,
    won,
    lost,
    holder: () => spec().holderIdentity ?? undefined,
    async release() {
      if (renewed === undefined || record === undefined) return;
      renewed = undefined;
      const { leaseTransitions } = spec();
      const time = new Date(clock.now()).toISOString().replace('Z', '000Z');
      await api
        .replace(LEASE, {
          ...record,
          spec: { holderIdentity: '', leaseDurationSeconds: 1, acquireTime: time, renewTime: time, leaseTransitions: leaseTransitions ?? 0 },
        })
        .catch(() => undefined);
    },
  };
}

/** The fence: refuses writes when `valid` says no. Reads pass. */
export function fenced(api: KubeApi, valid: () => boolean): KubeApi {
  const guard = (): void => {
    if (!valid()) throw new Error('the lease is not held any more: nothing was written');
  };
  return {
    list: (...call) => api.list(...call),
    watch: (...call) => api.watch(...call),
    get: (...call) => api.get(...call),
    create: async (...call) => (guard(), api.create(...call)),
    replace: async (...call) => (guard(), api.replace(...call)),
    apply: async (...call) => (guard(), api.apply(...call)),
    patch: async (...call) => (guard(), api.patch(...call)),
    delete: async (...call) => (guard(), api.delete(...call)),
  };
}
