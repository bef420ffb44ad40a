/** Every write, in the order of steps the API server keeps on the way. */
import type {
  ApplyOptions,
  Clock,
  DeleteOptions,
  KubeObject,
  ObjectKey,
  WriteOptions,
} from 'autopilot-runtime/ports';
import { apiVersionOf } from 'autopilot-runtime/ports';
import {
  confined,
  countsAsChange,
  defaulted,
  read,
  readPatched,
  refuseNewFinalizers,
  validate,
  withBirthRights,
} from './admit.ts';
import { allocated } from './builtin.ts';
import { FOREGROUND, ORPHAN } from './collector.ts';
import { CLEANUP, established, isDefinition } from './definition.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  internal,
  invalid,
  noSubresource,
  notFound,
  preconditionFailed,
  terminating,
  versionMissing,
} from './errors.ts';
import { appliedFields, compare } from './fieldset.ts';
import { keep, keepOnce, same } from './frozen.ts';
import type { Kind, Kinds } from './kinds.ts';
import type { Manager, Writer } from './managed.ts';
import { afterApply, afterUpdate, isSameWriter, sameManagers } from './managed.ts';
import { merge, withoutFields } from './merge.ts';
import { dropped, isOf } from './owning.ts';
import type { Records, Stored } from './records.ts';
import { withManagers } from './records.ts';
import type { Rules } from './rules.ts';
import { scaled, scaleOf } from './scale.ts';
import { unknownFields } from './schema.ts';
import { unmergeable } from './unmergeable.ts';

/** The managers after a write, from the object before (as served, absent when new) and after. */
type Managing = (before: KubeObject | undefined, after: KubeObject) => readonly Manager[];

export class Writes {
  readonly #records: Records;
  readonly #kinds: Kinds;
  readonly #clock: Clock;
  readonly #rules: Rules;
  #count = 0;

  constructor(records: Records, kinds: Kinds, clock: Clock, rules: Rules) {
    this.#records = records;
    this.#kinds = kinds;
    this.#clock = clock;
    this.#rules = rules;
  }

  /** @throws ApiError 404 */
  existing(kind: Kind, key: ObjectKey): Stored {
    const stored = this.#records.get(kind, key);
    if (stored === undefined) {
      throw notFound(kind, key.name);
    }
    return stored;
  }

  /** As its Scale. @throws ApiError 404 */
  scale(kind: Kind, key: ObjectKey): KubeObject {
    if (kind.scale === undefined) {
      throw noSubresource(kind, key.name);
    }
    return scaleOf(kind, this.existing(kind, key).object, kind.scale);
  }

  create(kind: Kind, given: KubeObject, options: WriteOptions = {}): KubeObject {
    if (given.metadata.resourceVersion !== undefined) {
      throw internal('resourceVersion should not be set on objects to be created');
    }
    const writer = this.#writer(kind, 'Update', options);
    return this.#create(
      kind,
      read(kind, isDefinition(kind) ? keepOnce(given) : keep(given)),
      options,
      (_, after) =>
        afterUpdate(
          [],
          writer,
          compare(undefined, after, kind.shape, kind.custom === true),
          this.#time(),
        ),
    );
  }

  /** PUT: the whole object. */
  replace(kind: Kind, given: KubeObject, options: WriteOptions = {}): KubeObject {
    if (options.subresource === 'scale') {
      return this.#scale(kind, given.metadata, () => given, options);
    }
    const { name, uid, resourceVersion } = given.metadata;
    this.#checkDoor(kind, name, options);
    const { object } = this.existing(kind, given.metadata);
    const next = read(kind, keep(given));
    if (uid !== undefined && uid !== object.metadata.uid) {
      throw conflict(kind, name, wrongUid(uid, object.metadata.uid));
    }
    if (resourceVersion === undefined && kind.custom === true) {
      throw versionMissing(kind, name);
    }
    return this.#change(kind, given.metadata, () => next, options);
  }

  /** A patch of the object, or what the collector changes. */
  patch(
    kind: Kind,
    key: ObjectKey,
    change: (old: KubeObject) => KubeObject,
    options: WriteOptions = {},
  ): KubeObject {
    if (options.subresource === 'scale') {
      return this.#scale(kind, key, change, options);
    }
    this.#checkDoor(kind, key.name, options);
    return this.#change(kind, key, (old) => readPatched(kind, keep(change(old)), old), options);
  }

  #checkDoor(kind: Kind, name: string, { subresource }: WriteOptions): void {
    if (subresource === 'status' && kind.status !== true) {
      throw noSubresource(kind, name);
    }
  }

  #scale(
    kind: Kind,
    key: ObjectKey,
    change: (old: KubeObject) => KubeObject,
    options: WriteOptions,
  ): KubeObject {
    const { scale } = kind;
    if (scale === undefined) {
      throw noSubresource(kind, key.name);
    }
    const asked = change(this.scale(kind, key));
    const { replicas = 0 } = (asked.spec ?? {}) as { replicas?: number };
    const message = `Invalid value: ${replicas}: should be a non-negative integer`;
    if (replicas < 0) {
      throw invalid(kind, key.name, [{ reason: 'FieldValueInvalid', field: scale.spec, message }]);
    }
    const { subresource: _, ...main } = options;
    const stored = this.existing(kind, key);
    const next = keep(scaled(stored.object, asked, scale));
    // The real server records no manager for the scale of a custom resource.
    if (kind.custom === true) {
      this.#update(kind, stored, next, main, () => stored.managers);
    } else {
      this.#change(kind, key, () => next, { ...main });
    }
    return this.scale(kind, key);
  }

  #change(
    kind: Kind,
    key: ObjectKey,
    change: (old: KubeObject) => KubeObject,
    options: WriteOptions,
  ): KubeObject {
    const stored = this.existing(kind, key);
    const writer = this.#writer(kind, 'Update', options);
    const old = inKind(stored.object, kind);
    return this.#update(kind, stored, change(old), options, (before, after) =>
      afterUpdate(
        stored.managers,
        writer,
        compare(before, after, kind.shape, kind.custom === true),
        this.#time(),
      ),
    );
  }

  apply(kind: Kind, sent: KubeObject, options: ApplyOptions): KubeObject {
    const given = keep(sent);
    const { subresource, force = false } = options;
    this.#checkDoor(kind, given.metadata.name, options);
    if (given.metadata.managedFields !== undefined) {
      throw badRequest('metadata.managedFields must be nil');
    }
    const [unknown] = kind.schema === undefined ? [] : unknownFields(given, kind.schema);
    const problem =
      unknown === undefined
        ? unmergeable(given, kind.shape, kind.schema)
        : `.${unknown}: field not declared in schema`;
    const { namespace, name } = given.metadata;
    const place = `${namespace === undefined ? '' : `${namespace}/`}${name}; ${apiVersionOf(kind)}, Kind=${kind.kind}`;
    if (problem !== undefined) {
      throw internal(`failed to create typed patch object (${place}): ${problem}`);
    }
    const writer = this.#writer(kind, 'Apply', options);
    const fields = new Set(
      [...appliedFields(given, kind.shape)].filter((path) => isOf(kind, path, subresource)),
    );
    const stored = this.#records.get(kind, given.metadata);
    if (stored === undefined) {
      if (subresource !== undefined) {
        throw notFound(kind, name);
      }
      if (given.metadata.uid !== undefined) {
        throw conflict(kind, name, wrongUid(given.metadata.uid, ''));
      }
      return this.#create(kind, given, options, () =>
        afterApply(
          [],
          writer,
          fields,
          { changed: new Set<string>(), removed: new Set<string>() },
          force,
          this.#time(),
        ),
      );
    }
    const object = inKind(stored.object, kind);
    const own = stored.managers.find((manager) => isSameWriter(manager, writer));
    const others = stored.managers.filter((manager) => manager !== own);
    const merged = merge(object, given, kind.shape) as KubeObject;
    const next = keep(withoutFields(merged, dropped(kind, own, fields, others), kind.shape));
    // Conflicts are told before anything that is wrong with the result.
    const difference = compare(
      object,
      confined(kind, object, next, subresource),
      kind.shape,
      kind.custom === true,
    );
    const managers = afterApply(stored.managers, writer, fields, difference, force, this.#time());
    return this.#update(kind, stored, next, options, () => managers);
  }

  delete(kind: Kind, key: ObjectKey, options: DeleteOptions = {}): void {
    const stored = this.existing(kind, key);
    const { uid, resourceVersion } = options.preconditions ?? {};
    const { metadata } = stored.object;
    if (uid !== undefined && uid !== metadata.uid) {
      throw preconditionFailed(kind, key.name, 'UID', uid, metadata.uid);
    }
    if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
      throw preconditionFailed(
        kind,
        key.name,
        'ResourceVersion',
        resourceVersion,
        metadata.resourceVersion,
      );
    }
    const added = [
      ...(options.propagationPolicy === 'Foreground' ? [FOREGROUND] : []),
      ...(options.propagationPolicy === 'Orphan' ? [ORPHAN] : []),
      ...(isDefinition(kind) ? [CLEANUP] : []),
    ];
    const finalizers = [...new Set([...(metadata.finalizers ?? []), ...added])];
    const namespace = kind.group === '' && kind.kind === 'Namespace';
    if (finalizers.length === 0 && !namespace) {
      return this.#records.remove(stored);
    }
    if (metadata.deletionTimestamp !== undefined) {
      return;
    }
    const deleting = {
      ...stored.object,
      metadata: {
        ...metadata,
        ...(finalizers.length > 0 && { finalizers }),
        deletionTimestamp: this.#time(),
        deletionGracePeriodSeconds: 0,
        ...counted(metadata.generation),
      },
      ...(namespace && { status: { phase: 'Terminating' } }),
    };
    this.#records.put(kind, stored, deleting, stored.managers);
  }

  #create(kind: Kind, given: KubeObject, options: WriteOptions, managing: Managing): KubeObject {
    const { status, ...stateless } = given;
    const { generateName } = given.metadata as { generateName?: string };
    const name =
      given.metadata.name ??
      (generateName === undefined
        ? undefined
        : generateName + (++this.#count).toString(36).padStart(5, '0'));
    if (name === undefined) {
      throw invalid(kind, '', [
        {
          reason: 'FieldValueRequired',
          field: 'metadata.name',
          message: 'Required value: name or generateName is required',
        },
      ]);
    }
    this.#checkNamespace(kind, given, name);
    const {
      resourceVersion: _,
      deletionTimestamp: __,
      managedFields: ___,
      ...metadata
    } = given.metadata;
    const born = {
      ...metadata,
      name,
      uid: this.#uid(),
      creationTimestamp: this.#time(),
      ...(kind.generation && { generation: 1 }),
    };
    const whole = { ...stateless, ...(kind.status !== true && { status }), metadata: born };
    const next = defaulted(kind, withBirthRights(kind, whole as KubeObject));
    validate(kind, next, undefined, this.#rules);
    const old = this.#records.get(kind, { ...given.metadata, name });
    if (old !== undefined) {
      throw alreadyExists(kind, name, old.object.metadata.deletionTimestamp !== undefined);
    }
    const managers = managing(undefined, next);
    const complete = isDefinition(kind)
      ? keep({ ...next, status: established(next, this.#time()) } as KubeObject)
      : allocated(kind, next, undefined, () => ++this.#count);
    if (options.dryRun === true) {
      return withManagers(complete, managers);
    }
    return this.#records.put(kind, undefined, complete, managers).served;
  }

  #update(
    kind: Kind,
    stored: Stored,
    next: KubeObject,
    options: WriteOptions,
    managing: Managing,
  ): KubeObject {
    const old = inKind(stored.object, kind);
    const { name } = old.metadata;
    const { resourceVersion } = next.metadata;
    if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) {
      throw conflict(kind, name);
    }
    for (const field of ['uid', 'deletionTimestamp'] as const) {
      const value = next.metadata[field];
      if (value !== undefined && value !== old.metadata[field]) {
        throw invalid(kind, name, [
          {
            reason: 'FieldValueInvalid',
            field: `metadata.${field}`,
            message: `Invalid value: "${value}": field is immutable`,
          },
        ]);
      }
    }
    const whole = defaulted(kind, confined(kind, old, next, options.subresource));
    // What is kept although the client leaves it out is no removal of the client's.
    const managers = managing(
      old,
      allocated(kind, whole, old, () => 0),
    );
    let object = isDefinition(kind)
      ? keep({ ...whole, status: old.status } as KubeObject)
      : allocated(kind, whole, old, () => ++this.#count);
    refuseNewFinalizers(kind, old, object);
    validate(kind, object, old, this.#rules);
    if (countsAsChange(kind, old, object)) {
      object = keep({
        ...object,
        metadata: { ...object.metadata, ...counted(old.metadata.generation) },
      });
    }
    if (options.dryRun === true) {
      return withManagers(object, managers);
    }
    if (same(object, old) && sameManagers(managers, stored.managers)) {
      return stored.served;
    }
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0 && kind.kind !== 'Namespace') {
      this.#records.remove(stored, object);
      return withManagers(object, managers);
    }
    return this.#records.put(kind, stored, object, managers).served;
  }

  #checkNamespace(kind: Kind, { metadata }: KubeObject, name: string): void {
    if (!kind.namespaced) {
      return;
    }
    if (metadata.namespace === undefined) {
      throw badRequest('an empty namespace may not be set during creation');
    }
    const type = this.#kinds.find({ group: '', version: 'v1', plural: 'namespaces' });
    const namespace =
      type === undefined ? undefined : this.#records.get(type, { name: metadata.namespace });
    if (type === undefined || namespace === undefined) {
      throw notFound({ group: '', kind: 'Namespace', plural: 'namespaces' }, metadata.namespace);
    }
    if (namespace.object.metadata.deletionTimestamp !== undefined) {
      throw terminating(kind, name, metadata.namespace);
    }
  }

  #writer(
    kind: Kind,
    operation: Writer['operation'],
    { fieldManager = 'unknown', subresource }: WriteOptions,
  ): Writer {
    return {
      manager: fieldManager,
      operation,
      apiVersion: apiVersionOf(kind),
      ...(subresource !== undefined && { subresource }),
    };
  }

  #time(): string {
    return new Date(this.#clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }

  #uid(): string {
    return `00000000-0000-4000-8000-${(++this.#count).toString(16).padStart(12, '0')}`;
  }
}

function inKind(object: KubeObject, kind: Kind): KubeObject {
  const apiVersion = apiVersionOf(kind);
  return object.apiVersion === apiVersion ? object : keep({ ...object, apiVersion });
}

function counted(generation: number | undefined): { generation?: number } {
  return generation === undefined ? {} : { generation: generation + 1 };
}

function wrongUid(expected: string, found: string | undefined): string {
  return `Precondition failed: UID in precondition: ${expected}, UID in object meta: ${found ?? ''}`;
}
