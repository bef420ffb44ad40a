/**
 * Who leads, as a Lease says it, with client-go's algorithm and timings: whoever has seen the
 * record unchanged for the lease's duration,
 * by its own monotonic clock, may take it. The holder counts its lease as expired two seconds
 * early, by either clock. Pure.
 */
import type { KubeObject, ResourceType } from '../client/object.ts';
import { formatMicroTime } from '../client/micro-time.ts';

export const LEASE: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

/** client-go's defaults (tools/leaderelection). */
export const LEASE_DURATION_S = 15;
export const RENEW_DEADLINE_MS = 10_000;
export const RETRY_PERIOD_MS = 2_000;
/** What a clock may be wrong by, and a write may need from the last look to the socket. */
export const SAFETY_MARGIN_MS = 2_000;

export interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  readonly leaseTransitions?: number | null;
}

/** One moment on both clocks, in milliseconds. */
export interface ClockReading {
  readonly monotonic: number;
  readonly wall: number;
}

export type LeaseState =
  /** `since`: monotonic time at which the record was first seen as it is. */
  | {
      readonly type: 'standby';
      readonly spec: LeaseSpec | undefined;
      readonly unchangedSince: number;
    }
  /** `renewed`: when the last good renewal was asked for. */
  | { readonly type: 'leading'; readonly spec: LeaseSpec; readonly renewedAt: ClockReading }
  | { readonly type: 'lost'; readonly spec: LeaseSpec }
  | { readonly type: 'released' };

export type LeaseStateInput =
  /** The record was read, or told by a watch; undefined: there is none. */
  | { readonly type: 'seen'; readonly spec: LeaseSpec | undefined }
  /** Our write of it was answered; `asked` is when it was sent. */
  | { readonly type: 'written'; readonly spec: LeaseSpec; readonly requestedAt: ClockReading }
  | { readonly type: 'tick' }
  | { readonly type: 'released' };

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
      if (input.type === 'written') {
        return { type: 'leading', spec: input.spec, renewedAt: input.requestedAt };
      }
      if (input.type !== 'seen' || isSameSpec(input.spec, state.spec)) {
        return state;
      }
      // Somebody has deleted it. Its holder may write until it has looked: it counts as silent
      // since we last heard of it.
      if (
        input.spec === undefined &&
        state.spec?.holderIdentity &&
        state.spec.holderIdentity !== identity
      ) {
        return state;
      }
      return { type: 'standby', spec: input.spec, unchangedSince: now.monotonic };
    case 'leading':
      if (input.type === 'written') {
        return { ...state, spec: input.spec, renewedAt: input.requestedAt };
      }
      if (
        input.type === 'seen' &&
        input.spec !== undefined &&
        input.spec.holderIdentity !== identity
      ) {
        return { type: 'lost', spec: input.spec };
      }
      return msUntilExpiry(state, now) > 0 &&
        now.monotonic - state.renewedAt.monotonic < RENEW_DEADLINE_MS
        ? state
        : { type: 'lost', spec: state.spec };
    case 'lost':
    case 'released':
      return state;
    default:
      return state satisfies never;
  }
}

/** Milliseconds for which the holder may still write; 0 when it may not. */
export function msUntilExpiry(state: LeaseState, now: ClockReading): number {
  if (state.type !== 'leading') {
    return 0;
  }
  const limit = LEASE_DURATION_S * 1000 - SAFETY_MARGIN_MS;
  return Math.max(
    0,
    limit -
      Math.max(
        now.monotonic - state.renewedAt.monotonic,
        Math.abs(now.wall - state.renewedAt.wall),
      ),
  );
}

/** Milliseconds until a standby may take the lease; 0 when it may now. */
export function msUntilFree(
  state: Extract<LeaseState, { type: 'standby' }>,
  identity: string,
  now: ClockReading,
): number {
  const { spec, unchangedSince } = state;
  if (spec === undefined || !spec.holderIdentity || spec.holderIdentity === identity) {
    return 0;
  }
  return Math.max(
    0,
    unchangedSince + (spec.leaseDurationSeconds ?? LEASE_DURATION_S) * 1000 - now.monotonic,
  );
}

/** The record that makes us the holder, or keeps us it. */
export function acquiredSpec(
  spec: LeaseSpec | undefined,
  identity: string,
  now: ClockReading,
): LeaseSpec {
  const time = formatMicroTime(now.wall);
  const isHolder = spec?.holderIdentity === identity;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: LEASE_DURATION_S,
    acquireTime: isHolder ? (spec.acquireTime ?? time) : time,
    renewTime: time,
    leaseTransitions: (spec?.leaseTransitions ?? 0) + (isHolder || spec === undefined ? 0 : 1),
  };
}

/** The record that gives the lease back, as client-go writes it. */
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

export function specOf(lease: KubeObject): LeaseSpec {
  return (lease.spec ?? {}) as LeaseSpec;
}

function isSameSpec(a: LeaseSpec | undefined, b: LeaseSpec | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
