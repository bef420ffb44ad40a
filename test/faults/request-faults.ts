/** What the way to the API server does to requests: data, and the choice among it. */

/** What is asked for: faults of one kind of request say little about another. */
export type RequestKind = 'list' | 'watch' | 'get' | 'write' | 'event' | 'lease';

export const REQUEST_FAULTS = {
  reset: 'the connection is reset before the request is passed on',
  stall: 'the request is not passed on, the socket stays open',
  delay: 'the request is passed on up to 1.5 s late',
  busy: '429 with Retry-After',
  error: '500',
  'lost answer': 'the request is passed on, the connection reset in the place of an answer',
  'no answer': 'the request is passed on, its answer withheld, the socket stays open',
  'half answer': 'the connection is reset in the middle of the answer',
  'half line': 'a watch is reset in the middle of a line',
  closed: 'a watch is closed early',
  gone: 'a watch is told that its version is too old (410 in band)',
  silent: 'a watch brings nothing any more, the socket stays open',
} as const;
export type RequestFaultType = keyof typeof REQUEST_FAULTS;
export const WATCH_FAULTS: readonly RequestFaultType[] = ['half line', 'closed', 'gone', 'silent'];

export interface RequestFault {
  readonly fault: RequestFaultType;
  readonly kinds: readonly RequestKind[];
  /** Of each request. */
  readonly probability: number;
  /** Default: no limit. */
  readonly maxCount?: number;
  /** Only requests of this process. */
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

/** Mulberry32: small, seeded, good enough for choosing. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
