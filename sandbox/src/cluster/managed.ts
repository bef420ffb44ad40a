/**
 * Who owns which field (https://kubernetes.io/docs/reference/using-api/server-side-apply/): the entries of managedFields, and how
 * a write changes them.
 */
import type { Cause } from './errors.ts';
import { applyConflict } from './errors.ts';
import type { Fields, FieldSet } from './fieldset.ts';
import { fieldsV1, pathText } from './fieldset.ts';

export interface Writer {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource?: string;
}

export interface Manager extends Writer {
  readonly time: string;
  readonly fields: FieldSet;
}

/** An applier is one manager across versions of the API, an updater is not. */
export function isSameWriter(a: Writer, b: Writer): boolean {
  return (
    a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource && (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  );
}

interface Difference {
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

function difference(before: Fields, after: Fields): Difference {
  return {
    changed: new Set([...after].filter(([path, value]) => before.get(path) !== value).map(([path]) => path)),
    removed: new Set([...before.keys()].filter((path) => !after.has(path))),
  };
}

/** After an update: what it changed is the writer's alone, what it removed is nobody's. */
export function afterUpdate(managers: readonly Manager[], writer: Writer, before: Fields, after: Fields, time: string): readonly Manager[] {
  const { changed, removed } = difference(before, after);
  if (changed.size === 0 && removed.size === 0) return managers;
  const own = managers.find((manager) => isSameWriter(manager, writer));
  const fields = new Set([...(own?.fields ?? []), ...changed].filter((path) => !removed.has(path)));
  const others = managers.filter((manager) => manager !== own).map((manager) => lessFields(manager, (path) => changed.has(path) || removed.has(path)));
  return present([...others, own !== undefined && changed.size === 0 ? lessFields(own, (path) => removed.has(path)) : { ...writer, time, fields }]);
}

/**
 * After an apply: the writer owns exactly what it sent.
 * @throws ApiError 409 when it changes fields of others and does not force.
 */
export function afterApply(
  managers: readonly Manager[],
  writer: Writer,
  sent: FieldSet,
  before: Fields,
  after: Fields,
  force: boolean,
  time: string,
): readonly Manager[] {
  const { changed, removed } = difference(before, after);
  const own = managers.find((manager) => isSameWriter(manager, writer));
  const others = managers.filter((manager) => manager !== own);
  const conflicts = others.flatMap((manager) => [...manager.fields].filter((path) => changed.has(path)).map((path) => ({ manager, path })));
  if (conflicts.length > 0 && !force) throw conflictError(conflicts);
  const kept = others.map((manager) => lessFields(manager, (path) => changed.has(path) || removed.has(path)));
  const same = own !== undefined && own.fields.size === sent.size && [...sent].every((path) => own.fields.has(path)) && own.apiVersion === writer.apiVersion;
  const unchanged = same && changed.size === 0 && removed.size === 0;
  return present([...kept, { ...writer, time: unchanged ? own.time : time, fields: sent }]);
}

function lessFields(manager: Manager, gone: (path: string) => boolean): Manager {
  const fields = new Set([...manager.fields].filter((path) => !gone(path)));
  return fields.size === manager.fields.size ? manager : { ...manager, fields };
}

function present(managers: readonly Manager[]): readonly Manager[] {
  return managers.filter(({ fields, operation }) => fields.size > 0 || operation === 'Apply');
}

export function sameManagers(a: readonly Manager[], b: readonly Manager[]): boolean {
  return (
    a.length === b.length &&
    a.every(
      (manager, index) =>
        manager === b[index] ||
        (b[index] !== undefined &&
          isSameWriter(manager, b[index]) &&
          manager.time === b[index].time &&
          manager.fields.size === b[index].fields.size &&
          [...manager.fields].every((path) => b[index]?.fields.has(path))),
    )
  );
}

function conflictError(conflicts: readonly { readonly manager: Manager; readonly path: string }[]): Error {
  const causes = conflicts.map(({ manager, path }): Cause => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${describeManager(manager)}`,
    field: pathText(path),
  }));
  const [only] = conflicts;
  if (conflicts.length === 1 && only !== undefined)
    return applyConflict(causes, `Apply failed with 1 conflict: conflict with ${describeManager(only.manager)}: ${pathText(only.path)}`);
  const names = [...new Set(conflicts.map(({ manager }) => describeManager(manager)))].sort();
  const lines = names.flatMap((name) => [
    `conflicts with ${name}:`,
    ...conflicts.filter(({ manager }) => describeManager(manager) === name).map(({ path }) => `- ${pathText(path)}`),
  ]);
  return applyConflict(causes, `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`);
}

function describeManager({ manager, operation, apiVersion, subresource }: Manager): string {
  const name = JSON.stringify(manager) + (subresource === undefined ? '' : ` with subresource "${subresource}"`);
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}

/** As metadata.managedFields. */
export function managedFields(managers: readonly Manager[]): readonly unknown[] {
  return managers.map(({ manager, operation, apiVersion, time, fields, subresource }) => ({
    manager,
    operation,
    apiVersion,
    time,
    fieldsType: 'FieldsV1',
    fieldsV1: fieldsV1(fields),
    ...(subresource !== undefined && { subresource }),
  }));
}
