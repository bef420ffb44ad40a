/**
 * Faults: what can go wrong, where it can stand in a flight, and how both are written on a command
 * line.
 */

/** Places are counted from 1 in the order of the flight. */
export type Place = 'write' | 'request' | 'event' | 'call' | 'instant';

export const FAULTS = {
  'crash-before': { at: 'write', says: 'the operator is killed before it is sent' },
  'crash-after': { at: 'write', says: 'the operator is killed after it is done' },
  'crash-late': { at: 'write', says: 'the operator is killed, and the request arrives 20 s later' },
  conflict: { at: 'write', says: 'answered 409' },
  'answer-lost': { at: 'write', says: 'done, and the answer is lost' },
  slow: { at: 'write', says: 'arrives 3 s later' },
  throttled: { at: 'request', says: 'answered 429, Retry-After 2 s' },
  'server-error': { at: 'request', says: 'answered 500' },
  reset: { at: 'request', says: 'the connection is reset before it arrives' },
  'event-lost': { at: 'event', says: 'lost with all that follow for 5 s, then 410: list again' },
  'event-late': { at: 'event', says: 'comes 5 s later, and all that follow after it' },
  'events-merged': {
    at: 'event',
    says: 'held for 2 s; of each object only the last state is told',
  },
  'watch-broken': { at: 'event', says: 'the watch breaks before it is told' },
  'watch-silent': { at: 'event', says: 'the watch says nothing any more and does not end' },
  'watch-expired': { at: 'event', says: 'the watch ends with 410 before it is told' },
  throws: { at: 'call', says: 'the worker throws' },
  overtime: { at: 'call', says: 'the worker takes too long and ends when it is told to' },
  stuck: {
    at: 'call',
    says: 'the worker takes too long, is told to end and returns long after that',
  },
  'lease-lost': {
    at: 'call',
    says: 'the operator cannot renew its lease during the call; another one, its watches 5 s late, takes over',
  },
  frozen: {
    at: 'call',
    says: 'the operator stands still for 30 s during the call; another one takes over',
  },
  restart: { at: 'instant', says: 'the operator is stopped and started' },
  crash: { at: 'instant', says: 'the operator is killed' },
  'clock-forward': { at: 'instant', says: 'the wall clock jumps forward by 2 min' },
  'clock-back': { at: 'instant', says: 'the wall clock jumps back by 2 min' },
  compacted: { at: 'instant', says: 'the API server forgets its history and all watches break' },
} as const satisfies Readonly<Record<string, { readonly at: Place; readonly says: string }>>;

export type FaultKind = keyof typeof FAULTS;

export interface Fault {
  readonly kind: FaultKind;
  /** Which place of its sort, from 1. */
  readonly nth: number;
}

/** A place that a flight met. Writes are counted with requests. */
export interface Spot {
  readonly sort: Exclude<Place, 'write'>;
  readonly nth: number;
  readonly write: boolean;
  /**
   * What goes on there, without names: `3 Working patch Drone (status)`, after three acts of
   * people. Two such spots are much alike.
   */
  readonly what: string;
}

/** Where faults can stand in a flight, in its order. */
export type Places = readonly Spot[];

export const KINDS = Object.keys(FAULTS) as readonly FaultKind[];

/** Another operator stands by in flights with these. */
export function needsElection(faults: readonly Fault[]): boolean {
  return faults.some(({ kind }) => kind === 'lease-lost' || kind === 'frozen');
}

export function jumps(faults: readonly Fault[]): boolean {
  return faults.some(({ kind }) => kind === 'clock-forward' || kind === 'clock-back');
}

/** Can such a fault stand there? */
export function fits(kind: FaultKind, { sort, write }: Spot): boolean {
  const { at } = FAULTS[kind];
  return at === sort || (at === 'write' && write);
}

/** What leads to the same flight again: `example~1~crash-after@12,slow@30`. */
export interface Token {
  readonly scenario: string;
  readonly seed: number;
  readonly faults: readonly Fault[];
}

export function tokenText({ scenario, seed, faults }: Token): string {
  return `${slug(scenario)}~${seed}~${faults.map(({ kind, nth }) => `${kind}@${nth}`).join(',')}`;
}

/** @throws Error that says what is wrong with the text */
export function parseToken(text: string): Token {
  const [scenario, seed, list, ...rest] = text.split('~');
  if (!scenario || list === undefined || rest.length > 0 || !/^\d+$/.test(seed ?? '')) {
    throw new Error(`'${text}' is not a replay token; one looks like example~1~crash-after@12`);
  }
  const faults = list === '' ? [] : list.split(',').map((part) => parseFault(part));
  return { scenario, seed: Number(seed), faults };
}

function parseFault(text: string): Fault {
  const [kind, nth, ...rest] = text.split('@');
  if (kind === undefined || !(kind in FAULTS)) {
    throw new Error(`there is no fault '${kind}'; faults are ${KINDS.join(', ')}`);
  }
  if (rest.length > 0 || !/^[1-9]\d*$/.test(nth ?? '')) {
    throw new Error(`'${text}' does not say where the fault stands; one looks like ${kind}@12`);
  }
  return { kind: kind as FaultKind, nth: Number(nth) };
}

/** A scenario's name as one word. */
export function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^-|-$/g, '');
}
