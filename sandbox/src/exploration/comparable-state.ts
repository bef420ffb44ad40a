/**
 * What is in a cluster when it rests, without what may differ between two flights: times, uids,
 * versions, messages.
 */
import type { KubeObject, Scheduler } from 'autopilot-runtime/internal';
import { appliedAnnotation, approveAnnotation, keyString } from 'autopilot-runtime/internal';

/** Objects in their comparable form, by `Kind namespace/name`. */
export type ComparableState = ReadonlyMap<string, unknown>;

/** Kinds that tell what happened rather than what is. */
const IGNORED_KINDS = new Set(['Event', 'Lease', 'CustomResourceDefinition']);
/** What the server chooses by itself. */
const SERVER_CHOSEN_FIELDS: Readonly<Record<string, readonly string[]>> = {
  Service: ['spec.clusterIP', 'spec.clusterIPs', 'spec.healthCheckNodePort'],
};
const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Characters of a value that are shown. */
const MAX_SHOWN_CHARACTERS = 160;

interface ComparableCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
}

/** @param ignoredFields fields that may differ: `Kind.path.to.field`. */
export function comparableStateOf(
  objects: readonly KubeObject[],
  scheduler: Scheduler,
  ignoredFields: readonly string[] = [],
): ComparableState {
  const names = new Map(
    objects.map(({ kind, metadata }) => [
      metadata.uid ?? '',
      `<uid of ${kind} ${keyString(metadata)}>`,
    ]),
  );
  const { group } = scheduler.resource;
  const [applied, approve] = [appliedAnnotation(group), approveAnnotation(group)];
  const compared = objects.filter(
    ({ kind, metadata }) =>
      !IGNORED_KINDS.has(kind) && !(kind === 'Namespace' && metadata.name.startsWith('kube-')),
  );
  return new Map(
    compared
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
        for (const path of SERVER_CHOSEN_FIELDS[kind] ?? []) {
          deletePath(whole, path.split('.'));
        }
        for (const path of ignoredFields) {
          if (path.startsWith(`${kind}.`)) {
            deletePath(whole, path.split('.').slice(1));
          }
        }
        return [`${kind} ${keyString(metadata)}`, toComparable(whole, names)];
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
  } = status as Record<string, unknown> & { readonly conditions?: readonly ComparableCondition[] };
  const known = conditions.map(({ type, status: value, reason }) =>
    `${type}=${value} ${reason ?? ''}`.trim(),
  );
  return { ...rest, observed: observedGeneration === generation, conditions: known.sort() };
}

function toComparable(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') {
    return TIME.test(value) ? '<time>' : value.replace(UID, (uid) => names.get(uid) ?? uid);
  }
  if (Array.isArray(value)) {
    return value.map((item) => toComparable(item, names));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, toComparable(inner, names)]),
  );
}

function deletePath(value: unknown, [first, ...rest]: readonly string[]): void {
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
      deletePath((record[first] = { ...inner }), rest);
    }
  }
}

/** How two ends differ, one line for each place; empty when they do not. */
export function compareStates(
  expected: ComparableState,
  actual: ComparableState,
): readonly string[] {
  const lines: string[] = [];
  for (const name of new Set([...expected.keys(), ...actual.keys()])) {
    if (!actual.has(name)) {
      lines.push(`${name} is missing`);
    } else if (!expected.has(name)) {
      lines.push(`${name} is there and should not be`);
    } else {
      compareValues(name, expected.get(name), actual.get(name), lines);
    }
  }
  return lines;
}

function compareValues(path: string, expected: unknown, actual: unknown, lines: string[]): void {
  if (isPlainObject(expected) && isPlainObject(actual)) {
    for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      compareValues(`${path}.${name}`, expected[name], actual[name], lines);
    }
    return;
  }
  const [expectedText, actualText] = [JSON.stringify(expected), JSON.stringify(actual)];
  if (expectedText === actualText) {
    return;
  }
  const from = commonLength(expectedText, actualText);
  lines.push(
    `${path} is ${shorten(actualText, from)} and should be ${shorten(expectedText, from)}`,
  );
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shorten(text: string | undefined, from: number): string {
  if (text === undefined) {
    return 'absent';
  }
  const start = text.length <= MAX_SHOWN_CHARACTERS ? 0 : Math.max(0, from - 30);
  return `${start > 0 ? '…' : ''}${text.slice(start, start + MAX_SHOWN_CHARACTERS)}${text.length > start + MAX_SHOWN_CHARACTERS ? '…' : ''}`;
}

function commonLength(a = '', b = ''): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) {
    length++;
  }
  return length;
}
