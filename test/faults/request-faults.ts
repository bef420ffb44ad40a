/** The faults of requests to the API server. */

/** Kinds of requests. Faults are counted and chosen for each kind. */
export type RequestKind = 'list' | 'watch' | 'get' | 'write' | 'event' | 'lease';

export const REQUEST_FAULTS = {
  reset: 'the connection is reset before the request is passed on',
  stall: 'the request is not passed on, the socket stays open',
  delay: 'the request is passed on up to 1.5 s late',
  busy: '429 with Retry-After',
  error: '500',
  'lost response': 'the request is passed on, the connection reset in place of the response',
  'no response': 'the request is passed on, its response withheld, the socket stays open',
  'half response': 'the connection is reset in the middle of the response',
  'half line': 'a watch is reset in the middle of a line',
  closed: 'a watch is closed early',
  gone: 'a watch gets an event of type ERROR with code 410',
  silent: 'a watch gets no more events, the socket stays open',
} as const;
export type RequestFaultType = keyof typeof REQUEST_FAULTS;
export const WATCH_FAULTS: readonly RequestFaultType[] = ['half line', 'closed', 'gone', 'silent'];

export interface RequestFault {
  readonly fault: RequestFaultType;
  readonly kinds: readonly RequestKind[];
  /** Probability for each request, between 0 and 1. */
  readonly probability: number;
  /** Maximum number of injections. Default: no limit. */
  readonly maxCount?: number;
  /** Name of the only affected process. Default: all processes. */
  readonly fromProcess?: string;
}

export function requestKind(method: string, url: URL): RequestKind {
  if (url.pathname.includes('/leases')) {
    return 'lease';
  }
  if (url.pathname.includes('/events')) {
    return 'event';
  }
  if (method !== 'GET') {
    return 'write';
  }
  if (url.searchParams.get('watch') === 'true') {
    return 'watch';
  }
  return /\/(?:namespaces\/[^/]+\/)?[a-z]+$/.test(url.pathname) &&
    !/\/namespaces\/[^/]+\/[a-z]+\/[^/]+$/.test(url.pathname)
    ? 'list'
    : 'get';
}

/** A seeded random source: mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
