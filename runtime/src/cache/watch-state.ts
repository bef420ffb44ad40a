/**
 * State machine of a reflector: list in pages, watch from the list's version, and watch again from
 * the last version seen. Pure functions: a state and an input give the next state and the effect on
 * the store.
 *
 * Guarantees:
 * - A list is repeated only when the API server has forgotten the version (410), when the kind
 *   could not be read (403, 404), or on request.
 * - Failures never end the reflector. Pauses grow from 0.8 to 30 seconds (client-go's limits,
 *   tools/cache/reflector.go), and start again at 0.8 seconds after the watch brought an event or
 *   was stable.
 */
import { hasCode, isApiError } from '../client/errors.ts';
import type { WatchEvent } from '../client/kube-api.ts';
import type { KubeObject } from '../client/object.ts';
import type { Random } from '../util/clock.ts';

/** Shortest and longest pause after a failure, in milliseconds, before jitter. */
const BACKOFF_MIN_MS = 800;
const BACKOFF_MAX_MS = 30_000;

/** A list is being read, page by page. */
export interface ListingState {
  readonly type: 'listing';
  /** The pages that were read so far. */
  readonly pages: readonly (readonly KubeObject[])[];
  /** Token of the next page; absent for the first page. */
  readonly continue?: string;
  /**
   * The list is read as one response, because a page token expired before all pages were read.
   */
  readonly isUnpaged: boolean;
  /** Number of consecutive failures. */
  readonly failures: number;
}

/** A watch is open, or is being opened. */
export interface WatchingState {
  readonly type: 'watching';
  /** The version up to which everything is known. */
  readonly resourceVersion: string;
  /** Whether this watch has brought an event or a bookmark. */
  readonly receivedEvents: boolean;
  /** Number of consecutive failures. */
  readonly failures: number;
}

/** A pause after a failure. */
export interface WaitingState {
  readonly type: 'waiting';
  /** Length of the pause in milliseconds. */
  readonly ms: number;
  /** State after the pause. */
  readonly resume: ListingState | WatchingState;
}

/** What a reflector does now, with the data that each state has. */
export type WatchState = ListingState | WatchingState | WaitingState;

/** What has happened. */
export type WatchStateInput =
  /** The API server returned a page of a list. */
  | {
      readonly type: 'page';
      readonly items: readonly KubeObject[];
      /** Version of the whole list. */
      readonly resourceVersion: string;
      /** Token of the next page; absent on the last page. */
      readonly continue?: string;
    }
  /** The watch brought an event or a bookmark. */
  | { readonly type: 'event'; readonly event: WatchEvent }
  /** The API server ended the watch. */
  | {
      readonly type: 'ended';
      /** Whether the watch was open long enough to count as working. Default: false. */
      readonly wasStable?: boolean;
    }
  /** A list or a watch failed. */
  | {
      readonly type: 'failed';
      readonly error: unknown;
      /** Whether a watch was open long enough to count as working. Default: false. */
      readonly wasStable?: boolean;
    }
  /** The pause is over. */
  | { readonly type: 'waited' }
  /** A caller needs a store that is certainly up to date: list again. */
  | { readonly type: 'relistRequested' };

/** Inputs that do not interrupt every state. */
type StateInput = Exclude<WatchStateInput, { readonly type: 'relistRequested' }>;

/** What a transition does to the store. */
export type StoreEffect =
  /** Replace the contents by a complete list. */
  | {
      readonly type: 'replace';
      readonly items: readonly KubeObject[];
      readonly resourceVersion: string;
    }
  /** Apply one event of the watch. */
  | { readonly type: 'applyEvent'; readonly event: WatchEvent }
  /** Mark the kind as unavailable. The contents stay, because unknown is not absent. */
  | {
      readonly type: 'unavailable';
      /** Message of the API server. */
      readonly reason: string;
      /**
       * True: the API server does not serve the kind (404), so there are no objects. False: reading
       * is forbidden (403), so the objects are unknown.
       */
      readonly isNotServed: boolean;
    };

/** The next state, and the effect on the store if there is one. */
export interface WatchTransition {
  readonly state: WatchState;
  readonly effect?: StoreEffect;
}

/** The state at the start: list the first page. */
export const INITIAL_STATE: ListingState = {
  type: 'listing',
  pages: [],
  isUnpaged: false,
  failures: 0,
};

/**
 * The transition for an input.
 *
 * @param random source of the jitter of pauses.
 */
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

function afterListing(state: ListingState, input: StateInput, random: Random): WatchTransition {
  switch (input.type) {
    case 'page':
      return afterPage(state, input);
    case 'failed':
      return afterListFailure(state, input.error, random);
    case 'event':
    case 'ended':
    case 'waited':
      return { state };
    default:
      return input satisfies never;
  }
}

function afterPage(
  state: ListingState,
  input: Extract<StateInput, { readonly type: 'page' }>,
): WatchTransition {
  const { items, resourceVersion } = input;
  const pages = [...state.pages, items];
  if (input.continue !== undefined) {
    return { state: { ...state, pages, continue: input.continue } };
  }
  // Keep the number of failures until the watch has worked: a watch that always fails must not
  // cause one list after another without backoff.
  const { failures } = state;
  return {
    state: { type: 'watching', resourceVersion, receivedEvents: false, failures },
    effect: { type: 'replace', items: pages.flat(), resourceVersion },
  };
}

function afterListFailure(state: ListingState, error: unknown, random: Random): WatchTransition {
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

function afterWatching(state: WatchingState, input: StateInput, random: Random): WatchTransition {
  switch (input.type) {
    case 'event':
      return afterEvent(state, input.event);
    case 'ended':
      return afterWatchEnd(state, input.wasStable === true, random);
    case 'failed':
      return afterWatchFailure(state, input, random);
    case 'page':
    case 'waited':
      return { state };
    default:
      return input satisfies never;
  }
}

function afterEvent(state: WatchingState, event: WatchEvent): WatchTransition {
  const version =
    event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
  const resourceVersion = version ?? state.resourceVersion;
  return {
    state: { type: 'watching', resourceVersion, receivedEvents: true, failures: 0 },
    effect: { type: 'applyEvent', event },
  };
}

function afterWatchEnd(state: WatchingState, wasStable: boolean, random: Random): WatchTransition {
  if (state.receivedEvents || wasStable) {
    return { state: { ...state, receivedEvents: false, failures: 0 } };
  }
  // One end without events is normal. Back off from the second one on, so that a server that closes
  // every watch at once does not cause a loop.
  const next = { ...state, failures: state.failures + 1 };
  return { state: next.failures === 1 ? next : backOff(next, undefined, random) };
}

function afterWatchFailure(
  state: WatchingState,
  { error, wasStable }: Extract<StateInput, { readonly type: 'failed' }>,
  random: Random,
): WatchTransition {
  const failures = (wasStable === true ? 0 : state.failures) + 1;
  const restart: ListingState = { ...INITIAL_STATE, failures };
  switch (classifyFailure(error)) {
    case 'expired':
      return { state: failures === 1 ? restart : backOff(restart, error, random) };
    case 'denied':
      return { state: backOff(restart, error, random), effect: unavailableEffect(error) };
    case 'broken':
      return { state: backOff({ ...state, receivedEvents: false, failures }, error, random) };
  }
}

/**
 * `expired`: the API server has forgotten the version or the page token. `denied`: reading is
 * forbidden, or the kind is not served. `broken`: any other failure.
 */
function classifyFailure(error: unknown): 'expired' | 'denied' | 'broken' {
  if (hasCode(error, 410)) {
    return 'expired';
  }
  return hasCode(error, 403, 404) ? 'denied' : 'broken';
}

/**
 * A pause of 0.8, 1.6 … 30 seconds with a jitter of ±50 %, and never shorter than the server's
 * Retry-After.
 */
function backOff(
  resume: ListingState | WatchingState,
  error: unknown,
  random: Random,
): WaitingState {
  const backoffMs = Math.min(
    BACKOFF_MAX_MS,
    BACKOFF_MIN_MS * 2 ** Math.min(resume.failures - 1, 10),
  );
  const retryAfterMs = isApiError(error) ? (error.status.retryAfterSeconds ?? 0) * 1000 : 0;
  const ms = Math.max(backoffMs * (0.5 + random()), retryAfterMs * (1 + random() * 0.2));
  return { type: 'waiting', ms, resume };
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
