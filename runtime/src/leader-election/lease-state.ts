/**
 * Who leads, as a Lease says it, with client-go's algorithm and timings: whoever has seen the
 * record unchanged for the lease's duration,
 * by its own monotonic clock, may take it. The holder counts its lease as expired two seconds
 * early, by either clock. Pure.
 */
import type { KubeObject, ResourceType } from './object.ts';
import { microTime } from './time.ts';

export const LEASE: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

/** client-go's defaults (tools/leaderelection). */
export const DURATION_S = 15;
export const RENEW_DEADLINE_MS = 10_000;
export const RETRY_MS = 2_000;
/** What a clock may be wrong by, and a write may need from the last look to the socket. */
export const EARLY_MS = 2_000;

export interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  readonly leaseTransitions?: number | null;
}

/** One moment on both clocks, in milliseconds. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

export type State =
  /** `since`: monotonic time at which the record was first seen as it is. */
  | { readonly name: 'standby'; readonly spec: LeaseSpec | undefined; readonly since: number }
  /** `renewed`: when the last good renewal was asked for. */
  | { readonly name: 'leading'; readonly spec: LeaseSpec; readonly renewed: Moment }
  | { readonly name: 'lost'; readonly spec: LeaseSpec }
  | { readonly name: 'released' };

export type Happening =
  /** The record was read, or told by a watch; undefined: there is none. */
  | { readonly what: 'seen'; readonly spec: LeaseSpec | undefined }
  /** Our write of it was answered; `asked` is when it was sent. */
  | { readonly what: 'written'; readonly spec: LeaseSpec; readonly asked: Moment }
  | { readonly what: 'time passed' }
  | { readonly what: 'released' };

export function step(state: State, happening: Happening, identity: string, now: Moment): State {
  if (happening.what === 'released') {
    return { name: 'released' };
  }
  switch (state.name) {
    case 'standby':
      if (happening.what === 'written') {
        return { name: 'leading', spec: happening.spec, renewed: happening.asked };
      }
      if (happening.what !== 'seen' || same(happening.spec, state.spec)) {
        return state;
      }
      // Somebody has deleted it. Its holder may write until it has looked: it counts as silent
      // since we last heard of it.
      if (
        happening.spec === undefined &&
        state.spec?.holderIdentity &&
        state.spec.holderIdentity !== identity
      ) {
        return state;
      }
      return { name: 'standby', spec: happening.spec, since: now.monotonic };
    case 'leading':
      if (happening.what === 'written') {
        return { ...state, spec: happening.spec, renewed: happening.asked };
      }
      if (
        happening.what === 'seen' &&
        happening.spec !== undefined &&
        happening.spec.holderIdentity !== identity
      ) {
        return { name: 'lost', spec: happening.spec };
      }
      return msLeft(state, now) > 0 && now.monotonic - state.renewed.monotonic < RENEW_DEADLINE_MS
        ? state
        : { name: 'lost', spec: state.spec };
    case 'lost':
    case 'released':
      return state;
    default:
      return state satisfies never;
  }
}

/** Milliseconds for which the holder may still write; 0 when it may not. */
export function msLeft(state: State, now: Moment): number {
  if (state.name !== 'leading') {
    return 0;
  }
  const limit = DURATION_S * 1000 - EARLY_MS;
  return Math.max(
    0,
    limit -
      Math.max(now.monotonic - state.renewed.monotonic, Math.abs(now.wall - state.renewed.wall)),
  );
}

/** Milliseconds until a standby may take the lease; 0 when it may now. */
export function msUntilFree(
  state: Extract<State, { name: 'standby' }>,
  identity: string,
  now: Moment,
): number {
  const { spec, since } = state;
  if (spec === undefined || !spec.holderIdentity || spec.holderIdentity === identity) {
    return 0;
  }
  return Math.max(0, since + (spec.leaseDurationSeconds ?? DURATION_S) * 1000 - now.monotonic);
}

/** The record that makes us the holder, or keeps us it. */
export function claimed(spec: LeaseSpec | undefined, identity: string, now: Moment): LeaseSpec {
  const time = microTime(now.wall);
  const ours = spec?.holderIdentity === identity;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: DURATION_S,
    acquireTime: ours ? (spec.acquireTime ?? time) : time,
    renewTime: time,
    leaseTransitions: (spec?.leaseTransitions ?? 0) + (ours || spec === undefined ? 0 : 1),
  };
}

/** The record that gives the lease back, as client-go writes it. */
export function givenBack(spec: LeaseSpec, now: Moment): LeaseSpec {
  const time = microTime(now.wall);
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

function same(a: LeaseSpec | undefined, b: LeaseSpec | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
