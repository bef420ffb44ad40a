/**
 * How one part of the cluster is followed: list in pages, watch from there, watch again from the
 * last version seen; list again only
 * when the server has forgotten that version. A state, what happened, the next state and what to do
 * with the store: pure.
 *
 * Never gives up. Waits grow from 0.8 to 30 s (client-go's limits, tools/cache/reflector.go) and
 * begin anew when the watch brings something, or stands for a while.
 */
import type { Random } from '../clock.ts';
import type { WatchEvent } from '../kube/api.ts';
import { hasCode, isApiError } from '../kube/errors.ts';
import type { KubeObject } from '../kube/object.ts';

const BACKOFF_MIN_MS = 800;
const BACKOFF_MAX_MS = 30_000;

export interface Listing {
  readonly name: 'listing';
  readonly pages: readonly (readonly KubeObject[])[];
  readonly continue?: string;
  /** In one answer, without pages: the pages took longer than the server remembers. */
  readonly whole: boolean;
  readonly failures: number;
}

export interface Watching {
  readonly name: 'watching';
  readonly resourceVersion: string;
  /** The watch has brought something since it was opened. */
  readonly moved: boolean;
  readonly failures: number;
}

export interface Waiting {
  readonly name: 'waiting';
  readonly ms: number;
  readonly then: Listing | Watching;
}

export type State = Listing | Watching | Waiting;

export type Happening =
  | {
      readonly what: 'page';
      readonly items: readonly KubeObject[];
      readonly resourceVersion: string;
      readonly continue?: string;
    }
  | { readonly what: 'event'; readonly event: WatchEvent }
  /** The server closed the watch, as it does after its time. `stood`: it was open for a while. */
  | { readonly what: 'ended'; readonly stood?: boolean }
  | { readonly what: 'failed'; readonly error: unknown; readonly stood?: boolean }
  | { readonly what: 'waited' }
  /** Somebody must know that the store is not behind: list again. */
  | { readonly what: 'doubted' };

export type Effect =
  | {
      readonly do: 'replace';
      readonly items: readonly KubeObject[];
      readonly resourceVersion: string;
    }
  | { readonly do: 'take'; readonly event: WatchEvent }
  /**
   * The server does not let us read this, or does not know the kind. What was known stays: unknown
   * is not absent.
   */
  /**
   * `absent`: the server does not serve the kind (404), so there are no such objects. Else (403)
   * nobody can know.
   */
  | { readonly do: 'unavailable'; readonly reason: string; readonly absent: boolean };

export interface Step {
  readonly state: State;
  readonly effect?: Effect;
}

export const START: Listing = { name: 'listing', pages: [], whole: false, failures: 0 };

/** @param random jitter of waits */
export function step(state: State, happening: Happening, random: Random): Step {
  if (happening.what === 'doubted') {
    return { state: { ...START, failures: failuresOf(state) } };
  }
  switch (state.name) {
    case 'listing':
      return listed(state, happening, random);
    case 'watching':
      return watched(state, happening, random);
    case 'waiting':
      return { state: state.then };
    default:
      return state satisfies never;
  }
}

function listed(
  state: Listing,
  happening: Exclude<Happening, { what: 'doubted' }>,
  random: Random,
): Step {
  if (happening.what === 'page') {
    const pages = [...state.pages, happening.items];
    if (happening.continue !== undefined) {
      return { state: { ...state, pages, continue: happening.continue } };
    }
    // Failures stay on the books until the watch brings something or stands: one that always fails
    // must not make a storm of lists.
    return {
      state: {
        name: 'watching',
        resourceVersion: happening.resourceVersion,
        moved: false,
        failures: state.failures,
      },
      effect: { do: 'replace', items: pages.flat(), resourceVersion: happening.resourceVersion },
    };
  }
  if (happening.what !== 'failed') {
    return { state };
  }
  const { error } = happening;
  const failures = state.failures + 1;
  const anew: Listing = { ...START, failures };
  switch (failureOf(error)) {
    case 'expired':
      return state.whole
        ? { state: wait(anew, error, random) }
        : { state: { ...anew, whole: true } };
    case 'denied':
      return { state: wait(anew, error, random), effect: unavailable(error) };
    case 'broken':
      return { state: wait({ ...state, failures }, error, random) };
  }
}

function watched(
  state: Watching,
  happening: Exclude<Happening, { what: 'doubted' }>,
  random: Random,
): Step {
  switch (happening.what) {
    case 'event': {
      const { event } = happening;
      const resourceVersion =
        (event.type === 'BOOKMARK'
          ? event.resourceVersion
          : event.object.metadata.resourceVersion) ?? state.resourceVersion;
      return {
        state: { name: 'watching', resourceVersion, moved: true, failures: 0 },
        effect: { do: 'take', event },
      };
    }
    case 'ended': {
      if (state.moved || happening.stood === true) {
        return { state: { ...state, moved: false, failures: 0 } };
      }
      // A quiet end is nothing unusual once; a server that closes every watch at once must not make
      // a loop.
      const next = { ...state, failures: state.failures + 1 };
      return { state: next.failures === 1 ? next : wait(next, undefined, random) };
    }
    case 'failed': {
      const { error } = happening;
      const failures = (happening.stood === true ? 0 : state.failures) + 1;
      switch (failureOf(error)) {
        case 'expired':
          return {
            state:
              failures === 1 ? { ...START, failures } : wait({ ...START, failures }, error, random),
          };
        case 'denied':
          return { state: wait({ ...START, failures }, error, random), effect: unavailable(error) };
        case 'broken':
          return { state: wait({ ...state, moved: false, failures }, error, random) };
      }
    }
    case 'page':
    case 'waited':
      return { state };
    default:
      return happening satisfies never;
  }
}

/** `expired`: the version or the page is forgotten. `denied`: no right, or no such kind. */
function failureOf(error: unknown): 'expired' | 'denied' | 'broken' {
  const code = isApiError(error) ? error.status.code : 0;
  return code === 410 ? 'expired' : code === 403 || code === 404 ? 'denied' : 'broken';
}

/** Half to one and a half of 0.8, 1.6 … 30 s, and never less than the server asked for. */
function wait(then: Listing | Watching, error: unknown, random: Random): Waiting {
  const backoff = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(then.failures - 1, 10));
  const asked = isApiError(error) ? (error.status.retryAfterSeconds ?? 0) * 1000 : 0;
  return {
    name: 'waiting',
    ms: Math.max(backoff * (0.5 + random()), asked * (1 + random() * 0.2)),
    then,
  };
}

function failuresOf(state: State): number {
  return state.name === 'waiting' ? state.then.failures : state.failures;
}

function unavailable(error: unknown): Effect {
  return { do: 'unavailable', reason: (error as Error).message, absent: hasCode(error, 404) };
}
