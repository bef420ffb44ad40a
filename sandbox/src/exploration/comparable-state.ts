/**
 * What is in a cluster when it rests, without what may differ between two flights: times, uids,
 * versions, messages.
 */
import type { KubeObject, Scheduler } from 'autopilot-runtime/ports';
import { appliedAnnotation, approveAnnotation, keyString } from 'autopilot-runtime/ports';

/** Objects in their comparable form, by `Kind namespace/name`. */
export type End = ReadonlyMap<string, unknown>;

/** Kinds that tell what happened rather than what is. */
const TALK = new Set(['Event', 'Lease', 'CustomResourceDefinition']);
/** What the server chooses by itself. */
const CHOSEN: Readonly<Record<string, readonly string[]>> = {
  Service: ['spec.clusterIP', 'spec.clusterIPs', 'spec.healthCheckNodePort'],
};
const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Characters of a value that are shown. */
const SHOWN = 160;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
}

/** @param ignore fields that may differ: `Kind.path.to.field`. */
export function endOf(
  objects: readonly KubeObject[],
  scheduler: Scheduler,
  ignore: readonly string[] = [],
): End {
  const names = new Map(
    objects.map(({ kind, metadata }) => [
      metadata.uid ?? '',
      `<uid of ${kind} ${keyString(metadata)}>`,
    ]),
  );
  const { group } = scheduler.resource;
  const [applied, approve] = [appliedAnnotation(group), approveAnnotation(group)];
  const said = objects.filter(
    ({ kind, metadata }) =>
      !TALK.has(kind) && !(kind === 'Namespace' && metadata.name.startsWith('kube-')),
  );
  return new Map(
    said
      .map((object): [string, unknown] => {
        const { kind, metadata, status, ...rest } = object;
        const {
          uid: _,
          resourceVersion: __,
          generation,
          creationTimestamp: ___,
          deletionTimestamp,
          annotations = {},
          ...kept
        } = metadata;
        // The token of an approval is drawn anew for each.
        const other = Object.fromEntries(
          Object.entries(annotations).flatMap(([key, value]) =>
            key === applied
              ? []
              : [[key, key === approve ? value.replace(/@.*/, '@<token>') : value]],
          ),
        );
        const isResource = kind === scheduler.resource.kind;
        const whole = {
          kind,
          ...rest,
          metadata: {
            ...kept,
            ...(Object.keys(other).length > 0 && { annotations: other }),
            ...(deletionTimestamp !== undefined && { deleting: true }),
          },
          ...(status !== undefined && {
            status: isResource ? comparableStatus(status, generation) : status,
          }),
        };
        for (const path of CHOSEN[kind] ?? []) {
          drop(whole, path.split('.'));
        }
        for (const path of ignore) {
          if (path.startsWith(`${kind}.`)) {
            drop(whole, path.split('.').slice(1));
          }
        }
        return [`${kind} ${keyString(metadata)}`, comparable(whole, names)];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/**
 * Phase, conditions without times and messages, the user's fields; the machine's own notes are left
 * out.
 */
function comparableStatus(status: unknown, generation: number | undefined): unknown {
  const {
    conditions = [],
    autopilot: _,
    observedGeneration,
    ...rest
  } = status as Record<string, unknown> & { readonly conditions?: readonly Condition[] };
  const known = conditions.map(({ type, status: value, reason }) =>
    `${type}=${value} ${reason ?? ''}`.trim(),
  );
  return { ...rest, observed: observedGeneration === generation, conditions: known.sort() };
}

function comparable(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') {
    return TIME.test(value) ? '<time>' : value.replace(UID, (uid) => names.get(uid) ?? uid);
  }
  if (Array.isArray(value)) {
    return value.map((item) => comparable(item, names));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, comparable(inner, names)]),
  );
}

function drop(value: unknown, [first, ...rest]: readonly string[]): void {
  if (typeof value !== 'object' || value === null || first === undefined) {
    return;
  }
  const record = value as Record<string, unknown>;
  if (rest.length === 0) {
    delete record[first];
  } else {
    const inner = record[first];
    // The status of a resource is frozen in the cluster: change a copy.
    if (typeof inner === 'object' && inner !== null) {
      drop((record[first] = { ...inner }), rest);
    }
  }
}

/** How two ends differ, one line for each place; empty when they do not. */
export function differences(expected: End, found: End): readonly string[] {
  const lines: string[] = [];
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    if (!found.has(name)) {
      lines.push(`${name} is missing`);
    } else if (!expected.has(name)) {
      lines.push(`${name} is there and should not be`);
    } else {
      compare(name, expected.get(name), found.get(name), lines);
    }
  }
  return lines;
}

function compare(path: string, expected: unknown, found: unknown, lines: string[]): void {
  if (isRecord(expected) && isRecord(found)) {
    for (const name of new Set([...Object.keys(expected), ...Object.keys(found)])) {
      compare(`${path}.${name}`, expected[name], found[name], lines);
    }
    return;
  }
  const [wanted, seen] = [JSON.stringify(expected), JSON.stringify(found)];
  if (wanted === seen) {
    return;
  }
  const from = commonLength(wanted, seen);
  lines.push(`${path} is ${short(seen, from)} and should be ${short(wanted, from)}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function short(text: string | undefined, from: number): string {
  if (text === undefined) {
    return 'absent';
  }
  const start = text.length <= SHOWN ? 0 : Math.max(0, from - 30);
  return `${start > 0 ? '…' : ''}${text.slice(start, start + SHOWN)}${text.length > start + SHOWN ? '…' : ''}`;
}

function commonLength(a = '', b = ''): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) {
    length++;
  }
  return length;
}
