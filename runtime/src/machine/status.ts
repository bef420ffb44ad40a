/**
 * The one status PATCH of a sync: a merge patch of the difference, guarded by resourceVersion. Pure.
 *
 * Conditions follow kstatus, which Helm 4, Argo CD and Flux wait by: Ready is always there; Reconciling and Stalled are there only
 * while true. (https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus)
 */
import type { KubeObject } from '../kube/object.ts';
import type { PhaseDefinition } from '../scheduler.ts';
import type { Condition, HistoryEntry, Status } from './resource.ts';
import { isReady, OUR_STATUS_FIELDS, statusOf } from './resource.ts';

const HISTORY = 10;

/** How the sync ended, as far as status shows it. */
export type Situation =
  | { readonly kind: 'ok'; readonly message?: string }
  /** Nothing wrong; something is not there yet, or a person holds it up. */
  | { readonly kind: 'waiting'; readonly reason: string; readonly message: string }
  /** Comes again with backoff. */
  | { readonly kind: 'failing'; readonly reason: string; readonly message: string }
  /** No retry can help. */
  | { readonly kind: 'stalled'; readonly reason: string; readonly message: string };

export interface StatusChange {
  readonly phase: PhaseDefinition;
  readonly situation: Situation;
  /** Why the phase changed, for the history. */
  readonly reason?: string;
  readonly statusInfo?: Readonly<Record<string, unknown>> | undefined;
  readonly step?: boolean | undefined;
  /** Has the machine acted on this generation? Then observedGeneration follows. */
  readonly observed: boolean;
}

/** The whole status after the change. Times come from `now`; a condition that keeps its status keeps its time. */
export function nextStatus(resource: KubeObject, change: StatusChange, now: Date): Record<string, unknown> {
  const old = statusOf(resource);
  const at = now.toISOString();
  const entering = old.phase !== change.phase.name && !(change.phase.formerly?.includes(old.phase ?? '') ?? false);
  const generation = resource.metadata.generation ?? 0;
  const known = (old.observedGeneration ?? -1) >= 0;
  const started = entering || old.autopilot?.phaseStartedAt === undefined ? secondsOf(at) : old.autopilot.phaseStartedAt;
  const entry: HistoryEntry | undefined =
    entering && old.phase !== undefined ? { from: old.phase, to: change.phase.name, at: secondsOf(at), reason: change.reason ?? 'Worker' } : undefined;
  const history = [...(entry === undefined ? [] : [entry]), ...(old.autopilot?.history ?? [])].slice(0, HISTORY);
  const lastStep = change.step === true ? at : entering ? undefined : old.autopilot?.lastStep;
  const info = change.statusInfo ?? userFields(resource);
  return {
    ...info,
    phase: change.phase.name,
    observedGeneration: change.observed ? generation : known ? old.observedGeneration : generation,
    conditions: conditionsOf(old, change, generation, secondsOf(at)),
    autopilot: { phaseStartedAt: started, ...(lastStep === undefined ? {} : { lastStep }), ...(history.length === 0 ? {} : { history }) },
  };
}

/** The user's fields of status. */
export function userFields(resource: KubeObject): Record<string, unknown> {
  const ours: readonly string[] = OUR_STATUS_FIELDS;
  return Object.fromEntries(Object.entries((resource.status ?? {}) as Record<string, unknown>).filter(([name]) => !ours.includes(name)));
}

function conditionsOf(old: Status, change: StatusChange, generation: number, at: string): Condition[] {
  const { phase, situation } = change;
  const wanted: Pick<Condition, 'type' | 'status' | 'reason' | 'message'>[] = [];
  const ready = isReady(phase);
  switch (situation.kind) {
    case 'ok': {
      const message = situation.message ?? phase.description ?? '';
      wanted.push({ type: 'Ready', status: ready ? 'True' : 'False', reason: phase.name, message });
      if (phase.final === true && !ready) wanted.push({ type: 'Stalled', status: 'True', reason: phase.name, message });
      else if (!ready) wanted.push({ type: 'Reconciling', status: 'True', reason: phase.name, message });
      break;
    }
    case 'waiting':
    case 'failing':
      wanted.push({ type: 'Ready', status: 'False', reason: situation.reason, message: situation.message });
      wanted.push({ type: 'Reconciling', status: 'True', reason: situation.reason, message: situation.message });
      break;
    case 'stalled':
      wanted.push({ type: 'Ready', status: 'False', reason: situation.reason, message: situation.message });
      wanted.push({ type: 'Stalled', status: 'True', reason: situation.reason, message: situation.message });
      break;
    default:
      situation satisfies never;
  }
  return wanted.map((condition) => {
    const before = old.conditions?.find(({ type }) => type === condition.type);
    const lastTransitionTime = before !== undefined && before.status === condition.status ? before.lastTransitionTime : at;
    return { ...condition, observedGeneration: generation, lastTransitionTime };
  });
}

/** metav1.Time has whole seconds. */
function secondsOf(iso: string): string {
  return iso.replace(/\.\d+Z$/, 'Z');
}

/** The merge patch (RFC 7386) that turns `from` into `to`; undefined when nothing differs. Arrays are replaced whole. */
export function mergePatch(from: unknown, to: unknown): unknown {
  if (!isMap(from) || !isMap(to)) return equal(from, to) ? undefined : to;
  const patch: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    if (to[name] === undefined) {
      if (from[name] !== undefined) patch[name] = null;
      continue;
    }
    const inner = name in from ? mergePatch(from[name], to[name]) : to[name];
    if (inner !== undefined) patch[name] = inner;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deep equality of JSON values. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => equal(item, b[index]));
  if (!isMap(a) || !isMap(b)) return false;
  const names = Object.keys(a).filter((name) => a[name] !== undefined);
  return names.length === Object.keys(b).filter((name) => b[name] !== undefined).length && names.every((name) => equal(a[name], b[name]));
}
