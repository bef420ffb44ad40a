/**
 * Which fields an object sets: what server-side apply remembers for each manager. A path is its elements, each in the form of
 * managedFields (`f:spec`, `k:{"name":"web"}`, `v:"a"`), joined by a character that no element has.
 */
import { SHAPES } from './served.ts';
import type { Shape } from './shape.ts';

export type FieldSet = ReadonlySet<string>;
/** Each path with the value at it; items of lists are there themselves, with the value ''. */
export type Fields = ReadonlyMap<string, string>;

type Json = Readonly<Record<string, unknown>>;

const JOIN = '\u0001';
/** Set by the server on its own account: nobody owns them. */
const NOBODYS = new Set([
  'f:apiVersion',
  'f:kind',
  ...[
    'name',
    'namespace',
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
    'managedFields',
    'generateName',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ].map((field) => `f:metadata${JOIN}f:${field}`),
]);

export function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The shape behind a reference. */
export function resolved(shape: Shape | undefined): Shape | undefined {
  return shape?.ref === undefined ? shape : SHAPES[shape.ref];
}

/** The shape of one member of a map. */
export function memberShape(shape: Shape | undefined, name: string): Shape | undefined {
  return resolved(shape?.fields?.[name] ?? shape?.values);
}

/** The element of an item in a list that merges by keys or values. */
export function itemElement(item: unknown, shape: Shape): string {
  if (shape.list === 'set') return `v:${JSON.stringify(item)}`;
  const keys = [...(shape.keys ?? [])].sort();
  return `k:${JSON.stringify(Object.fromEntries(keys.map((key) => [key, (isMap(item) ? item[key] : undefined) ?? shape.defaults?.[key] ?? null])))}`;
}

export function elementsOf(path: string): string[] {
  return path.split(JOIN);
}

export function isBelow(path: string, ancestor: string): boolean {
  return path.startsWith(ancestor + JOIN);
}

const remembered = new WeakMap<object, Fields>();

/** The fields of an object. Objects must not change afterwards: the answer is remembered. */
export function fieldsOf(object: object, shape: Shape): Fields {
  let fields = remembered.get(object);
  if (fields === undefined) {
    const found = new Map<string, string>();
    visit(object, shape, '', found);
    remembered.set(object, (fields = found));
  }
  return fields;
}

function visit(value: unknown, shape: Shape | undefined, path: string, found: Map<string, string>): void {
  if (NOBODYS.has(path)) return;
  const below = (element: string): string => (path === '' ? element : path + JOIN + element);
  if (Array.isArray(value) && shape?.list !== undefined && value.length > 0) {
    for (const item of value as unknown[]) {
      const itemPath = below(itemElement(item, shape));
      found.set(itemPath, '');
      if (shape.list === 'map') visit(item, resolved(shape.items), itemPath, found);
    }
  } else if (isMap(value) && shape?.atomic !== true && Object.keys(value).length > 0) {
    for (const [name, inner] of Object.entries(value)) visit(inner, memberShape(shape, name), below(`f:${name}`), found);
  } else if (path !== '') found.set(path, canonical(value));
}

/** JSON with sorted keys: equal text, equal value. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (isMap(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner));
}

/** As the FieldsV1 of managedFields. */
export function fieldsV1(set: FieldSet): Json {
  interface Node {
    readonly inner: Map<string, Node>;
    own: boolean;
  }
  const root: Node = { inner: new Map(), own: false };
  for (const path of [...set].sort()) {
    let node = root;
    for (const element of elementsOf(path)) {
      let next = node.inner.get(element);
      if (next === undefined) node.inner.set(element, (next = { inner: new Map(), own: false }));
      node = next;
    }
    node.own = true;
  }
  const render = (node: Node): Json => ({
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
      if (element.startsWith('f:')) return `.${rest}`;
      if (element.startsWith('v:')) return `[=${rest}]`;
      const keys = Object.entries(JSON.parse(rest) as Json).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      return `[${keys.join(',')}]`;
    })
    .join('');
}
