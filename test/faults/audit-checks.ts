/**
 * What must have held all the time, judged afterwards by what others have written down: the API
 * server's audit log says who wrote what, and who held the lease; the processes' own logs say when
 * each worker began and ended.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { AuditRule } from '../realparts/index.ts';
import { NEXT, PARCELS } from './parcel-operator.ts';

export const AUDIT_RULES: readonly AuditRule[] = [
  { level: 'None', verbs: ['get', 'list', 'watch'] },
  {
    level: 'Request',
    resources: [
      { group: 'coordination.k8s.io', resources: ['leases'] },
      { group: PARCELS.group, resources: [`${PARCELS.plural}/status`] },
    ],
  },
];

export interface AuditResult {
  /** Writes of operators that were done, Events and the lease aside. */
  readonly writes: number;
  /** Writes by a process while another process held the lease. */
  readonly byNonLeaders: readonly string[];
  /** How often the lease went to another process. */
  readonly leaders: number;
  readonly transitions: number;
  readonly wrongTransitions: readonly string[];
}

interface AuditLine {
  readonly verb: string;
  readonly userAgent?: string;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly responseStatus?: { readonly code?: number };
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly requestObject?: {
    readonly spec?: { readonly holderIdentity?: string };
    readonly status?: { readonly autopilot?: { readonly history?: readonly PhaseTransition[] } };
  };
}

interface PhaseTransition {
  readonly from: string;
  readonly to: string;
  readonly at: string;
}

interface LeaseRenewal {
  readonly by: string;
  readonly asked: string;
  readonly done: string;
}

export async function checkAudit(file: string): Promise<AuditResult> {
  const writes: (Pick<LeaseRenewal, 'by' | 'asked'> & { readonly what: string })[] = [];
  const held: LeaseRenewal[] = [];
  const moves = new Set<string>();
  const wrong = new Set<string>();
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const event = parsed(line);
    const by = /from (\S+)$/.exec(event?.userAgent ?? '')?.[1];
    if (
      event?.objectRef === undefined ||
      by === undefined ||
      (event.responseStatus?.code ?? 500) >= 300
    ) {
      continue;
    }
    const {
      verb,
      requestReceivedTimestamp: asked,
      stageTimestamp: done,
      objectRef,
      requestObject,
    } = event;
    const { resource, subresource, namespace = '', name = '' } = objectRef;
    if (resource === 'events') {
      continue;
    }
    if (resource === 'leases') {
      const holder = requestObject?.spec?.holderIdentity?.replace(/_[0-9a-f]{8}$/, '');
      if (holder) {
        held.push({ by: holder, asked, done });
      }
      continue;
    }
    writes.push({
      by,
      asked,
      what: `${by} at ${asked}: ${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`} ${namespace}/${name}`,
    });
    for (const { from, to, at } of requestObject?.status?.autopilot?.history ?? []) {
      moves.add(`${namespace}/${name} ${at} ${from} ${to}`);
      if (from !== to && NEXT[from]?.includes(to) !== true) {
        wrong.add(`${namespace}/${name}: ${from} to ${to} at ${at}`);
      }
    }
  }
  return {
    writes: writes.length,
    byNonLeaders: late(writes, held),
    leaders: held.filter(({ by }, index) => by !== held[index - 1]?.by).length,
    transitions: moves.size,
    wrongTransitions: [...wrong],
  };
}

/**
 * The log says when each write was asked for and when it was done; who held the lease between the
 * two is not known, and not judged.
 */
function late(
  writes: readonly { readonly by: string; readonly asked: string; readonly what: string }[],
  held: readonly LeaseRenewal[],
): readonly string[] {
  const asked = held.toSorted((a, b) => (a.asked < b.asked ? -1 : 1));
  const done = held.toSorted((a, b) => (a.done < b.done ? -1 : 1));
  return writes.flatMap(({ by, asked: at, what }) => {
    const could = last(asked, (one) => one.asked <= at)?.by;
    const did = last(done, (one) => one.done <= at)?.by;
    return by === could || by === did ? [] : [`${what}, while ${did} held the lease`];
  });
}

/** The last one for which it holds, of a list that is sorted by it. */
function last<T>(sorted: readonly T[], holds: (one: T) => boolean): T | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(sorted[middle] as T)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return sorted[low - 1];
}

function parsed(line: string): AuditLine | undefined {
  try {
    return JSON.parse(line) as AuditLine;
  } catch {
    // The API server was killed while it wrote this line.
    return undefined;
  }
}

/** The log of one process, and the time in microseconds at which it was killed or frozen. */
export interface ProcessLog {
  readonly name: string;
  readonly logs: string;
  readonly stopped?: number;
}

interface LoggedReconcile {
  readonly uid: string;
  readonly from: number;
  readonly to: number;
  readonly by: string;
}

/**
 * Counts the reconciles and finds concurrent ones of one resource. A reconcile ends at the latest
 * when its process is killed or frozen.
 */
export function checkReconciles(lives: readonly ProcessLog[]): {
  readonly reconciles: number;
  readonly overlapping: readonly string[];
} {
  const reconciles = lives
    .flatMap(reconcilesOf)
    .sort((a, b) => a.uid.localeCompare(b.uid) || a.from - b.from);
  const overlapping = reconciles.flatMap((reconcile, index) => {
    const before = reconciles[index - 1];
    return before === undefined || before.uid !== reconcile.uid || before.to <= reconcile.from
      ? []
      : [
          `${reconcile.uid}: ${before.by} until ${before.to}, ${reconcile.by} from ${reconcile.from}`,
        ];
  });
  return { reconciles: reconciles.length, overlapping };
}

function reconcilesOf({ name, logs, stopped = Infinity }: ProcessLog): readonly LoggedReconcile[] {
  const open = new Map<string, number>();
  const reconciles: LoggedReconcile[] = [];
  const closed = (uid: string, from: number, to: number): void => {
    open.delete(uid);
    reconciles.push({ uid, from, to: Math.max(from, Math.min(to, stopped)), by: name });
  };
  for (const line of logs.split('\n')) {
    if (!line.includes('"at":')) {
      continue;
    }
    const { message, uid, at } = JSON.parse(line) as { message: string; uid: string; at: number };
    const from = open.get(uid);
    if (message === 'end' && from !== undefined) {
      closed(uid, from, at);
    } else if (message === 'begin') {
      // Twice without an end between: they overlap, and are to be found so.
      if (from !== undefined) {
        closed(uid, from, at + 1);
      }
      open.set(uid, at);
    }
  }
  for (const [uid, from] of open) {
    closed(uid, from, stopped);
  }
  return reconciles;
}
