/**
 * The objects of a cluster without what may differ between two runs: times, uids, resourceVersions
 * and messages.
 */
import type { KubeObject, Scheduler } from 'autopilot-runtime';
import { appliedAnnotation, approveAnnotation, keyString } from 'autopilot-runtime/internal';

/** Objects in their comparable form, by `Kind namespace/name`. */
export type ComparableState = ReadonlyMap<string, unknown>;

/** Kinds that are not compared: records of what happened, and definitions. */
const IGNORED_KINDS = new Set(['Event', 'Lease', 'CustomResourceDefinition']);
/** Fields whose values the API server chooses, by kind. */
const SERVER_CHOSEN_FIELDS: Readonly<Record<string, readonly string[]>> = {
  Service: ['spec.clusterIP', 'spec.clusterIPs', 'spec.healthCheckNodePort'],
};
const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Characters of a value that a difference shows. */
const MAX_SHOWN_CHARACTERS = 160;
/** Characters before the first difference that are shown of a longer value. */
const SHOWN_BEFORE_DIFFERENCE = 30;

interface ComparableCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
}

/**
 * @param ignoredFields fields that are not compared: `Kind.path.to.field`.
 * @returns the comparable form of all objects, sorted by their names.
 */
export function comparableStateOf(
  objects: readonly KubeObject[],
  scheduler: Scheduler,
  ignoredFields: readonly string[] = [],
): ComparableState {
  const namesByUid = new Map(
    objects.map(({ kind, metadata }) => [
      metadata.uid ?? '',
      `<uid of ${kind} ${keyString(metadata)}>`,
    ]),
  );
  return new Map(
    objects
      .filter(isCompared)
      .map((object): [string, unknown] => {
        const comparable = withoutVolatileFields(object, scheduler);
        deleteIgnoredFields(comparable, object.kind, ignoredFields);
        return [
          `${object.kind} ${keyString(object.metadata)}`,
          replaceVolatileValues(comparable, namesByUid),
        ];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function isCompared({ kind, metadata }: KubeObject): boolean {
  const isSystemNamespace = kind === 'Namespace' && metadata.name.startsWith('kube-');
  return !IGNORED_KINDS.has(kind) && !isSystemNamespace;
}

function withoutVolatileFields(object: KubeObject, scheduler: Scheduler): object {
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
  const comparedAnnotations = comparableAnnotations(annotations, scheduler.resource.group);
  const isResource = kind === scheduler.resource.kind;
  return {
    kind,
    ...rest,
    metadata: {
      ...kept,
      ...(Object.keys(comparedAnnotations).length > 0 && { annotations: comparedAnnotations }),
      ...(deletionTimestamp !== undefined && { deleting: true }),
    },
    ...(status !== undefined && {
      status: isResource
        ? comparableStatus(status, generation)
        : withRelativeGeneration(status, generation),
    }),
  };
}

function comparableAnnotations(
  annotations: Readonly<Record<string, string>>,
  group: string,
): Readonly<Record<string, string>> {
  const { [appliedAnnotation(group)]: _, ...compared } = annotations;
  const approve = approveAnnotation(group);
  const approval = compared[approve];
  // The token of an approval is random.
  return approval === undefined
    ? compared
    : { ...compared, [approve]: approval.replace(/@.*/, '@<token>') };
}

/** Generations count changes, so two runs differ in them. */
function withRelativeGeneration(status: unknown, generation: number | undefined): unknown {
  const { observedGeneration, ...rest } = status as Record<string, unknown>;
  return typeof observedGeneration === 'number'
    ? { ...rest, observed: observedGeneration === generation }
    : status;
}

/** The phase, the conditions without times and messages, and the user's fields. */
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

function deleteIgnoredFields(object: object, kind: string, ignoredFields: readonly string[]): void {
  for (const path of SERVER_CHOSEN_FIELDS[kind] ?? []) {
    deletePath(object, path.split('.'));
  }
  for (const path of ignoredFields) {
    if (path.startsWith(`${kind}.`)) {
      deletePath(object, path.split('.').slice(1));
    }
  }
}

/** Replaces times and uids, which differ between two runs. */
function replaceVolatileValues(value: unknown, namesByUid: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') {
    return TIME.test(value) ? '<time>' : value.replace(UID, (uid) => namesByUid.get(uid) ?? uid);
  }
  if (Array.isArray(value)) {
    return value.map((item) => replaceVolatileValues(item, namesByUid));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, replaceVolatileValues(inner, namesByUid)]),
  );
}

function deletePath(value: unknown, [first, ...rest]: readonly string[]): void {
  if (typeof value !== 'object' || value === null || first === undefined) {
    return;
  }
  const record = value as Record<string, unknown>;
  if (rest.length === 0) {
    delete record[first];
    return;
  }
  const inner = record[first];
  if (typeof inner !== 'object' || inner === null) {
    return;
  }
  // Objects of the cluster are frozen: change a copy.
  const copy = { ...inner };
  record[first] = copy;
  deletePath(copy, rest);
}

/** @returns the differences between two states, one line for each field. Empty: they are equal. */
export function compareStates(
  expected: ComparableState,
  actual: ComparableState,
): readonly string[] {
  const lines: string[] = [];
  for (const name of new Set([...expected.keys(), ...actual.keys()])) {
    if (!actual.has(name)) {
      lines.push(`${name} is missing`);
    } else if (!expected.has(name)) {
      lines.push(`${name} exists and should not`);
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
  const [expectedJson, actualJson] = [JSON.stringify(expected), JSON.stringify(actual)];
  if (expectedJson === actualJson) {
    return;
  }
  const from = commonLength(expectedJson, actualJson);
  lines.push(
    `${path} is ${shorten(actualJson, from)} and should be ${shorten(expectedJson, from)}`,
  );
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The part of a value around its first difference. */
function shorten(json: string | undefined, firstDifference: number): string {
  if (json === undefined) {
    return 'absent';
  }
  const start =
    json.length <= MAX_SHOWN_CHARACTERS
      ? 0
      : Math.max(0, firstDifference - SHOWN_BEFORE_DIFFERENCE);
  const end = start + MAX_SHOWN_CHARACTERS;
  return `${start > 0 ? '…' : ''}${json.slice(start, end)}${json.length > end ? '…' : ''}`;
}

function commonLength(a = '', b = ''): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) {
    length++;
  }
  return length;
}
