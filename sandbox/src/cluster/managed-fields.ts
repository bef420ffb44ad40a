/**
 * Field ownership (https://kubernetes.io/docs/reference/using-api/server-side-apply/): the entries
 * of managedFields, and how a write changes them.
 */
import type { StatusCause } from './api-errors.ts';
import { applyConflict } from './api-errors.ts';
import type { FieldDifference, FieldSet } from './field-set.ts';
import { comparePaths, fromFieldsV1, toFieldsV1, formatFieldPath } from './field-set.ts';
import { freezeJson, isMap } from './frozen-json.ts';

/** The identity of a write in managedFields. */
export interface FieldWriter {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource?: string;
}

/** An entry of managedFields. */
export interface FieldManager extends FieldWriter {
  readonly time: string;
  readonly fields: FieldSet;
}

/** Whether two writes share an entry. Applies share it across API versions, updates do not. */
export function isSameWriter(a: FieldWriter, b: FieldWriter): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  );
}

/**
 * The managers after an update: the writer alone owns the fields that it changed. No manager owns
 * the fields that it removed.
 */
export function updateManagers(
  managers: readonly FieldManager[],
  writer: FieldWriter,
  { changed, removed }: FieldDifference,
  time: string,
): readonly FieldManager[] {
  if (changed.size === 0 && removed.size === 0) {
    return managers;
  }
  const own = managers.find((manager) => isSameWriter(manager, writer));
  const others = managers
    .filter((manager) => manager !== own)
    .map((manager) => removeOwnership(manager, changed, removed));
  const fields = new Set([...(own?.fields ?? []), ...changed].filter((path) => !removed.has(path)));
  return [
    ...others,
    own !== undefined && sameFields(own.fields, fields) ? own : { ...writer, time, fields },
  ].filter(ownsFields);
}

/** One server-side apply. */
export interface ApplyWrite {
  readonly writer: FieldWriter;
  /** The fields of the applied configuration. */
  readonly sent: FieldSet;
  readonly difference: FieldDifference;
  /** Whether the writer takes fields of other managers over. */
  readonly force: boolean;
  readonly time: string;
}

/**
 * The managers after an apply: the writer owns exactly the fields that it sent.
 * @throws ApiError 409 when the apply changes fields of other managers and does not force
 */
export function applyManagers(
  managers: readonly FieldManager[],
  { writer, sent, difference, force, time }: ApplyWrite,
): readonly FieldManager[] {
  const { changed, removed } = difference;
  const own = managers.find((manager) => isSameWriter(manager, writer));
  const others = managers.filter((manager) => manager !== own);
  const conflicts = others.flatMap((manager) =>
    [...changed].filter((path) => manager.fields.has(path)).map((path) => ({ manager, path })),
  );
  if (conflicts.length > 0 && !force) {
    throw conflictError(conflicts);
  }
  const unchanged =
    own !== undefined &&
    own.apiVersion === writer.apiVersion &&
    sameFields(own.fields, sent) &&
    changed.size + removed.size === 0;
  return [
    ...others.map((manager) => removeOwnership(manager, changed, removed)),
    unchanged ? own : { ...writer, time, fields: sent },
  ].filter(ownsFields);
}

function removeOwnership(manager: FieldManager, ...removed: readonly FieldSet[]): FieldManager {
  const touched = removed.some((paths) => [...paths].some((path) => manager.fields.has(path)));
  return touched
    ? {
        ...manager,
        fields: new Set(
          [...manager.fields].filter((path) => removed.every((paths) => !paths.has(path))),
        ),
      }
    : manager;
}

function ownsFields({ fields }: FieldManager): boolean {
  return fields.size > 0;
}

function sameFields(a: FieldSet, b: FieldSet): boolean {
  return a === b || (a.size === b.size && [...a].every((path) => b.has(path)));
}

/** Whether two lists of managers own the same fields, whatever their times. */
export function sameManagers(a: readonly FieldManager[], b: readonly FieldManager[]): boolean {
  return (
    a === b ||
    (a.length === b.length &&
      a.every((manager, index) => {
        const other = b[index];
        return (
          manager === other ||
          (other !== undefined &&
            isSameWriter(manager, other) &&
            sameFields(manager.fields, other.fields))
        );
      }))
  );
}

function conflictError(
  conflicts: readonly { readonly manager: FieldManager; readonly path: string }[],
): Error {
  const sorted = conflicts.toSorted((a, b) => comparePaths(a.path, b.path));
  const causes = sorted.map(({ manager, path }): StatusCause => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${describeManager(manager)}`,
    field: formatFieldPath(path),
  }));
  const [only] = sorted;
  if (sorted.length === 1 && only !== undefined) {
    return applyConflict(
      causes,
      `Apply failed with 1 conflict: conflict with ${describeManager(only.manager)}: ${formatFieldPath(only.path)}`,
    );
  }
  const names = [...new Set(sorted.map(({ manager }) => describeManager(manager)))].sort();
  const lines = names.flatMap((name) => [
    `conflicts with ${name}:`,
    ...sorted
      .filter(({ manager }) => describeManager(manager) === name)
      .map(({ path }) => `- ${formatFieldPath(path)}`),
  ]);
  return applyConflict(causes, `Apply failed with ${sorted.length} conflicts: ${lines.join('\n')}`);
}

function describeManager({ manager, operation, apiVersion, subresource }: FieldManager): string {
  const name =
    JSON.stringify(manager) +
    (subresource === undefined ? '' : ` with subresource "${subresource}"`);
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}

const entryCache = new WeakMap<FieldManager, object>();

/** The managers in the form of metadata.managedFields. */
export function managedFields(managers: readonly FieldManager[]): readonly unknown[] {
  return managers.toSorted(compareManagers).map((manager) => {
    let entry = entryCache.get(manager);
    if (entry === undefined) {
      const { fields, subresource, operation, apiVersion, time } = manager;
      const fieldsType = 'FieldsV1';
      entry = freezeJson({
        manager: manager.manager,
        operation,
        apiVersion,
        time,
        fieldsType,
        fieldsV1: toFieldsV1(fields),
        subresource,
      });
      entryCache.set(manager, entry);
    }
    return entry;
  });
}

/**
 * The managers of metadata.managedFields. A list with one empty entry stands for no managers.
 *
 * @returns undefined when the list is absent, empty or unreadable
 */
export function decodeManagers(entries: unknown): readonly FieldManager[] | undefined {
  if (!Array.isArray(entries) || entries.length === 0) {
    return undefined;
  }
  const [first] = entries as readonly unknown[];
  if (entries.length === 1 && isMap(first) && Object.keys(first).length === 0) {
    return [];
  }
  const managers = entries.map(decodeManager);
  return managers.every((manager) => manager !== undefined) ? managers : undefined;
}

function decodeManager(entry: unknown): FieldManager | undefined {
  if (!isMap(entry) || entry['fieldsType'] !== 'FieldsV1') {
    return undefined;
  }
  const {
    fieldsType: _,
    fieldsV1,
    ...writer
  } = entry as unknown as FieldManager & {
    readonly fieldsType: string;
    readonly fieldsV1?: unknown;
  };
  return writer.operation === 'Apply' || writer.operation === 'Update'
    ? { ...writer, fields: fromFieldsV1(fieldsV1) }
    : undefined;
}

/** The API server's order: applies first, then by time, then by name. */
function compareManagers(a: FieldManager, b: FieldManager): number {
  const rank = ({ operation, time, manager, subresource = '' }: FieldManager): string =>
    `${operation} ${time} ${manager} ${subresource}`;
  return rank(a) < rank(b) ? -1 : 1;
}
