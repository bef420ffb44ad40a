/** Which fields of an object a write has changed, for traces and findings. */
import type { KubeObject } from 'autopilot-runtime';

/** A field that has changed. */
export interface FieldChange {
  /** Path in the object: `status.phase`. */
  readonly path: string;
  /** The values, as JSON. Undefined: the field is absent. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Fields that every write changes, and records of who wrote. */
const IGNORED_FIELDS = new Set([
  'metadata.resourceVersion',
  'metadata.generation',
  'metadata.managedFields',
]);
/** Status fields of the runtime, which come last in a summary. */
const RUNTIME_FIELDS = 'status.autopilot.';
/** Fields that a summary names. */
const MAX_SHOWN_FIELDS = 5;
/** Characters of a value in a summary. */
const MAX_SHOWN_CHARACTERS = 48;

/** @returns the fields that differ: the phase first, and those of the runtime last. */
export function changedFields(before: KubeObject, after: KubeObject): readonly FieldChange[] {
  const changes: FieldChange[] = [];
  collectChanges('', before, after, changes);
  return changes.toSorted((a, b) => rankOf(a) - rankOf(b));
}

function rankOf({ path }: FieldChange): number {
  if (path === 'status.phase') {
    return 0;
  }
  return path.startsWith(RUNTIME_FIELDS) ? 2 : 1;
}

/** @returns `status.phase "A" → "B"; …`. Empty: nothing that is shown has changed. */
export function formatChanges(changes: readonly FieldChange[]): string {
  const shown = changes
    .slice(0, MAX_SHOWN_FIELDS)
    .map(({ path, before, after }) => `${path} ${formatValue(before)} → ${formatValue(after)}`);
  const more = changes.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function collectChanges(
  path: string,
  before: unknown,
  after: unknown,
  changes: FieldChange[],
): void {
  if (before === after || IGNORED_FIELDS.has(path)) {
    return;
  }
  // A new status is shown field by field.
  const old = membersOf(path === 'status' ? (before ?? {}) : before);
  const next = membersOf(after);
  if (old !== undefined && next !== undefined) {
    for (const name of new Set([...Object.keys(old), ...Object.keys(next)])) {
      collectChanges(path === '' ? name : `${path}.${name}`, old[name], next[name], changes);
    }
    return;
  }
  const [oldJson, nextJson] = [JSON.stringify(before), JSON.stringify(after)];
  if (oldJson !== nextJson) {
    changes.push({ path, before: oldJson, after: nextJson });
  }
}

/** The members of a map, or of a list of conditions by their type. */
function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null) {
    return undefined;
  }
  if (!Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  const entries = value.map((item: unknown): readonly [unknown, unknown] => [
    (item as { readonly type?: unknown } | null)?.type,
    item,
  ]);
  return entries.every(([type]) => typeof type === 'string')
    ? (Object.fromEntries(entries) as Readonly<Record<string, unknown>>)
    : undefined;
}

function formatValue(json: string | undefined): string {
  if (json === undefined) {
    return '(absent)';
  }
  return json.length > MAX_SHOWN_CHARACTERS ? `${json.slice(0, MAX_SHOWN_CHARACTERS)}…` : json;
}
