/**
 * Faults: what can go wrong, where it can stand in a flight, and how both are written on a command
 * line.
 */

/** Places are counted from 1 in the order of the flight. */
export type FaultSiteType = 'write' | 'request' | 'event' | 'call' | 'instant';

export const FAULTS = {
  'crash-before': { at: 'write', description: 'the operator is killed before it is sent' },
  'crash-after': { at: 'write', description: 'the operator is killed after it is done' },
  'crash-late': {
    at: 'write',
    description: 'the operator is killed, and the request arrives 20 s later',
  },
  conflict: { at: 'write', description: 'answered 409' },
  'response-lost': { at: 'write', description: 'done, and the response is lost' },
  slow: { at: 'write', description: 'arrives 3 s later' },
  throttled: { at: 'request', description: 'answered 429, Retry-After 2 s' },
  'server-error': { at: 'request', description: 'answered 500' },
  reset: { at: 'request', description: 'the connection is reset before it arrives' },
  'event-lost': {
    at: 'event',
    description: 'lost with all that follow for 5 s, then 410: list again',
  },
  'event-late': { at: 'event', description: 'comes 5 s later, and all that follow after it' },
  'events-merged': {
    at: 'event',
    description: 'held for 2 s; of each object only the last state is told',
  },
  'watch-broken': { at: 'event', description: 'the watch breaks before it is told' },
  'watch-silent': { at: 'event', description: 'the watch says nothing any more and does not end' },
  'watch-expired': { at: 'event', description: 'the watch ends with 410 before it is told' },
  throws: { at: 'call', description: 'the worker throws' },
  'worker-timeout': {
    at: 'call',
    description: 'the worker takes too long and ends when it is told to',
  },
  stuck: {
    at: 'call',
    description: 'the worker takes too long, is told to end and returns long after that',
  },
  'lease-lost': {
    at: 'call',
    description:
      'the operator cannot renew its lease during the call; another one, its watches 5 s late, takes over',
  },
  frozen: {
    at: 'call',
    description: 'the operator stands still for 30 s during the call; another one takes over',
  },
  restart: { at: 'instant', description: 'the operator is stopped and started' },
  crash: { at: 'instant', description: 'the operator is killed' },
  'clock-forward': { at: 'instant', description: 'the wall clock jumps forward by 2 min' },
  'clock-back': { at: 'instant', description: 'the wall clock jumps back by 2 min' },
  compacted: {
    at: 'instant',
    description: 'the API server forgets its history and all watches break',
  },
} as const satisfies Readonly<
  Record<string, { readonly at: FaultSiteType; readonly description: string }>
>;

export type FaultKind = keyof typeof FAULTS;

export interface Fault {
  readonly kind: FaultKind;
  /** Which place of its sort, from 1. */
  readonly nth: number;
}

/** A place that a flight met. Writes are counted with requests. */
export interface FaultSite {
  readonly type: Exclude<FaultSiteType, 'write'>;
  readonly nth: number;
  readonly isWrite: boolean;
  /**
   * What goes on there, without names: `3 Working patch Drone (status)`, after three acts of
   * people. Two such spots are much alike.
   */
  readonly situation: string;
}

/** Where faults can stand in a flight, in its order. */
export type FaultSites = readonly FaultSite[];

export const FAULT_KINDS = Object.keys(FAULTS) as readonly FaultKind[];

/** Another operator stands by in flights with these. */
export function needsElection(faults: readonly Fault[]): boolean {
  return faults.some(({ kind }) => kind === 'lease-lost' || kind === 'frozen');
}

export function hasClockJump(faults: readonly Fault[]): boolean {
  return faults.some(({ kind }) => kind === 'clock-forward' || kind === 'clock-back');
}

/** Can such a fault stand there? */
export function canOccurAt(kind: FaultKind, { type, isWrite }: FaultSite): boolean {
  const { at } = FAULTS[kind];
  return at === type || (at === 'write' && isWrite);
}

/** What leads to the same flight again: `example~1~crash-after@12,slow@30`. */
export interface ReplayToken {
  readonly scenario: string;
  readonly seed: number;
  readonly faults: readonly Fault[];
}

export function formatToken({ scenario, seed, faults }: ReplayToken): string {
  return `${scenarioSlug(scenario)}~${seed}~${faults.map(({ kind, nth }) => `${kind}@${nth}`).join(',')}`;
}

/** @throws Error that says what is wrong with the text */
export function parseToken(token: string): ReplayToken {
  const [scenario, seed, list, ...rest] = token.split('~');
  if (!scenario || list === undefined || rest.length > 0 || !/^\d+$/.test(seed ?? '')) {
    throw new Error(`'${token}' is not a replay token; one looks like example~1~crash-after@12`);
  }
  const faults = list === '' ? [] : list.split(',').map((part) => parseFault(part));
  return { scenario, seed: Number(seed), faults };
}

function parseFault(part: string): Fault {
  const [kind, nth, ...rest] = part.split('@');
  if (kind === undefined || !(kind in FAULTS)) {
    throw new Error(`there is no fault '${kind}'; faults are ${FAULT_KINDS.join(', ')}`);
  }
  if (rest.length > 0 || !/^[1-9]\d*$/.test(nth ?? '')) {
    throw new Error(`'${part}' does not say where the fault stands; one looks like ${kind}@12`);
  }
  return { kind: kind as FaultKind, nth: Number(nth) };
}

/** A scenario's name as one word. */
export function scenarioSlug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^-|-$/g, '');
}
