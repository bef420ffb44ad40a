/**
 * Field sets: the fields that an object sets or that a change touches, as server-side apply records
 * them for each field manager. A path is a sequence of elements in the form of managedFields
 * (`f:spec`, `k:{"name":"web"}`, `v:"a"`), joined by a character that no element contains.
 *
 * The rules are those of sigs.k8s.io/structured-merge-diff:
 * - An apply owns the leaves, the items of lists, and the members of maps that no schema declares.
 * - An update owns every node that it adds.
 */
import { isMap, jsonEqual } from './frozen-json.ts';
import { MERGE_SHAPES } from './served-kinds.ts';
import type { Shape } from './merge-shape.ts';
import { ANY_SHAPE } from './merge-shape.ts';

/** Paths of fields. */
export type FieldSet = ReadonlySet<string>;

const PATH_SEPARATOR = '\u0001';
/** Fields that the API server sets. No field manager owns them. */
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

/** The shape that a reference names. */
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
  const fields = shape?.fields ?? {};
  return resolveReference(Object.hasOwn(fields, name) ? fields[name] : shape?.values);
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

/** The elements of a path, from the root. */
export function pathElements(path: string): string[] {
  return path.split(PATH_SEPARATOR);
}

/** Whether a path lies below another one. */
export function isBelow(path: string, ancestor: string): boolean {
  return path.startsWith(ancestor + PATH_SEPARATOR);
}

function joinPath(path: string, element: string): string {
  return path === '' ? element : path + PATH_SEPARATOR + element;
}

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}

/** Whether the members of the value merge one by one. */
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

/** The fields that an apply of the (frozen) object owns. */
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

/** The fields, and the declared fields above them. */
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

/** How two states of an object differ. */
export interface FieldDifference {
  /** Nodes that are new or have another value. */
  readonly changed: FieldSet;
  /** Nodes that are gone. */
  readonly removed: FieldSet;
}

/**
 * The difference between two frozen states of an object. Parts that both states share are skipped.
 *
 * @param custom true for custom resources, whose empty maps are nodes of their own
 */
export function compareFields(
  before: object | undefined,
  after: object,
  shape: Shape,
  custom: boolean,
): FieldDifference {
  const difference = new FieldSetDiff(custom);
  difference.compare(before ?? { metadata: {} }, after, shape, '');
  return difference;
}

/** Maps without declared members: they are new nodes also where a built-in kind begins. */
const PLAIN_MAPS = new Set([
  'f:labels',
  'f:annotations',
  'f:data',
  'f:binaryData',
  'f:nodeSelector',
  'f:limits',
  'f:requests',
]);

/** Shape of the items of a list that merges by values: an item is one node. */
const WHOLE_ITEM: Shape = { atomic: true };

/** Walks two states at once and collects the paths that differ. */
class FieldSetDiff implements FieldDifference {
  readonly changed = new Set<string>();
  readonly removed = new Set<string>();
  readonly #custom: boolean;

  constructor(custom: boolean) {
    this.#custom = custom;
  }

  compare(before: unknown, after: unknown, shape: Shape | undefined, path: string): void {
    if (before === after || UNOWNED_PATHS.has(path)) {
      return;
    }
    if (isEmpty(before) && isEmpty(after)) {
      if (!jsonEqual(before, after)) {
        this.changed.add(path);
      }
    } else if (areMergeableMaps(before, after, shape)) {
      this.#compareMaps(before ?? {}, (after ?? {}) as JsonMap, shape, path);
    } else if (areMergeableLists(before, after, shape)) {
      this.#compareLists(itemsByElement(before, shape), itemsByElement(after, shape), shape, path);
    } else if (!jsonEqual(before, after)) {
      this.#replace(before, after, shape, path);
    }
  }

  #compareMaps(before: JsonMap, after: JsonMap, shape: Shape | undefined, path: string): void {
    for (const [name, value] of Object.entries(before)) {
      const memberPath = joinPath(path, `f:${name}`);
      if (Object.hasOwn(after, name)) {
        this.compare(value, after[name], memberShape(shape, name), memberPath);
      } else {
        this.#collect(value, memberShape(shape, name), memberPath, this.removed);
      }
    }
    for (const [name, value] of Object.entries(after)) {
      if (!Object.hasOwn(before, name)) {
        const memberPath = joinPath(path, `f:${name}`);
        this.#collect(value, memberShape(shape, name), memberPath, this.changed);
      }
    }
  }

  #compareLists(before: ItemMap, after: ItemMap, shape: Shape, path: string): void {
    const mergesByKeys = shape.list === 'map';
    const itemShape = mergesByKeys ? resolveReference(shape.items) : WHOLE_ITEM;
    for (const [element, item] of before) {
      const itemPath = joinPath(path, element);
      if (!after.has(element)) {
        this.#collect(item, itemShape, itemPath, this.removed);
      } else if (mergesByKeys) {
        this.compare(item, after.get(element), itemShape, itemPath);
      }
    }
    for (const [element, item] of after) {
      if (!before.has(element)) {
        const itemPath = joinPath(path, element);
        this.#collect(item, itemShape, itemPath, this.changed);
        this.changed.add(itemPath);
      }
    }
  }

  /** One value takes the place of another one: the members of a map come or go with it. */
  #replace(before: unknown, after: unknown, shape: Shape | undefined, path: string): void {
    if (isMergeableMap(before, shape)) {
      this.#collect(before, shape, path, this.removed);
    }
    if (isMergeableMap(after, shape)) {
      this.#collect(after, shape, path, this.changed);
    }
    this.removed.delete(path);
    this.changed.add(path);
  }

  /** Adds the paths of all nodes of a value. */
  #collect(value: unknown, shape: Shape | undefined, path: string, paths: Set<string>): void {
    if (UNOWNED_PATHS.has(path)) {
      return;
    }
    if (isMergeableList(value, shape)) {
      for (const item of value) {
        const itemPath = joinPath(path, itemElement(item, shape ?? {}));
        if (shape?.list === 'map') {
          this.#collect(item, resolveReference(shape.items), itemPath, paths);
        }
        paths.add(itemPath);
      }
    } else if (isMergeableMap(value, shape)) {
      for (const [name, inner] of Object.entries(value)) {
        this.#collect(inner, memberShape(shape, name), joinPath(path, `f:${name}`), paths);
      }
    }
    const isRoot = path === '' || path === 'f:metadata';
    if (!isRoot && (this.#isNode(path, value) || shape?.atomic === true)) {
      paths.add(path);
    }
  }

  /**
   * Whether the value is a node of its own. A built-in kind begins as an empty object that has its
   * inner structures already, so that only lists and plain maps are new nodes there.
   */
  #isNode(path: string, value: unknown): boolean {
    return this.#custom || !isMap(value) || isEmpty(value) || PLAIN_MAPS.has(lastElement(path));
  }
}

type JsonMap = Readonly<Record<string, unknown>>;
type ItemMap = ReadonlyMap<string, unknown>;

function areMergeableMaps(
  before: unknown,
  after: unknown,
  shape: Shape | undefined,
): before is JsonMap | null {
  const isMapOrNull = (value: unknown): boolean => value === null || isMergeableMap(value, shape);
  return isMapOrNull(before) && isMapOrNull(after) && shape?.atomic !== true;
}

function areMergeableLists(
  before: unknown,
  after: unknown,
  shape: Shape | undefined,
): shape is Shape {
  return shape?.list !== undefined && Array.isArray(before ?? []) && Array.isArray(after ?? []);
}

function lastElement(path: string): string {
  return path.slice(path.lastIndexOf(PATH_SEPARATOR) + 1);
}

function itemsByElement(list: unknown, shape: Shape): ReadonlyMap<string, unknown> {
  return new Map(
    ((list ?? []) as readonly unknown[]).map((item) => [itemElement(item, shape), item]),
  );
}

/** Orders paths as the API server does: at each level, the fields that end there come first. */
export function comparePaths(a: string, b: string): number {
  const one = pathElements(a);
  const two = pathElements(b);
  for (let at = 0; ; at++) {
    const x = one[at];
    const y = two[at];
    if (x === undefined || y === undefined) {
      return one.length - two.length;
    }
    if (x === y) {
      continue;
    }
    const firstEnds = one.length === at + 1;
    if (firstEnds !== (two.length === at + 1)) {
      return firstEnds ? -1 : 1;
    }
    return x < y ? -1 : 1;
  }
}

/** The set in the form FieldsV1 of managedFields. */
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

/** The set that FieldsV1 of managedFields stands for. */
export function fromFieldsV1(fields: unknown): FieldSet {
  const paths = new Set<string>();
  const collect = (node: unknown, path: string): void => {
    if (!isMap(node)) {
      return;
    }
    const inner = Object.entries(node).filter(([element]) => element !== '.');
    if (path !== '' && (inner.length === 0 || Object.hasOwn(node, '.'))) {
      paths.add(path);
    }
    for (const [element, child] of inner) {
      collect(child, joinPath(path, element));
    }
  };
  collect(fields, '');
  return paths;
}

/** The path in the form of the API server's messages: `.spec.containers[name="web"].image`. */
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
