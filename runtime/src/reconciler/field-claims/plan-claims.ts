/**
 * Edits of single fields in somebody else's object: from what a worker wants to one JSON Patch, and
 * back. Pure.
 *
 * The patch tests uid and resourceVersion, sets the fields, and in the same request notes in
 * `<group>/held` who holds them, what
 * stood there before, and a hash of what is there now. So whatever happens between two requests,
 * every held field can be put back, and
 * a value that somebody else has written since is known as such.
 */
import type { JsonPatchOperation } from '../kube/api.ts';
import { heldAnnotation } from '../kube/names.ts';
import type { KubeObject } from '../kube/object.ts';
import { describe } from '../kube/object.ts';
import type { FieldStep, SharedField } from '../shared.ts';
import { PermanentError } from '../worker.ts';
import { OutputConflict } from './errors.ts';
import { canonical, equal, hashOf, isMap } from './json.ts';

/** One held field, as the annotation lists it. */
export interface Hold {
  readonly path: readonly FieldStep[];
  /** `Canary default/web`: for people. */
  readonly resource: string;
  readonly uid: string;
  /** What stood there; absent: nothing did. */
  readonly original?: unknown;
  /** Of the value as the server stores it. */
  readonly hash: string;
  /** Of the value as it was sent, when the server stores it in another form (with its defaults). */
  readonly sent?: string;
}

export interface Holder {
  readonly resource: string;
  readonly uid: string;
}

export interface HeldPlan {
  readonly live: KubeObject;
  /** The object with the edits. */
  readonly draft: KubeObject;
  /** Empty: there is nothing to do. */
  readonly patch: readonly JsonPatchOperation[];
  /** Held fields that were not put back, as sentences. */
  readonly left: readonly string[];
}

/** `spec.http[split].route` */
export function pathText(path: readonly FieldStep[]): string {
  return path
    .map((step, index) =>
      typeof step === 'string' ? `${index === 0 ? '' : '.'}${step}` : `[${step.name}]`,
    )
    .join('');
}

/** @throws PermanentError when the annotation was damaged. */
export function holdsOf(object: KubeObject, group: string): readonly Hold[] {
  const text = object.metadata.annotations?.[heldAnnotation(group)];
  if (text === undefined) {
    return [];
  }
  try {
    const holds: unknown = JSON.parse(text);
    if (Array.isArray(holds) && holds.every((hold) => isMap(hold) && Array.isArray(hold['path']))) {
      return holds as readonly Hold[];
    }
  } catch {
    // Said below.
  }
  throw new PermanentError(
    `the annotation ${heldAnnotation(group)} of ${describe(object)} cannot be read; mend or remove it`,
    'HeldUnreadable',
  );
}

/**
 * The patch after which the holder holds these fields. Its other holds in the object are put back
 * when they overlap, or all of them
 * when the list is `complete`.
 * @param place for messages: `outputs.virtualservices of phase Evaluating`.
 * @throws PermanentError for a path that does not lead to one place, OutputConflict for a field
 * that somebody else holds.
 */
export function planHolds(
  live: KubeObject,
  fields: readonly SharedField[],
  holder: Holder,
  group: string,
  complete: boolean,
  place: string,
): HeldPlan {
  const name = describe(live);
  const draft = structuredClone(live) as KubeObject;
  const patch: JsonPatchOperation[] = [];
  const left: string[] = [];
  const before = holdsOf(live, group);
  const own = before.filter(({ uid }) => uid === holder.uid);
  const others = before.filter(({ uid }) => uid !== holder.uid);
  fields.forEach((field, index) => {
    checkPath(field.path, `${place}: ${name}`, group);
    const twice = fields.slice(0, index).find(({ path }) => overlap(path, field.path));
    if (twice !== undefined) {
      throw new PermanentError(
        `${place}: ${name} has both ${pathText(twice.path)} and ${pathText(field.path)}, which overlap`,
      );
    }
    const taken = others.find(({ path }) => overlap(path, field.path));
    if (taken !== undefined) {
      throw new OutputConflict(
        `${pathText(field.path)} of ${name} is held by ${taken.resource}; name another route, delete that resource, or, if it is long gone, take its entry out of the annotation ${heldAnnotation(group)}`,
      );
    }
  });

  const empty = new Set([...fields, ...own].flatMap(({ path }) => addMarks(draft, path)));
  const put = (found: Found, path: readonly FieldStep[], value: unknown): void => {
    const [first, marks] = path;
    if (
      first === 'metadata' &&
      typeof marks === 'string' &&
      value !== undefined &&
      empty.delete(marks)
    ) {
      patch.push({ op: 'add', path: `/metadata/${marks}`, value: {} });
    }
    set(found, value, patch);
  };
  const holds: Hold[] = [...others];
  for (const hold of own) {
    if (fields.some(({ path }) => equal(path, hold.path))) {
      continue;
    }
    if (!complete && !fields.some(({ path }) => overlap(path, hold.path))) {
      holds.push(hold);
      continue;
    }
    const found = locate(draft, hold.path);
    if (typeof found === 'string') {
      left.push(`${pathText(hold.path)} of ${name} was not put back: ${found}`);
    } else if (hashOf(found.value) !== hold.hash) {
      left.push(
        `${pathText(hold.path)} of ${name} was not put back: somebody has changed it since`,
      );
    } else {
      put(found, hold.path, hold.original);
    }
  }
  for (const { path, value } of fields) {
    const found = locate(draft, path);
    if (typeof found === 'string') {
      throw new PermanentError(
        `${place}: ${pathText(path)} of ${name} cannot be set: ${found}`,
        'NoSuchField',
      );
    }
    const hold = own.find((known) => equal(known.path, path));
    const wanted = hashOf(value);
    const current = hashOf(found.value);
    if (hold !== undefined && (hold.sent ?? hold.hash) === wanted && hold.hash === current) {
      holds.push(hold);
      continue;
    }
    const original = hold === undefined ? found.value : hold.original;
    if (current !== wanted) {
      put(found, path, value);
    }
    holds.push({ path, ...holder, ...(original !== undefined && { original }), hash: wanted });
  }
  note(empty.has('annotations') ? live : draft, sorted(before), sorted(holds), group, patch);
  return { live, draft, patch: guarded(live, patch), left };
}

/**
 * What is still to be noted after our own write: hashes of fields that the server stores in another
 * form than they were sent in.
 * Undefined: nothing.
 */
export function planStored(
  answer: KubeObject,
  holder: Holder,
  group: string,
): readonly JsonPatchOperation[] | undefined {
  const before = holdsOf(answer, group);
  const after = before.map((hold): Hold => {
    if (hold.uid !== holder.uid || hold.sent !== undefined) {
      return hold;
    }
    const found = locate(answer, hold.path);
    const stored = typeof found === 'string' ? hold.hash : hashOf(found.value);
    return stored === hold.hash ? hold : { ...hold, hash: stored, sent: hold.hash };
  });
  const patch: JsonPatchOperation[] = [];
  note(answer, before, after, group, patch);
  return patch.length === 0 ? undefined : guarded(answer, patch);
}

/** Have these fields the same values in both? */
export function sameAt(a: KubeObject, b: KubeObject, fields: readonly SharedField[]): boolean {
  const valueIn = (object: KubeObject, { path }: SharedField): unknown => {
    const found = locate(object, path);
    return typeof found === 'string' ? undefined : found.value;
  };
  return fields.every((field) => equal(valueIn(a, field), valueIn(b, field)));
}

interface Found {
  readonly parent: Record<string, unknown> | unknown[];
  readonly key: string | number;
  readonly pointer: string;
  readonly value: unknown;
}

/** The one place that a path leads to, or why there is none. */
function locate(object: KubeObject, path: readonly FieldStep[]): Found | string {
  let current: unknown = object;
  let found: Found | undefined;
  let pointer = '';
  for (const [index, step] of path.entries()) {
    const at = pathText(path.slice(0, index)) || 'the object';
    let key: string | number;
    if (typeof step === 'string') {
      if (!isMap(current)) {
        return current === undefined ? `there is no ${at}` : `${at} is no object`;
      }
      key = step;
    } else {
      if (!Array.isArray(current)) {
        return current === undefined ? `there is no ${at}` : `${at} is no list`;
      }
      const named = current.flatMap((item: unknown, position) =>
        isMap(item) && item['name'] === step.name ? [position] : [],
      );
      const [only] = named;
      if (only === undefined) {
        return `${at} has nothing named '${step.name}' (${namesIn(current)})`;
      }
      if (named.length > 1) {
        return `${at} has ${named.length} elements named '${step.name}'`;
      }
      key = only;
    }
    const parent = current as Found['parent'];
    const value = Object.hasOwn(parent, key)
      ? (parent as Record<string | number, unknown>)[key]
      : undefined;
    pointer += `/${escaped(String(key))}`;
    found = { parent, key, pointer, value };
    current = value;
  }
  return found ?? 'the path is empty';
}

function namesIn(list: readonly unknown[]): string {
  const names = list.flatMap((item) =>
    isMap(item) && typeof item['name'] === 'string' ? [`'${item['name']}'`] : [],
  );
  const nameless = list.length - names.length;
  if (list.length === 0) {
    return 'it is empty';
  }
  return `it has ${[...names, ...(nameless === 0 ? [] : [`${nameless} without a name`])].join(', ')}`;
}

function checkPath(path: readonly FieldStep[], place: string, group: string): void {
  const [first, second] = path;
  const last = path.at(-1);
  const mark =
    (second === 'labels' || second === 'annotations') &&
    path.length === 3 &&
    last !== heldAnnotation(group);
  const legal = first === 'metadata' ? mark : first !== 'status' && path.length > 1;
  if (!legal || typeof first !== 'string') {
    throw new PermanentError(
      `${place} cannot be edited at '${pathText(path)}': name a field of its contents, one label or one annotation`,
    );
  }
  if (typeof last !== 'string') {
    throw new PermanentError(
      `${place} cannot be edited at '${pathText(path)}': name a field of that element`,
    );
  }
}

/**
 * Labels and annotations have a place also where there are none yet: in the draft. Answers which
 * maps were added.
 */
function addMarks(draft: KubeObject, [first, second]: readonly FieldStep[]): readonly string[] {
  if (
    first !== 'metadata' ||
    (second !== 'labels' && second !== 'annotations') ||
    draft.metadata[second] !== undefined
  ) {
    return [];
  }
  (draft.metadata as { labels?: object; annotations?: object })[second] = {};
  return [second];
}

/** The same place, or one inside the other. */
function overlap(a: readonly FieldStep[], b: readonly FieldStep[]): boolean {
  const length = Math.min(a.length, b.length);
  return equal(a.slice(0, length), b.slice(0, length));
}

/** In the draft and in the patch. */
function set(
  { parent, key, pointer, value: before }: Found,
  value: unknown,
  patch: JsonPatchOperation[],
): void {
  const fields = parent as Record<string | number, unknown>;
  if (value === undefined) {
    if (before === undefined) {
      return;
    }
    delete fields[key];
    patch.push({ op: 'remove', path: pointer });
    return;
  }
  fields[key] = structuredClone(value);
  patch.push({ op: before === undefined ? 'add' : 'replace', path: pointer, value });
}

function note(
  object: KubeObject,
  before: readonly Hold[],
  after: readonly Hold[],
  group: string,
  patch: JsonPatchOperation[],
): void {
  if (canonical(before) === canonical(after)) {
    return;
  }
  const annotation = heldAnnotation(group);
  const path = `/metadata/annotations/${escaped(annotation)}`;
  const value = canonical(after);
  const alone = Object.keys(object.metadata.annotations ?? {}).length === 1;
  if (after.length === 0) {
    patch.push({ op: 'remove', path: alone ? '/metadata/annotations' : path });
  } else if (object.metadata.annotations === undefined) {
    patch.push({ op: 'add', path: '/metadata/annotations', value: { [annotation]: value } });
  } else {
    patch.push({ op: 'add', path, value });
  }
}

function guarded(
  object: KubeObject,
  patch: readonly JsonPatchOperation[],
): readonly JsonPatchOperation[] {
  if (patch.length === 0) {
    return [];
  }
  const { uid, resourceVersion } = object.metadata;
  return [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
    ...patch,
  ];
}

function sorted(holds: readonly Hold[]): readonly Hold[] {
  return holds.toSorted((a, b) => (canonical(a.path) < canonical(b.path) ? -1 : 1));
}

/** A part of a JSON pointer (RFC 6901). */
function escaped(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}
