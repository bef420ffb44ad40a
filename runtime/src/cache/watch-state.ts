/**
 * How one part of the cluster is followed: list in pages, watch from there, watch again from the
 * last version seen; list again only
 * when the server has forgotten that version. A state, what happened, the next state and what to do
 * with the store: pure.
 *
 * Never gives up. Waits grow from 0.8 to 30 s (client-go's limits, tools/cache/reflector.go) and
 * begin anew when the watch brings something, or stands for a while.
 */
import type { Random } from '../util/clock.ts';
import type { WatchEvent } from '../client/kube-api.ts';
import { hasCode, isApiError } from '../client/errors.ts';
import type { KubeObject } from '../client/object.ts';

const BACKOFF_MIN_MS = 800;
const BACKOFF_MAX_MS = 30_000;

export interface ListingState {
  readonly type: 'listing';
  readonly pages: readonly (readonly KubeObject[])[];
  readonly continue?: string;
  /** In one answer, without pages: the pages took longer than the server remembers. */
  readonly isUnpaged: boolean;
  readonly failures: number;
}

export interface WatchingState {
  readonly type: 'watching';
  readonly resourceVersion: string;
  /** The watch has brought something since it was opened. */
  readonly receivedEvents: boolean;
  readonly failures: number;
}

export interface WaitingState {
  readonly type: 'waiting';
  readonly ms: number;
  readonly resume: ListingState | WatchingState;
}

export type WatchState = ListingState | WatchingState | WaitingState;

export type WatchStateInput =
  | {
      readonly type: 'page';
      readonly items: readonly KubeObject[];
      readonly resourceVersion: string;
      readonly continue?: string;
    }
  | { readonly type: 'event'; readonly event: WatchEvent }
  /** The server closed the watch, as it does after its time. `stood`: it was open for a while. */
  | { readonly type: 'ended'; readonly wasStable?: boolean }
  | { readonly type: 'failed'; readonly error: unknown; readonly wasStable?: boolean }
  | { readonly type: 'waited' }
  /** Somebody must know that the store is not behind: list again. */
  | { readonly type: 'relistRequested' };

export type StoreEffect =
  | {
      readonly type: 'replace';
      readonly items: readonly KubeObject[];
      readonly resourceVersion: string;
    }
  | { readonly type: 'applyEvent'; readonly event: WatchEvent }
  /**
   * The server does not let us read this, or does not know the kind. What was known stays: unknown
   * is not absent.
   */
  /**
   * `absent`: the server does not serve the kind (404), so there are no such objects. Else (403)
   * nobody can know.
   */
  | { readonly type: 'unavailable'; readonly reason: string; readonly isNotServed: boolean };

export interface WatchTransition {
  readonly state: WatchState;
  readonly effect?: StoreEffect;
}

export const INITIAL_STATE: ListingState = {
  type: 'listing',
  pages: [],
  isUnpaged: false,
  failures: 0,
};

/** @param random jitter of waits */
export function nextWatchState(
  state: WatchState,
  input: WatchStateInput,
  random: Random,
): WatchTransition {
  if (input.type === 'relistRequested') {
    return { state: { ...INITIAL_STATE, failures: failuresOf(state) } };
  }
  switch (state.type) {
    case 'listing':
      return afterListing(state, input, random);
    case 'watching':
      return afterWatching(state, input, random);
    case 'waiting':
      return { state: state.resume };
    default:
      return state satisfies never;
  }
}

function afterListing(
  state: ListingState,
  input: Exclude<WatchStateInput, { type: 'relistRequested' }>,
  random: Random,
): WatchTransition {
  if (input.type === 'page') {
    const pages = [...state.pages, input.items];
    if (input.continue !== undefined) {
      return { state: { ...state, pages, continue: input.continue } };
    }
    // Failures stay on the books until the watch brings something or stands: one that always fails
    // must not make a storm of lists.
    return {
      state: {
        type: 'watching',
        resourceVersion: input.resourceVersion,
        receivedEvents: false,
        failures: state.failures,
      },
      effect: { type: 'replace', items: pages.flat(), resourceVersion: input.resourceVersion },
    };
  }
  if (input.type !== 'failed') {
    return { state };
  }
  const { error } = input;
  const failures = state.failures + 1;
  const restart: ListingState = { ...INITIAL_STATE, failures };
  switch (classifyFailure(error)) {
    case 'expired':
      return state.isUnpaged
        ? { state: backOff(restart, error, random) }
        : { state: { ...restart, isUnpaged: true } };
    case 'denied':
      return { state: backOff(restart, error, random), effect: unavailableEffect(error) };
    case 'broken':
      return { state: backOff({ ...state, failures }, error, random) };
  }
}

function afterWatching(
  state: WatchingState,
  input: Exclude<WatchStateInput, { type: 'relistRequested' }>,
  random: Random,
): WatchTransition {
  switch (input.type) {
    case 'event': {
      const { event } = input;
      const resourceVersion =
        (event.type === 'BOOKMARK'
          ? event.resourceVersion
          : event.object.metadata.resourceVersion) ?? state.resourceVersion;
      return {
        state: { type: 'watching', resourceVersion, receivedEvents: true, failures: 0 },
        effect: { type: 'applyEvent', event },
      };
    }
    case 'ended': {
      if (state.receivedEvents || input.wasStable === true) {
        return { state: { ...state, receivedEvents: false, failures: 0 } };
      }
      // A quiet end is nothing unusual once; a server that closes every watch at once must not make
      // a loop.
      const next = { ...state, failures: state.failures + 1 };
      return { state: next.failures === 1 ? next : backOff(next, undefined, random) };
    }
    case 'failed': {
      const { error } = input;
      const failures = (input.wasStable === true ? 0 : state.failures) + 1;
      switch (classifyFailure(error)) {
        case 'expired':
          return {
            state:
              failures === 1
                ? { ...INITIAL_STATE, failures }
                : backOff({ ...INITIAL_STATE, failures }, error, random),
          };
        case 'denied':
          return {
            state: backOff({ ...INITIAL_STATE, failures }, error, random),
            effect: unavailableEffect(error),
          };
        case 'broken':
          return { state: backOff({ ...state, receivedEvents: false, failures }, error, random) };
      }
    }
    case 'page':
    case 'waited':
      return { state };
    default:
      return input satisfies never;
  }
}

/** `expired`: the version or the page is forgotten. `denied`: no right, or no such kind. */
function classifyFailure(error: unknown): 'expired' | 'denied' | 'broken' {
  const code = isApiError(error) ? error.status.code : 0;
  return code === 410 ? 'expired' : code === 403 || code === 404 ? 'denied' : 'broken';
}

/** Half to one and a half of 0.8, 1.6 … 30 s, and never less than the server asked for. */
function backOff(
  resume: ListingState | WatchingState,
  error: unknown,
  random: Random,
): WaitingState {
  const backoff = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(resume.failures - 1, 10));
  const asked = isApiError(error) ? (error.status.retryAfterSeconds ?? 0) * 1000 : 0;
  return {
    type: 'waiting',
    ms: Math.max(backoff * (0.5 + random()), asked * (1 + random() * 0.2)),
    resume,
  };
}

function failuresOf(state: WatchState): number {
  return state.type === 'waiting' ? state.resume.failures : state.failures;
}

function unavailableEffect(error: unknown): StoreEffect {
  return {
    type: 'unavailable',
    reason: (error as Error).message,
    isNotServed: hasCode(error, 404),
  };
}
