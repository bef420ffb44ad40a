/**
 * State machine of a reflector: list in pages, watch from the list's version, and watch again from
 * the last version seen. Pure functions: a state and an input give the next state and the effect on
 * the store.
 *
 * Guarantees:
 * - A list is repeated when the API server has forgotten the version (410, Expired), when the watch
 *   is refused (403, 404, 405), when five watches from one version have failed or two were silent,
 *   or on request.
 * - A kind that can be listed and not watched is listed every 30 seconds.
 * - Failures never end the reflector. Pauses grow from 0.8 to 30 seconds (client-go's limits,
 *   tools/cache/reflector.go), and start again at 0.8 seconds after the watch brought an event or
 *   was stable.
 */
import { hasCode, hasReason, isApiError, messageOf, retryDelayMs } from '../client/errors.ts';
import type { WatchEvent } from '../client/kube-api.ts';
import type { KubeObject } from '../client/object.ts';
import type { Random } from '../util/clock.ts';
import { isWatchableVersion } from './resource-version.ts';

/** Shortest and longest pause after a failure, in milliseconds, before jitter. */
const BACKOFF_MIN_MS = 800;
const BACKOFF_MAX_MS = 30_000;
/** Time between two lists of a kind that cannot be watched, in milliseconds, before jitter. */
const POLL_INTERVAL_MS = 30_000;
/** Number of failed watches from one version after which the kind is listed again. */
const MAX_FRUITLESS_WATCHES = 5;
/**
 * The same for watches that were open and silent, without even a bookmark. An API server that was
 * restored from a backup keeps a watch from a version that it has not reached open in silence.
 */
const MAX_SILENT_WATCHES = 2;
/** Number of consecutive 404s after which the objects of the kind are taken to be gone. */
const GONE_AFTER_FAILURES = 3;

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
  /** Why the last watch was refused; absent when watches are allowed. */
  readonly watchRefusal?: string;
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
  /** Number of watches from this version that ended without an event. Absent: none. */
  readonly fruitlessWatches?: number;
  /** Why the watch before the list was refused; absent when watches are allowed. */
  readonly watchRefusal?: string;
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
      /** Whether a watch was closed because it was silent. Default: false. */
      readonly wasSilent?: boolean;
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
      /** Why the kind is listed every 30 seconds; absent when the kind is watched from here on. */
      readonly watchRefusal?: string;
    }
  /** Apply one event of the watch. */
  | { readonly type: 'applyEvent'; readonly event: WatchEvent }
  /** Mark the kind as unavailable. The contents stay as long as they are unknown, not absent. */
  | {
      readonly type: 'unavailable';
      /** Message of the API server. */
      readonly reason: string;
      /**
       * True: the API server does not serve the kind (404), so there are no objects. False: reading
       * is forbidden (403), so the objects are unknown.
       */
      readonly isNotServed: boolean;
      /** Whether the kind was not served several times in a row: its objects are gone. */
      readonly isGone: boolean;
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
      return afterPage(state, input, random);
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
  random: Random,
): WatchTransition {
  const { items, resourceVersion } = input;
  const pages = [...state.pages, items];
  if (input.continue !== undefined) {
    return { state: { ...state, pages, continue: input.continue } };
  }
  const effect = { type: 'replace' as const, items: pages.flat(), resourceVersion };
  // Keep the number of failures until the watch has worked: a watch that always fails must not
  // cause one list after another without backoff.
  const { failures } = state;
  if (!isWatchableVersion(resourceVersion)) {
    const refusal = 'the lists of this kind have no resourceVersion to watch from';
    const state = untilNextPoll({ failures, refusal, random });
    return { state, effect: { ...effect, watchRefusal: refusal } };
  }
  const refusal = refusalOf(state);
  return {
    state: { type: 'watching', resourceVersion, receivedEvents: false, failures, ...refusal },
    effect: { ...effect, ...refusal },
  };
}

/** The pause before the next list of a kind that cannot be watched. */
function untilNextPoll({ failures, refusal, random }: PollReason): WaitingState {
  const resume: ListingState = { ...INITIAL_STATE, failures, watchRefusal: refusal };
  return { type: 'waiting', ms: POLL_INTERVAL_MS * (0.5 + random()), resume };
}

interface PollReason {
  readonly failures: number;
  readonly refusal: string;
  readonly random: Random;
}

function refusalOf({ watchRefusal }: ListingState): Pick<ListingState, 'watchRefusal'> {
  return watchRefusal === undefined ? {} : { watchRefusal };
}

function afterListFailure(state: ListingState, error: unknown, random: Random): WatchTransition {
  const failures = state.failures + 1;
  const restart: ListingState = { ...INITIAL_STATE, failures };
  switch (classifyFailure(error)) {
    case 'expired':
      return state.isUnpaged
        ? { state: backOff(restart, error, random) }
        : { state: { ...restart, isUnpaged: true } };
    case 'denied': {
      const isNotServed = hasCode(error, 404);
      const isGone = isNotServed && failures >= GONE_AFTER_FAILURES;
      const reason = messageOf(error);
      const effect: StoreEffect = { type: 'unavailable', reason, isNotServed, isGone };
      return { state: backOff(restart, error, random), effect };
    }
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
  const resourceVersion =
    version !== undefined && isWatchableVersion(version) ? version : state.resourceVersion;
  return {
    state: { type: 'watching', resourceVersion, receivedEvents: true, failures: 0 },
    effect: { type: 'applyEvent', event },
  };
}

function afterWatchEnd(state: WatchingState, wasStable: boolean, random: Random): WatchTransition {
  if (state.receivedEvents || wasStable) {
    return { state: { ...state, receivedEvents: false, failures: 0 } };
  }
  if (isFruitless(state)) {
    return {
      state: backOff({ ...INITIAL_STATE, failures: state.failures + 1 }, undefined, random),
    };
  }
  // One end without events is normal. Back off from the second one on, so that a server that closes
  // every watch at once does not cause a loop.
  const next = { ...afterFruitlessWatch(state, true), failures: state.failures + 1 };
  return { state: next.failures === 1 ? next : backOff(next, undefined, random) };
}

function afterWatchFailure(
  state: WatchingState,
  { error, wasStable, wasSilent }: Extract<StateInput, { readonly type: 'failed' }>,
  random: Random,
): WatchTransition {
  const failures = (wasStable === true ? 0 : state.failures) + 1;
  const restart: ListingState = { ...INITIAL_STATE, failures };
  const proves = wasStable === true || isAnswered(error);
  const maxWatches = wasSilent === true ? MAX_SILENT_WATCHES : MAX_FRUITLESS_WATCHES;
  switch (classifyFailure(error)) {
    case 'expired':
      return { state: failures === 1 ? restart : backOff(restart, error, random) };
    case 'denied':
      return afterWatchRefusal(state, messageOf(error), { failures, random });
    case 'broken':
      return proves && isFruitless(state, maxWatches)
        ? { state: backOff(restart, error, random) }
        : { state: backOff({ ...afterFruitlessWatch(state, proves), failures }, error, random) };
  }
}

/** The list decides whether the kind can be read. When it can, the kind is polled. */
function afterWatchRefusal(
  state: WatchingState,
  refusal: string,
  { failures, random }: { readonly failures: number; readonly random: Random },
): WatchTransition {
  if (state.watchRefusal === undefined) {
    const resume: ListingState = { ...INITIAL_STATE, failures, watchRefusal: refusal };
    return { state: backOff(resume, undefined, random) };
  }
  return { state: untilNextPoll({ failures, refusal, random }) };
}

/** Whether one more failure from this version is one too many. */
function isFruitless(state: WatchingState, maxWatches = MAX_FRUITLESS_WATCHES): boolean {
  return !state.receivedEvents && (state.fruitlessWatches ?? 0) + 1 >= maxWatches;
}

/** @param proves whether the end of the watch may be due to its version. */
function afterFruitlessWatch(state: WatchingState, proves: boolean): WatchingState {
  const fruitlessWatches = (state.receivedEvents ? 0 : (state.fruitlessWatches ?? 0)) + 1;
  return {
    ...state,
    receivedEvents: false,
    ...(proves && !state.receivedEvents && { fruitlessWatches }),
  };
}

/** Whether the API server has answered, other than with a request for patience or credentials. */
function isAnswered(error: unknown): boolean {
  return isApiError(error) && !hasCode(error, 401, 429);
}

/**
 * `expired`: the API server does not have the version or the page token. `denied`: reading is
 * forbidden, not allowed, or the kind is not served. `broken`: any other failure.
 */
function classifyFailure(error: unknown): 'expired' | 'denied' | 'broken' {
  if (hasCode(error, 410) || hasReason(error, 'Expired', 'Gone') || isFutureVersion(error)) {
    return 'expired';
  }
  return hasCode(error, 403, 404, 405, 501) ? 'denied' : 'broken';
}

/** Whether the API server has not reached the version: it was restored from a backup. */
function isFutureVersion(error: unknown): boolean {
  const details = isApiError(error) ? error.status.details : undefined;
  const { causes } = (details ?? {}) as { readonly causes?: readonly { reason?: string }[] };
  return causes?.some(({ reason }) => reason === 'ResourceVersionTooLarge') === true;
}

/**
 * A pause of 0.8, 1.6 … 30 seconds with a jitter of ±50 %, and never shorter than the server's
 * Retry-After, which counts up to 30 seconds.
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
  const retryAfterMs = retryDelayMs(error, BACKOFF_MAX_MS);
  const ms = Math.max(backoffMs * (0.5 + random()), retryAfterMs * (1 + random() * 0.2));
  return { type: 'waiting', ms, resume };
}

function failuresOf(state: WatchState): number {
  return state.type === 'waiting' ? state.resume.failures : state.failures;
}
