/** The faults that exploration injects, and the tokens that name them on the command line. */

/**
 * The kinds of fault sites. A write is a request that changes an object. The types after `instant`
 * are visited once in each situation:
 *
 * - `resource`: a resource exists.
 * - `approval`: a resource waits for an approval.
 * - `output`: an output of a resource exists.
 * - `claim`: a resource has claimed fields of an object of another owner.
 * - `former`: a resource has given all claims of an object back, or its output was deleted.
 * - `kind`: the operator sends a request for a kind.
 * - `query`: a worker queries metrics.
 * - `rollout`: the simulated Deployment controller rolls a Deployment out.
 */
export type FaultSiteType =
  | 'write'
  | 'request'
  | 'event'
  | 'call'
  | 'instant'
  | 'resource'
  | 'approval'
  | 'output'
  | 'claim'
  | 'former'
  | 'kind'
  | 'query'
  | 'rollout';

/** Every kind of fault: the type of site where it is injected, and what happens there. */
export const FAULTS = {
  'crash-before': { at: 'write', description: 'the operator is killed before the request is sent' },
  'crash-after': { at: 'write', description: 'the operator is killed after the request succeeded' },
  'crash-late': {
    at: 'write',
    description: 'the operator is killed, and the request arrives 20 s later',
  },
  conflict: { at: 'write', description: 'the response is 409' },
  'response-lost': { at: 'write', description: 'the request succeeds and its response is lost' },
  slow: { at: 'write', description: 'the request arrives 3 s later' },
  throttled: { at: 'request', description: 'the response is 429 with Retry-After: 2' },
  'server-error': { at: 'request', description: 'the response is 500' },
  reset: { at: 'request', description: 'the connection is reset before the request arrives' },
  'event-lost': {
    at: 'event',
    description: 'the event and all events of the next 5 s are lost, then the watch ends with 410',
  },
  'event-late': {
    at: 'event',
    description: 'the event comes 5 s later, and all following events after it',
  },
  'events-merged': {
    at: 'event',
    description: 'events are held for 2 s; only the last state of each object is delivered',
  },
  'watch-broken': { at: 'event', description: 'the watch breaks before the event is delivered' },
  'watch-silent': { at: 'event', description: 'the watch delivers nothing more and does not end' },
  'watch-expired': { at: 'event', description: 'the watch ends with 410 before the event' },
  throws: { at: 'call', description: 'the worker throws' },
  'worker-timeout': {
    at: 'call',
    description: 'the worker exceeds its timeout and ends when its signal is aborted',
  },
  stuck: {
    at: 'call',
    description: 'the worker exceeds its timeout and returns long after its signal is aborted',
  },
  'lease-lost': {
    at: 'call',
    description:
      'the operator cannot renew its lease during the call; another one takes over, with watches 5 s late',
  },
  frozen: {
    at: 'call',
    description: 'the process is suspended for 30 s during the call; another one takes over',
  },
  restart: { at: 'instant', description: 'the operator is stopped and started' },
  crash: { at: 'instant', description: 'the operator is killed' },
  'clock-forward': { at: 'instant', description: 'the wall clock jumps forward by 2 min' },
  'clock-back': { at: 'instant', description: 'the wall clock jumps back by 2 min' },
  compacted: {
    at: 'instant',
    description: 'the API server compacts its history and all watches break',
  },
  'resource-deleted': { at: 'resource', description: 'a person deletes the resource' },
  'resource-replaced': {
    at: 'resource',
    description: 'a person replaces the resource with its manifest: finalizers are lost',
  },
  'resource-paused': { at: 'resource', description: 'a person pauses the resource for 2 min' },
  'wrong-approval': {
    at: 'approval',
    description: 'a person approves with a token that was never given, and removes it after 2 min',
  },
  'output-edited': { at: 'output', description: 'a person changes a field of the output' },
  'output-deleted': { at: 'output', description: 'a person deletes the output' },
  'claim-edited': {
    at: 'claim',
    description: 'the owner changes a claimed field, and puts it back after 2 min',
  },
  'claim-renamed': {
    at: 'claim',
    description: 'the owner renames the list element of a claim, and names it back after 2 min',
  },
  'claim-replaced': {
    at: 'claim',
    description: 'the owner replaces the object with its manifest: claims and values are lost',
  },
  'claim-recreated': {
    at: 'claim',
    description: 'the owner deletes the object and creates it again 10 s later',
  },
  'owner-applies': {
    at: 'claim',
    description: 'the owner applies the manifest by server-side apply, as helm upgrade does',
  },
  'output-contested': {
    at: 'output',
    description:
      'for 3 min another controller changes a field of the output whenever it is repaired',
  },
  'claim-contested': {
    at: 'claim',
    description: 'for 3 min a GitOps tool applies the manifest of the owner after each claim',
  },
  'old-copy': {
    at: 'former',
    description: 'a person applies a copy of the object from the time of the claim',
  },
  'kind-broken': { at: 'kind', description: 'all requests for the kind get 500 for 2 min' },
  'kind-gone': {
    at: 'kind',
    description: 'the CRD and its objects are deleted; the owners install them again 2 min later',
  },
  'query-unreachable': { at: 'query', description: 'Prometheus is unreachable for 5 min' },
  'query-slow': { at: 'query', description: 'each query takes 20 s for 5 min' },
  'query-silent': { at: 'query', description: 'queries return no data for 5 min' },
  'query-nan': { at: 'query', description: 'queries return NaN for 5 min' },
  'query-stale': {
    at: 'query',
    description: 'queries return their results of before for 5 min, and no data if there were none',
  },
  'rollout-failed': {
    at: 'rollout',
    description: 'the rollout of the Deployment exceeds its deadline, and is complete after 15 min',
  },
  'rollout-slow': {
    at: 'rollout',
    description: 'the new Pods of the Deployment are not available for 5 min',
  },
} as const satisfies Readonly<
  Record<string, { readonly at: FaultSiteType; readonly description: string }>
>;

/** A kind of fault: `crash-after`. */
export type FaultKind = keyof typeof FAULTS;

/** All kinds of faults. */
export const FAULT_KINDS = Object.keys(FAULTS) as readonly FaultKind[];

/**
 * A fault that makes no sense in a scenario: a kind of fault, or a kind of fault on objects of one
 * kind: `claim-recreated Deployment`.
 */
export type IgnoredFault = FaultKind | `${FaultKind} ${string}`;

/** One fault of a run: its kind, and the site where it is injected. */
export interface Fault {
  /** What happens. */
  readonly kind: FaultKind;
  /** Number of the site among the sites of its type, from 1, in the order of the run. */
  readonly nth: number;
}

/** @returns true if a run with these faults needs leader election and a standby process. */
export function needsElection(faults: readonly Fault[]): boolean {
  return faults.some(({ kind }) => kind === 'lease-lost' || kind === 'frozen');
}

/** @returns true if the wall clock jumps in a run with these faults. */
export function hasClockJump(faults: readonly Fault[]): boolean {
  return faults.some(({ kind }) => kind === 'clock-forward' || kind === 'clock-back');
}

/** What identifies a run, so that it can be repeated: `example~1~crash-after@12,slow@30`. */
export interface ReplayToken {
  /** Name of the scenario; in a parsed token the form that {@link scenarioSlug} makes of it. */
  readonly scenario: string;
  /** Seed of the random source. */
  readonly seed: number;
  /** Faults of the run. Empty: the baseline run. */
  readonly faults: readonly Fault[];
}

/** Formats a token as a string, for `npm run verify -- --replay`. */
export function formatToken({ scenario, seed, faults }: ReplayToken): string {
  const faultList = faults.map(({ kind, nth }) => `${kind}@${nth}`).join(',');
  return `${scenarioSlug(scenario)}~${seed}~${faultList}`;
}

/**
 * Reads a token that {@link formatToken} wrote.
 *
 * @throws Error when the string is not a token or names an unknown fault.
 */
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
    throw new Error(`'${part}' does not number the fault's site; one looks like ${kind}@12`);
  }
  return { kind: kind as FaultKind, nth: Number(nth) };
}

/** Makes one lower-case word of a scenario's name: `A bad version` becomes `a-bad-version`. */
export function scenarioSlug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^-|-$/g, '');
}
