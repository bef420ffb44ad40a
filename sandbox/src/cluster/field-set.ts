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
import { isMap, same } from './frozen.ts';
import { SHAPES } from './served.ts';
import type { Shape } from './shape.ts';
import { ANY } from './shape.ts';

export type FieldSet = ReadonlySet<string>;

const JOIN = '\u0001';
/** Set by the server on its own account: nobody owns them. */
const NOBODYS = new Set([
  'f:apiVersion',
  'f:kind',
  ...below('name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp'),
]);
for (const path of below(
  'managedFields',
  'generateName',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
)) {
  NOBODYS.add(path);
}

function below(...fields: readonly string[]): readonly string[] {
  return fields.map((field) => `f:metadata${JOIN}f:${field}`);
}

/** The shape behind a reference. */
export function resolved(shape: Shape | undefined): Shape | undefined {
  if (shape?.ref === undefined) {
    return shape;
  }
  return shape.ref === 'any'
    ? { ...ANY, ...(shape.fields && { fields: shape.fields }) }
    : SHAPES[shape.ref];
}

/** The shape of one member of a map. */
export function memberShape(shape: Shape | undefined, name: string): Shape | undefined {
  return resolved(shape?.fields?.[name] ?? shape?.values);
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

export function elementsOf(path: string): string[] {
  return path.split(JOIN);
}

export function isBelow(path: string, ancestor: string): boolean {
  return path.startsWith(ancestor + JOIN);
}

function join(path: string, element: string): string {
  return path === '' ? element : path + JOIN + element;
}

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}

/** Do the members of the value merge one by one? */
function isOpenMap(
  value: unknown,
  shape: Shape | undefined,
): value is Readonly<Record<string, unknown>> {
  return isMap(value) && shape?.atomic !== true;
}

function isOpenList(value: unknown, shape: Shape | undefined): value is readonly unknown[] {
  return Array.isArray(value) && shape?.list !== undefined;
}

const applied = new WeakMap<object, FieldSet>();

/** What an apply of the (kept) object owns. */
export function appliedFields(object: object, shape: Shape): FieldSet {
  let fields = applied.get(object);
  if (fields === undefined) {
    const found = new Set<string>();
    collectApplied(object, shape, '', found);
    applied.set(object, (fields = found));
  }
  return fields;
}

function collectApplied(
  value: unknown,
  shape: Shape | undefined,
  path: string,
  found: Set<string>,
): void {
  if (NOBODYS.has(path)) {
    return;
  }
  if (isOpenList(value, shape)) {
    for (const item of value) {
      const place = join(path, itemElement(item, shape ?? {}));
      if (shape?.list === 'map') {
        collectApplied(item, resolved(shape.items), place, found);
      }
      found.add(place);
    }
  } else if (isOpenMap(value, shape)) {
    for (const [name, inner] of Object.entries(value)) {
      const place = join(path, `f:${name}`);
      collectApplied(inner, memberShape(shape, name), place, found);
      const owned = shape?.open === true || (!Array.isArray(inner) && isEmpty(inner));
      if (owned && !NOBODYS.has(place)) {
        found.add(place);
      }
    }
  } else if (path !== '') {
    found.add(path);
  }
}

/** With the declared fields that lead to them. */
export function withAncestors(fields: FieldSet, shape: Shape): FieldSet {
  const all = new Set(fields);
  for (const path of fields) {
    let at: Shape | undefined = shape;
    let place = '';
    const elements = elementsOf(path);
    for (const element of elements) {
      place = join(place, element);
      if (element.startsWith('f:')) {
        if (at?.open !== true) {
          all.add(place);
        }
        at = memberShape(at, element.slice(2));
      } else {
        at = resolved(at?.items);
      }
    }
  }
  return all;
}

export interface Difference {
  /** Nodes that are new or have another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

/** What is different between two (kept) states. Parts that both share are not looked at. */
export function compare(
  before: object | undefined,
  after: object,
  shape: Shape,
  custom: boolean,
): Difference {
  const changed = new Set<string>();
  const removed = new Set<string>();
  // The empty object that a built-in type begins as has its inner structures; only lists and plain
  // maps are new nodes there.
  const isNode = (path: string, value: unknown): boolean =>
    custom || !isMap(value) || isEmpty(value) || PLAIN_MAPS.has(lastOf(path));
  const mark = (value: unknown, at: Shape | undefined, path: string, found: Set<string>): void => {
    if (NOBODYS.has(path)) {
      return;
    }
    if (isOpenList(value, at)) {
      for (const item of value) {
        const place = join(path, itemElement(item, at ?? {}));
        if (at?.list === 'map') {
          mark(item, resolved(at.items), place, found);
        }
        found.add(place);
      }
    } else if (isOpenMap(value, at)) {
      for (const [name, inner] of Object.entries(value)) {
        mark(inner, memberShape(at, name), join(path, `f:${name}`), found);
      }
    }
    if (path !== 'f:metadata' && path !== '' && (isNode(path, value) || at?.atomic === true)) {
      found.add(path);
    }
  };
  const walk = (a: unknown, b: unknown, at: Shape | undefined, path: string): void => {
    if (a === b || NOBODYS.has(path)) {
      return;
    }
    if (isEmpty(a) && isEmpty(b)) {
      if (!same(a, b)) {
        changed.add(path);
      }
    } else if (
      (a === null || isOpenMap(a, at)) &&
      (b === null || isOpenMap(b, at)) &&
      at?.atomic !== true
    ) {
      const [old, now] = [
        (a ?? {}) as Readonly<Record<string, unknown>>,
        (b ?? {}) as Readonly<Record<string, unknown>>,
      ];
      for (const name of Object.keys(old)) {
        const [place, inner] = [join(path, `f:${name}`), memberShape(at, name)];
        if (Object.hasOwn(now, name)) {
          walk(old[name], now[name], inner, place);
        } else {
          mark(old[name], inner, place, removed);
        }
      }
      for (const name of Object.keys(now)) {
        if (!Object.hasOwn(old, name)) {
          mark(now[name], memberShape(at, name), join(path, `f:${name}`), changed);
        }
      }
    } else if (at?.list !== undefined && Array.isArray(a ?? []) && Array.isArray(b ?? [])) {
      const [old, now] = [elements(a, at), elements(b, at)];
      const [item, inner] = [at.list === 'map', resolved(at.items)];
      for (const [element, value] of old) {
        if (!now.has(element)) {
          mark(value, item ? inner : { atomic: true }, join(path, element), removed);
        } else if (item) {
          walk(value, now.get(element), inner, join(path, element));
        }
      }
      for (const [element, value] of now) {
        if (!old.has(element)) {
          markItem(value, item ? inner : { atomic: true }, join(path, element));
        }
      }
    } else if (!same(a, b)) {
      // Where a map takes the place of something else, or gives way to it, its members come or go
      // too.
      if (isOpenMap(a, at)) {
        mark(a, at, path, removed);
      }
      if (isOpenMap(b, at)) {
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

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf(JOIN) + 1);
}

function elements(list: unknown, shape: Shape): ReadonlyMap<string, unknown> {
  return new Map(
    ((list ?? []) as readonly unknown[]).map((item) => [itemElement(item, shape), item]),
  );
}

/** In the order of the real server: at each level the fields that end there come first. */
export function byPath(a: string, b: string): number {
  const [one, two] = [elementsOf(a), elementsOf(b)];
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
export function fieldsV1(set: FieldSet): Readonly<Record<string, unknown>> {
  interface Node {
    readonly inner: Map<string, Node>;
    own: boolean;
  }
  const root: Node = { inner: new Map(), own: false };
  for (const path of [...set].sort()) {
    let node = root;
    for (const element of elementsOf(path)) {
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
export function pathText(path: string): string {
  return elementsOf(path)
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
