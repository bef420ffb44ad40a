/**
 * Which fields an object sets, and which ones a change touches: what server-side apply remembers
 * for each manager. A path is its
 * elements, each in the form of managedFields (`f:spec`, `k:{"name":"web"}`, `v:"a"`), joined by a
 * character that no element has.
 *
 * The rules are those of sigs.k8s.io/structured-merge-diff: who applies owns the leaves, the items
 * of lists and the members of maps
 * that no schema declares; who updates owns every node that it adds.
 */
import { isMap, jsonEqual } from './frozen-json.ts';
import { MERGE_SHAPES } from './served-kinds.ts';
import type { Shape } from './merge-shape.ts';
import { ANY_SHAPE } from './merge-shape.ts';

export type FieldSet = ReadonlySet<string>;

const PATH_SEPARATOR = '\u0001';
/** Set by the server on its own account: nobody owns them. */
const UNOWNED_PATHS = new Set([
  'f:apiVersion',
  'f:kind',
  ...metadataPaths(
    'name',
    'namespace',
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
  ),
]);
for (const path of metadataPaths(
  'managedFields',
  'generateName',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
)) {
  UNOWNED_PATHS.add(path);
}

function metadataPaths(...fields: readonly string[]): readonly string[] {
  return fields.map((field) => `f:metadata${PATH_SEPARATOR}f:${field}`);
}

/** The shape behind a reference. */
export function resolveReference(shape: Shape | undefined): Shape | undefined {
  if (shape?.ref === undefined) {
    return shape;
  }
  return shape.ref === 'any'
    ? { ...ANY_SHAPE, ...(shape.fields && { fields: shape.fields }) }
    : MERGE_SHAPES[shape.ref];
}

/** The shape of one member of a map. */
export function memberShape(shape: Shape | undefined, name: string): Shape | undefined {
  return resolveReference(shape?.fields?.[name] ?? shape?.values);
}

/** The element of an item in a list that merges by keys or values. */
export function itemElement(item: unknown, shape: Shape): string {
  if (shape.list === 'set') {
    return `v:${JSON.stringify(item)}`;
  }
  const keys = [...(shape.keys ?? [])].sort();
  const given = keys.map(
    (key) => [key, (isMap(item) ? item[key] : undefined) ?? shape.defaults?.[key]] as const,
  );
  return `k:${JSON.stringify(Object.fromEntries(given.filter(([, value]) => value !== undefined)))}`;
}

export function pathElements(path: string): string[] {
  return path.split(PATH_SEPARATOR);
}

export function isBelow(path: string, ancestor: string): boolean {
  return path.startsWith(ancestor + PATH_SEPARATOR);
}

function joinPath(path: string, element: string): string {
  return path === '' ? element : path + PATH_SEPARATOR + element;
}

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}

/** Do the members of the value merge one by one? */
function isMergeableMap(
  value: unknown,
  shape: Shape | undefined,
): value is Readonly<Record<string, unknown>> {
  return isMap(value) && shape?.atomic !== true;
}

function isMergeableList(value: unknown, shape: Shape | undefined): value is readonly unknown[] {
  return Array.isArray(value) && shape?.list !== undefined;
}

const appliedCache = new WeakMap<object, FieldSet>();

/** What an apply of the (kept) object owns. */
export function appliedFields(object: object, shape: Shape): FieldSet {
  let fields = appliedCache.get(object);
  if (fields === undefined) {
    const found = new Set<string>();
    collectApplied(object, shape, '', found);
    appliedCache.set(object, (fields = found));
  }
  return fields;
}

function collectApplied(
  value: unknown,
  shape: Shape | undefined,
  path: string,
  fields: Set<string>,
): void {
  if (UNOWNED_PATHS.has(path)) {
    return;
  }
  if (isMergeableList(value, shape)) {
    for (const item of value) {
      const itemPath = joinPath(path, itemElement(item, shape ?? {}));
      if (shape?.list === 'map') {
        collectApplied(item, resolveReference(shape.items), itemPath, fields);
      }
      fields.add(itemPath);
    }
  } else if (isMergeableMap(value, shape)) {
    for (const [name, inner] of Object.entries(value)) {
      const itemPath = joinPath(path, `f:${name}`);
      collectApplied(inner, memberShape(shape, name), itemPath, fields);
      const owned = shape?.open === true || (!Array.isArray(inner) && isEmpty(inner));
      if (owned && !UNOWNED_PATHS.has(itemPath)) {
        fields.add(itemPath);
      }
    }
  } else if (path !== '') {
    fields.add(path);
  }
}

/** With the declared fields that lead to them. */
export function withAncestors(fields: FieldSet, shape: Shape): FieldSet {
  const all = new Set(fields);
  for (const path of fields) {
    let at: Shape | undefined = shape;
    let ancestor = '';
    const elements = pathElements(path);
    for (const element of elements) {
      ancestor = joinPath(ancestor, element);
      if (element.startsWith('f:')) {
        if (at?.open !== true) {
          all.add(ancestor);
        }
        at = memberShape(at, element.slice(2));
      } else {
        at = resolveReference(at?.items);
      }
    }
  }
  return all;
}

export interface FieldDifference {
  /** Nodes that are new or have another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

/** What is different between two (kept) states. Parts that both share are not looked at. */
export function compareFields(
  before: object | undefined,
  after: object,
  shape: Shape,
  custom: boolean,
): FieldDifference {
  const changed = new Set<string>();
  const removed = new Set<string>();
  // The empty object that a built-in type begins as has its inner structures; only lists and plain
  // maps are new nodes there.
  const isNode = (path: string, value: unknown): boolean =>
    custom || !isMap(value) || isEmpty(value) || PLAIN_MAPS.has(lastElement(path));
  const mark = (value: unknown, at: Shape | undefined, path: string, found: Set<string>): void => {
    if (UNOWNED_PATHS.has(path)) {
      return;
    }
    if (isMergeableList(value, at)) {
      for (const item of value) {
        const memberPath = joinPath(path, itemElement(item, at ?? {}));
        if (at?.list === 'map') {
          mark(item, resolveReference(at.items), memberPath, found);
        }
        found.add(memberPath);
      }
    } else if (isMergeableMap(value, at)) {
      for (const [name, inner] of Object.entries(value)) {
        mark(inner, memberShape(at, name), joinPath(path, `f:${name}`), found);
      }
    }
    if (path !== 'f:metadata' && path !== '' && (isNode(path, value) || at?.atomic === true)) {
      found.add(path);
    }
  };
  const walk = (a: unknown, b: unknown, at: Shape | undefined, path: string): void => {
    if (a === b || UNOWNED_PATHS.has(path)) {
      return;
    }
    if (isEmpty(a) && isEmpty(b)) {
      if (!jsonEqual(a, b)) {
        changed.add(path);
      }
    } else if (
      (a === null || isMergeableMap(a, at)) &&
      (b === null || isMergeableMap(b, at)) &&
      at?.atomic !== true
    ) {
      const [old, now] = [
        (a ?? {}) as Readonly<Record<string, unknown>>,
        (b ?? {}) as Readonly<Record<string, unknown>>,
      ];
      for (const name of Object.keys(old)) {
        const [memberPath, inner] = [joinPath(path, `f:${name}`), memberShape(at, name)];
        if (Object.hasOwn(now, name)) {
          walk(old[name], now[name], inner, memberPath);
        } else {
          mark(old[name], inner, memberPath, removed);
        }
      }
      for (const name of Object.keys(now)) {
        if (!Object.hasOwn(old, name)) {
          mark(now[name], memberShape(at, name), joinPath(path, `f:${name}`), changed);
        }
      }
    } else if (at?.list !== undefined && Array.isArray(a ?? []) && Array.isArray(b ?? [])) {
      const [old, now] = [itemsByElement(a, at), itemsByElement(b, at)];
      const [item, inner] = [at.list === 'map', resolveReference(at.items)];
      for (const [element, value] of old) {
        if (!now.has(element)) {
          mark(value, item ? inner : { atomic: true }, joinPath(path, element), removed);
        } else if (item) {
          walk(value, now.get(element), inner, joinPath(path, element));
        }
      }
      for (const [element, value] of now) {
        if (!old.has(element)) {
          markItem(value, item ? inner : { atomic: true }, joinPath(path, element));
        }
      }
    } else if (!jsonEqual(a, b)) {
      // Where a map takes the place of something else, or gives way to it, its members come or go
      // too.
      if (isMergeableMap(a, at)) {
        mark(a, at, path, removed);
      }
      if (isMergeableMap(b, at)) {
        mark(b, at, path, changed);
      }
      removed.delete(path);
      changed.add(path);
    }
  };
  const markItem = (value: unknown, at: Shape | undefined, path: string): void => {
    mark(value, at, path, changed);
    changed.add(path);
  };
  walk(before ?? { metadata: {} }, after, shape, '');
  return { changed, removed };
}

const PLAIN_MAPS = new Set([
  'f:labels',
  'f:annotations',
  'f:data',
  'f:binaryData',
  'f:nodeSelector',
  'f:limits',
  'f:requests',
]);

function lastElement(path: string): string {
  return path.slice(path.lastIndexOf(PATH_SEPARATOR) + 1);
}

function itemsByElement(list: unknown, shape: Shape): ReadonlyMap<string, unknown> {
  return new Map(
    ((list ?? []) as readonly unknown[]).map((item) => [itemElement(item, shape), item]),
  );
}

/** In the order of the real server: at each level the fields that end there come first. */
export function comparePaths(a: string, b: string): number {
  const [one, two] = [pathElements(a), pathElements(b)];
  for (let at = 0; ; at++) {
    const [x, y] = [one[at], two[at]];
    if (x === undefined || y === undefined) {
      return one.length - two.length;
    }
    if (x === y) {
      continue;
    }
    const [endsHere, endsThere] = [one.length === at + 1, two.length === at + 1];
    if (endsHere !== endsThere) {
      return endsHere ? -1 : 1;
    }
    return x < y ? -1 : 1;
  }
}

/** As the FieldsV1 of managedFields. */
export function toFieldsV1(set: FieldSet): Readonly<Record<string, unknown>> {
  interface Node {
    readonly inner: Map<string, Node>;
    own: boolean;
  }
  const root: Node = { inner: new Map(), own: false };
  for (const path of [...set].sort()) {
    let node = root;
    for (const element of pathElements(path)) {
      let next = node.inner.get(element);
      if (next === undefined) {
        node.inner.set(element, (next = { inner: new Map(), own: false }));
      }
      node = next;
    }
    node.own = true;
  }
  const render = (node: Node): Readonly<Record<string, unknown>> => ({
    ...(node.own && node.inner.size > 0 && { '.': {} }),
    ...Object.fromEntries([...node.inner].map(([element, inner]) => [element, render(inner)])),
  });
  return render(root);
}

/** As messages print it: `.spec.containers[name="web"].image`. */
export function formatFieldPath(path: string): string {
  return pathElements(path)
    .map((element) => {
      const rest = element.slice(2);
      if (element.startsWith('f:')) {
        return `.${rest}`;
      }
      if (element.startsWith('v:')) {
        return `[=${rest}]`;
      }
      const keys = Object.entries(JSON.parse(rest) as Readonly<Record<string, unknown>>).map(
        ([key, value]) => `${key}=${JSON.stringify(value)}`,
      );
      return `[${keys.join(',')}]`;
    })
    .join('');
}
