/**
 * State machine of a leader elector: which process leads, as a Lease records it. Pure functions,
 * with client-go's algorithm and timings (tools/leaderelection).
 *
 * Guarantees:
 * - A standby acquires the lease only after it has seen the Lease unchanged for the lease duration,
 *   measured by its own monotonic clock. The times in the Lease are not compared.
 * - The leader counts its lease as expired two seconds early, by the monotonic clock and by the
 *   wall clock. The wall clock counts because the monotonic clock stops while a computer sleeps.
 *
 * Assumptions: two monotonic clocks differ by less than the safety margin over one lease duration.
 */
import { formatMicroTime } from '../client/object.ts';
import type { KubeObject, ResourceType } from '../client/object.ts';

/** The kind Lease. */
export const LEASE: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

/** Time after which an unchanged lease is free, in seconds (client-go's default). */
export const LEASE_DURATION_S = 15;
/** Time without a successful renewal after which the leader stops (client-go's default). */
export const RENEW_DEADLINE_MS = 10_000;
/** Pause between two attempts to acquire or renew (client-go's default). */
export const RETRY_PERIOD_MS = 2_000;
/**
 * Time by which the leader stops writing before its lease expires, in milliseconds. The margin
 * covers drift between clocks, and the time from the last check of a write to its socket.
 */
export const SAFETY_MARGIN_MS = 2_000;

/** The spec of a Lease. Absent and null mean the same. */
export interface LeaseSpec {
  /** Identity of the holder. Empty: the lease was released. */
  readonly holderIdentity?: string | null;
  /** Lease duration in seconds. */
  readonly leaseDurationSeconds?: number | null;
  /** Time at which the holder acquired the lease. */
  readonly acquireTime?: string | null;
  /** Time of the last renewal. */
  readonly renewTime?: string | null;
  /** Number of changes of the holder. */
  readonly leaseTransitions?: number | null;
}

/** One moment on both clocks. */
export interface ClockReading {
  /** Monotonic time in milliseconds. */
  readonly monotonic: number;
  /** Wall clock time in milliseconds since 1970. */
  readonly wall: number;
}

/** What this process is, with the data that each state has. */
export type LeaseState =
  /** Another process may lead. */
  | {
      readonly type: 'standby';
      /** The spec as last seen; undefined when there is no Lease. */
      readonly spec: LeaseSpec | undefined;
      /** Monotonic time at which this spec was first seen. */
      readonly unchangedSince: number;
    }
  /** This process leads. */
  | {
      readonly type: 'leading';
      readonly spec: LeaseSpec;
      /** When the last successful renewal was sent. */
      readonly renewedAt: ClockReading;
    }
  /** This process led, and does not any more. Final. */
  | { readonly type: 'lost'; readonly spec: LeaseSpec }
  /** This process gave up the lease or its place in the election. Final. */
  | { readonly type: 'released' };

/** What has happened. */
export type LeaseStateInput =
  /** The Lease was read, or a watch reported it. Undefined: there is no Lease. */
  | { readonly type: 'seen'; readonly spec: LeaseSpec | undefined }
  /** The API server accepted a write of the Lease by this process. */
  | {
      readonly type: 'written';
      readonly spec: LeaseSpec;
      /** When the write was sent. */
      readonly requestedAt: ClockReading;
    }
  /** Time has passed. */
  | { readonly type: 'tick' }
  /** This process gives up the lease. */
  | { readonly type: 'released' };

/**
 * The state after an input.
 *
 * @param identity identity of this process.
 * @param now the present moment on both clocks.
 */
export function nextLeaseState(
  state: LeaseState,
  input: LeaseStateInput,
  identity: string,
  now: ClockReading,
): LeaseState {
  if (input.type === 'released') {
    return { type: 'released' };
  }
  switch (state.type) {
    case 'standby':
      return afterStandby(state, input, identity, now);
    case 'leading':
      return afterLeading(state, input, identity, now);
    case 'lost':
    case 'released':
      return state;
    default:
      return state satisfies never;
  }
}

function afterStandby(
  state: Extract<LeaseState, { readonly type: 'standby' }>,
  input: Exclude<LeaseStateInput, { readonly type: 'released' }>,
  identity: string,
  now: ClockReading,
): LeaseState {
  if (input.type === 'written') {
    return { type: 'leading', spec: input.spec, renewedAt: input.requestedAt };
  }
  if (input.type === 'tick' || isSameSpec(input.spec, state.spec)) {
    return state;
  }
  const holder = state.spec?.holderIdentity;
  if (input.spec === undefined && holder && holder !== identity) {
    // The Lease was deleted, but its holder may write until it notices. Wait for the lease duration
    // as if the holder had stopped renewing.
    return state;
  }
  return { type: 'standby', spec: input.spec, unchangedSince: now.monotonic };
}

function afterLeading(
  state: Extract<LeaseState, { readonly type: 'leading' }>,
  input: Exclude<LeaseStateInput, { readonly type: 'released' }>,
  identity: string,
  now: ClockReading,
): LeaseState {
  if (input.type === 'written') {
    return { ...state, spec: input.spec, renewedAt: input.requestedAt };
  }
  if (input.type === 'seen' && input.spec !== undefined && input.spec.holderIdentity !== identity) {
    return { type: 'lost', spec: input.spec };
  }
  const isOverdue = now.monotonic - state.renewedAt.monotonic >= RENEW_DEADLINE_MS;
  return isOverdue || msUntilExpiry(state, now) === 0 ? { type: 'lost', spec: state.spec } : state;
}

/** Milliseconds for which this process may still write; 0 unless it leads. */
export function msUntilExpiry(state: LeaseState, now: ClockReading): number {
  if (state.type !== 'leading') {
    return 0;
  }
  const limit = LEASE_DURATION_S * 1000 - SAFETY_MARGIN_MS;
  const monotonicMs = now.monotonic - state.renewedAt.monotonic;
  // A wall clock that was set back shows a change of unknown length, so its absolute value counts.
  const wallMs = Math.abs(now.wall - state.renewedAt.wall);
  return Math.max(0, limit - Math.max(monotonicMs, wallMs));
}

/** Milliseconds until a standby may acquire the lease; 0 when it may now. */
export function msUntilFree(
  state: Extract<LeaseState, { readonly type: 'standby' }>,
  identity: string,
  now: ClockReading,
): number {
  const { spec, unchangedSince } = state;
  if (spec === undefined || !spec.holderIdentity || spec.holderIdentity === identity) {
    return 0;
  }
  const durationMs = (spec.leaseDurationSeconds ?? LEASE_DURATION_S) * 1000;
  return Math.max(0, unchangedSince + durationMs - now.monotonic);
}

/**
 * The spec that acquires or renews the lease.
 *
 * @param spec the spec before; undefined when there is no Lease.
 * @param identity identity of this process.
 */
export function acquiredSpec(
  spec: LeaseSpec | undefined,
  identity: string,
  now: ClockReading,
): LeaseSpec {
  const time = formatMicroTime(now.wall);
  const isHolder = spec?.holderIdentity === identity;
  const isTransition = spec !== undefined && !isHolder;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: LEASE_DURATION_S,
    acquireTime: isHolder ? (spec.acquireTime ?? time) : time,
    renewTime: time,
    leaseTransitions: (spec?.leaseTransitions ?? 0) + (isTransition ? 1 : 0),
  };
}

/** The spec that releases the lease, as client-go writes it. */
export function releasedSpec(spec: LeaseSpec, now: ClockReading): LeaseSpec {
  const time = formatMicroTime(now.wall);
  return {
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: time,
    renewTime: time,
    leaseTransitions: spec.leaseTransitions ?? 0,
  };
}

/** The spec of a Lease object; empty when the object has none. */
export function specOf(lease: KubeObject): LeaseSpec {
  return (lease.spec ?? {}) as LeaseSpec;
}

function isSameSpec(a: LeaseSpec | undefined, b: LeaseSpec | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
