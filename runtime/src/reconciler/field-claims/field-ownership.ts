/**
 * Who owns which fields of an object (`metadata.managedFields`), and how fields that a claim has
 * taken go back to their owners.
 *
 * The API server records every field that a patch changes for the client that sent it. The owner's
 * next server-side apply of this field would then be refused as a conflict. A later patch of
 * managedFields alone moves the field back to the owner's entry, and the value stays.
 *
 * Caveats: this module does not know the schema of the kind. It finds the field that contains a
 * claim, such as an atomic list, by the entries alone.
 */
import type { KubeObject } from '../../client/object.ts';
import { deepEqual, isRecord } from '../../util/json.ts';
import type { FieldPath } from './field-path.ts';

/** An entry of managedFields. */
export interface ManagedFieldsEntry {
  /** Name of the field manager. */
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion?: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsType?: string;
  readonly fieldsV1?: unknown;
}

/** Elements of a path in FieldsV1, such as `f:spec` and `k:{"name":"web"}`. */
type FieldElements = readonly string[];

/** A field in an entry. */
interface OwnedField {
  readonly elements: FieldElements;
  /** False: the entry also lists fields inside this one. */
  readonly isLeaf: boolean;
}

/** The entries of an object. Empty: the API server does not track the object's fields. */
export function managedFieldsOf({ metadata }: KubeObject): readonly ManagedFieldsEntry[] {
  return (metadata.managedFields ?? []) as readonly ManagedFieldsEntry[];
}

/** The entries of other managers, restricted to the fields at, below and above a path. */
export function ownersOf(
  entries: readonly ManagedFieldsEntry[],
  path: FieldPath,
  manager: string,
): readonly ManagedFieldsEntry[] {
  return entries.flatMap((entry) => {
    const related = readFields(entry.fieldsV1)
      .map(({ elements }) => elements)
      .filter((elements) => isRelated(elements, path));
    return related.length === 0 || isEntryOf(manager, entry)
      ? []
      : [{ ...entry, fieldsV1: writeFields(related) }];
  });
}

/** Was the last change of the field, or of the atomic field around it, made by this manager? */
export function ownsField(
  entries: readonly ManagedFieldsEntry[],
  path: FieldPath,
  manager: string,
): boolean {
  return entries
    .filter((entry) => isEntryOf(manager, entry))
    .flatMap(({ fieldsV1 }) => readFields(fieldsV1))
    .some(
      ({ elements, isLeaf }) =>
        isRelated(elements, path) && (isLeaf || elements.length >= path.length),
    );
}

/** How fields go back. */
export interface OwnershipReturn {
  /** Field manager of the claims. */
  readonly manager: string;
  /** Entries from before the claims, restricted to the claimed fields. */
  readonly owners: readonly ManagedFieldsEntry[];
  /** Annotation that the manager of the claims keeps. Undefined: none. */
  readonly annotation: string | undefined;
}

/**
 * The entries after every field that the claims have taken is back with its owners. Of its own
 * fields, the manager of the claims keeps the annotation and its finalizers.
 *
 * A field that another client has taken since stays with that client. A field without an owner
 * has no owner afterwards either.
 */
export function returnOwnership(
  entries: readonly ManagedFieldsEntry[],
  { manager, owners, annotation }: OwnershipReturn,
): readonly ManagedFieldsEntry[] {
  const others = entries.filter((entry) => !isEntryOf(manager, entry));
  const taken = new Set(others.flatMap(({ fieldsV1 }) => readFields(fieldsV1).map(fieldKey)));
  const restored = owners.reduce<readonly ManagedFieldsEntry[]>((known, owner) => {
    const free = readFields(owner.fieldsV1).filter((field) => !taken.has(fieldKey(field)));
    return addFields(
      known,
      owner,
      free.map(({ elements }) => elements),
    );
  }, others);
  const own = entries.filter((entry) => isEntryOf(manager, entry));
  const kept = own.flatMap((entry) => {
    const fields = readFields(entry.fieldsV1).map(({ elements }) => elements);
    const keptFields = fields.filter((elements) => isKept(elements, annotation));
    return keptFields.length === 0 ? [] : [{ ...entry, fieldsV1: writeFields(keptFields) }];
  });
  return [...restored, ...kept];
}

/** Do two lists of entries say the same, whatever their order? */
export function haveSameFields(
  a: readonly ManagedFieldsEntry[],
  b: readonly ManagedFieldsEntry[],
): boolean {
  return (
    a.length === b.length &&
    a.every((entry) =>
      b.some((other) => isSameWriter(entry, other) && deepEqual(entry.fieldsV1, other.fieldsV1)),
    )
  );
}

function addFields(
  entries: readonly ManagedFieldsEntry[],
  owner: ManagedFieldsEntry,
  fields: readonly FieldElements[],
): readonly ManagedFieldsEntry[] {
  if (fields.length === 0) {
    return entries;
  }
  if (!entries.some((entry) => isSameWriter(entry, owner))) {
    return [...entries, { ...owner, fieldsV1: writeFields(fields) }];
  }
  return entries.map((entry) => {
    const known = readFields(entry.fieldsV1).map(({ elements }) => elements);
    return isSameWriter(entry, owner)
      ? { ...entry, fieldsV1: writeFields([...known, ...fields]) }
      : entry;
  });
}

function isKept(elements: FieldElements, annotation: string | undefined): boolean {
  const [first, second, third] = elements;
  if (first !== 'f:metadata') {
    return false;
  }
  if (second === 'f:finalizers') {
    return true;
  }
  const isAnnotation = third === undefined || third === `f:${annotation}`;
  return annotation !== undefined && second === 'f:annotations' && isAnnotation;
}

/** The entry of the claims. Writes of status have an entry of their own. */
function isEntryOf(manager: string, entry: ManagedFieldsEntry): boolean {
  return (
    entry.manager === manager && entry.operation === 'Update' && entry.subresource === undefined
  );
}

/** Applies share one entry across API versions; updates do not. */
function isSameWriter(a: ManagedFieldsEntry, b: ManagedFieldsEntry): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  );
}

/** Is one of the two paths the other, or inside the other? */
function isRelated(elements: FieldElements, path: FieldPath): boolean {
  return path
    .slice(0, elements.length)
    .every((step, index) => matchesStep(elements[index] ?? '', step));
}

/** A list element whose key is not `name` may be any element. */
function matchesStep(element: string, step: FieldPath[number]): boolean {
  if (typeof step === 'string') {
    return element === `f:${step}`;
  }
  if (!element.startsWith('k:')) {
    return true;
  }
  const key = JSON.parse(element.slice(2)) as Readonly<Record<string, unknown>>;
  return key['name'] === undefined || key['name'] === step.name;
}

function fieldKey({ elements }: OwnedField): string {
  return JSON.stringify(elements);
}

/** The fields of FieldsV1. `{}` is a field, and `.` marks a field that has fields inside. */
function readFields(fieldsV1: unknown): readonly OwnedField[] {
  const fields: OwnedField[] = [];
  const collect = (node: unknown, elements: FieldElements): void => {
    const inner = isRecord(node) ? Object.entries(node).filter(([name]) => name !== '.') : [];
    const isLeaf = inner.length === 0;
    const isOwned = isLeaf || (isRecord(node) && Object.hasOwn(node, '.'));
    if (isOwned && elements.length > 0) {
      fields.push({ elements, isLeaf });
    }
    for (const [name, child] of inner) {
      collect(child, [...elements, name]);
    }
  };
  collect(fieldsV1, []);
  return fields;
}

interface FieldTree {
  readonly inner: Map<string, FieldTree>;
  isOwned: boolean;
}

function writeFields(fields: readonly FieldElements[]): Readonly<Record<string, unknown>> {
  const root: FieldTree = { inner: new Map(), isOwned: false };
  for (const elements of fields) {
    let node = root;
    for (const element of elements) {
      const next = node.inner.get(element) ?? { inner: new Map(), isOwned: false };
      node.inner.set(element, next);
      node = next;
    }
    node.isOwned = true;
  }
  return renderTree(root);
}

function renderTree({ inner, isOwned }: FieldTree): Readonly<Record<string, unknown>> {
  const members = [...inner].map(([element, tree]) => [element, renderTree(tree)] as const);
  return { ...(isOwned && inner.size > 0 && { '.': {} }), ...Object.fromEntries(members) };
}
