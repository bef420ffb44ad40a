/** Writes: each verb takes the steps of the API server, in the API server's order. */
import type {
  ApplyOptions,
  Clock,
  DeleteOptions,
  KubeObject,
  ObjectKey,
  WriteOptions,
} from 'autopilot-runtime/internal';
import { apiVersionOf } from 'autopilot-runtime/internal';
import {
  restrictToSubresource,
  changesGeneration,
  applyDefaults,
  decode,
  decodePatched,
  withoutNullFields,
  rejectNewFinalizers,
  validateObject,
  withServerFields,
} from './prepare-object.ts';
import { allocateServerFields } from './built-in-behavior.ts';
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from './garbage-collector.ts';
import {
  CLEANUP_FINALIZER,
  establishedStatus,
  isCrdKind,
  withStoredVersion,
} from './custom-resource-definition.ts';
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
} from './api-errors.ts';
import type { FieldDifference } from './field-set.ts';
import { appliedFields, compareFields } from './field-set.ts';
import { freezeJson, freezeOnce, jsonEqual } from './frozen-json.ts';
import type { Kind, KindRegistry } from './kind-registry.ts';
import type { ApplyWrite, FieldManager, FieldWriter } from './managed-fields.ts';
import {
  applyManagers,
  decodeManagers,
  updateManagers,
  isSameWriter,
  sameManagers,
} from './managed-fields.ts';
import { mergeApplied, removeFields } from './apply-merge.ts';
import { findDroppedFields, belongsToSubresource } from './field-ownership.ts';
import type { ObjectStore, StoredObject } from './object-store.ts';
import { withManagedFields } from './object-store.ts';
import type { ValidationRules } from './validation-rules.ts';
import { checkStoredSize } from './request-limits.ts';
import { withReplicas, toScale } from './scale.ts';
import { unknownFields } from './structural-schema.ts';
import { findMergeProblem } from './merge-problem.ts';

/** Computes the managers of a write from the object before (undefined: new) and after. */
type ComputeManagers = (
  before: KubeObject | undefined,
  after: KubeObject,
) => readonly FieldManager[];

/** A write of an object that exists. */
interface ObjectUpdate {
  readonly stored: StoredObject;
  readonly next: KubeObject;
  readonly options: WriteOptions;
  readonly computeManagers: ComputeManagers;
}

/** Carries out writes on the store. */
export class WriteHandler {
  readonly #store: ObjectStore;
  readonly #kinds: KindRegistry;
  readonly #clock: Clock;
  readonly #rules: ValidationRules;
  #count = 0;

  constructor(store: ObjectStore, kinds: KindRegistry, clock: Clock, rules: ValidationRules) {
    this.#store = store;
    this.#kinds = kinds;
    this.#clock = clock;
    this.#rules = rules;
  }

  /** The stored object. @throws ApiError 404 */
  existing(kind: Kind, key: ObjectKey): StoredObject {
    const stored = this.#store.get(kind, key);
    if (stored === undefined) {
      throw notFound(kind, key.name);
    }
    return stored;
  }

  /** The scale subresource of an object. @throws ApiError 404 */
  scale(kind: Kind, key: ObjectKey): KubeObject {
    if (kind.scale === undefined) {
      throw noSubresource(kind, key.name);
    }
    return toScale(kind, this.existing(kind, key).object, kind.scale);
  }

  /** POST. */
  create(kind: Kind, given: KubeObject, options: WriteOptions = {}): KubeObject {
    if (given.metadata.resourceVersion !== undefined) {
      throw internal('resourceVersion should not be set on objects to be created');
    }
    const writer = this.#writer(kind, 'Update', options);
    return this.#create(
      kind,
      decode(kind, isCrdKind(kind) ? freezeOnce(given) : freezeJson(given)),
      options,
      (_, after) =>
        updateManagers(
          [],
          writer,
          compareFields(undefined, after, kind.shape, kind.custom === true),
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
    this.#checkSubresource(kind, name, options);
    const { object } = this.existing(kind, given.metadata);
    const next = decode(kind, freezeJson(given));
    if (uid !== undefined && uid !== object.metadata.uid) {
      throw conflict(kind, name, uidMismatch(uid, object.metadata.uid));
    }
    if (resourceVersion === undefined && kind.custom === true) {
      throw versionMissing(kind, name);
    }
    return this.#change(kind, given.metadata, () => next, options);
  }

  /** PATCH, and the changes of the garbage collector. */
  patch(
    kind: Kind,
    key: ObjectKey,
    change: (old: KubeObject) => KubeObject,
    options: WriteOptions = {},
  ): KubeObject {
    if (options.subresource === 'scale') {
      return this.#scale(kind, key, change, options);
    }
    this.#checkSubresource(kind, key.name, options);
    return this.#change(
      kind,
      key,
      (old) => decodePatched(kind, freezeJson(change(old)), old),
      options,
    );
  }

  #checkSubresource(kind: Kind, name: string, { subresource }: WriteOptions): void {
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
    const next = freezeJson(withReplicas(stored.object, asked, scale));
    // The real server records no manager for the scale of a custom resource.
    if (kind.custom === true) {
      const computeManagers = (): readonly FieldManager[] => stored.managers;
      this.#update(kind, { stored, next, options: main, computeManagers });
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
    const next = change(toKindVersion(stored.served, kind));
    const managers = managersOfRequest(stored, next, options);
    // The API server does not track an object without managers before its first apply.
    const computeManagers: ComputeManagers = (before, after) =>
      managers.length === 0
        ? []
        : updateManagers(
            managers,
            writer,
            compareFields(before, after, kind.shape, kind.custom === true),
            this.#time(),
          );
    return this.#update(kind, { stored, next, options, computeManagers });
  }

  /**
   * Server-side apply. Conflicts are reported before anything else that is wrong with the result.
   * @throws ApiError 409 when the apply changes fields of other managers and does not force
   */
  apply(kind: Kind, sent: KubeObject, options: ApplyOptions): KubeObject {
    const given = freezeJson(sent);
    const { subresource, force = false } = options;
    this.#checkSubresource(kind, given.metadata.name, options);
    checkAppliedConfiguration(kind, given);
    const writer = this.#writer(kind, 'Apply', options);
    const fields = new Set(
      [...appliedFields(given, kind.shape)].filter((path) =>
        belongsToSubresource(kind, path, subresource),
      ),
    );
    const write = { writer, sent: fields, force, time: this.#time() };
    const stored = this.#store.get(kind, given.metadata);
    if (stored === undefined) {
      checkAppliedCreation(kind, given, options);
      return this.#create(kind, given, options, () =>
        applyManagers([], { ...write, difference: NO_DIFFERENCE }),
      );
    }
    const object = toKindVersion(stored.object, kind);
    const next = mergeConfiguration(kind, stored, given, write);
    const difference = compareFields(
      object,
      restrictToSubresource(kind, object, next, subresource),
      kind.shape,
      kind.custom === true,
    );
    const managers = applyManagers(stored.managers, { ...write, difference });
    return this.#update(kind, { stored, next, options, computeManagers: () => managers });
  }

  /** DELETE. An object with finalizers stays with a deletionTimestamp. */
  delete(kind: Kind, key: ObjectKey, options: DeleteOptions = {}): void {
    const stored = this.existing(kind, key);
    const { uid, resourceVersion } = options.preconditions ?? {};
    const { metadata } = stored.object;
    if (uid !== undefined && uid !== metadata.uid) {
      const found = metadata.uid;
      throw preconditionFailed(kind, key.name, { what: 'UID', expected: uid, found });
    }
    if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
      throw preconditionFailed(kind, key.name, {
        what: 'ResourceVersion',
        expected: resourceVersion,
        found: metadata.resourceVersion,
      });
    }
    const added = [
      ...(options.propagationPolicy === 'Foreground' ? [FOREGROUND_FINALIZER] : []),
      ...(options.propagationPolicy === 'Orphan' ? [ORPHAN_FINALIZER] : []),
      ...(isCrdKind(kind) ? [CLEANUP_FINALIZER] : []),
    ];
    const finalizers = [...new Set([...(metadata.finalizers ?? []), ...added])];
    const namespace = kind.group === '' && kind.kind === 'Namespace';
    if (finalizers.length === 0 && !namespace) {
      return this.#store.remove(stored);
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
        ...nextGeneration(metadata.generation),
      },
      ...(namespace && { status: { phase: 'Terminating' } }),
    };
    this.#store.put(kind, stored, deleting, stored.managers);
  }

  #create(
    kind: Kind,
    given: KubeObject,
    options: WriteOptions,
    computeManagers: ComputeManagers,
  ): KubeObject {
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
    const newMetadata = {
      ...metadata,
      name,
      uid: this.#uid(),
      creationTimestamp: this.#time(),
      ...(kind.generation && { generation: 1 }),
    };
    const whole = { ...stateless, ...(kind.status !== true && { status }), metadata: newMetadata };
    const next = applyDefaults(kind, withServerFields(kind, whole as KubeObject));
    validateObject(kind, next, undefined, this.#rules);
    const old = this.#store.get(kind, { ...given.metadata, name });
    if (old !== undefined) {
      throw alreadyExists(kind, name, old.object.metadata.deletionTimestamp !== undefined);
    }
    const managers = computeManagers(undefined, next);
    const complete = isCrdKind(kind)
      ? freezeJson({ ...next, status: establishedStatus(next, this.#time()) } as KubeObject)
      : allocateServerFields(kind, next, undefined, () => ++this.#count);
    if (options.dryRun === true) {
      return withManagedFields(complete, managers);
    }
    checkStoredSize(complete);
    return this.#store.put(kind, undefined, complete, managers).served;
  }

  #update(kind: Kind, { stored, next, options, computeManagers }: ObjectUpdate): KubeObject {
    const old = toKindVersion(stored.object, kind);
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
    const whole = applyDefaults(kind, restrictToSubresource(kind, old, next, options.subresource));
    // Server fields that the client leaves out are kept, so that they do not count as removed.
    const managers = computeManagers(
      old,
      allocateServerFields(kind, whole, old, () => 0),
    );
    let object = isCrdKind(kind)
      ? withStoredVersion(whole)
      : allocateServerFields(kind, whole, old, () => ++this.#count);
    rejectNewFinalizers(kind, old, object);
    validateObject(kind, object, old, this.#rules);
    if (changesGeneration(kind, old, object)) {
      object = freezeJson({
        ...object,
        metadata: { ...object.metadata, ...nextGeneration(old.metadata.generation) },
      });
    }
    if (options.dryRun === true) {
      return withManagedFields(object, managers);
    }
    if (jsonEqual(object, old) && sameManagers(managers, stored.managers)) {
      return stored.served;
    }
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0 && kind.kind !== 'Namespace') {
      this.#store.remove(stored, object);
      return withManagedFields(object, managers);
    }
    checkStoredSize(object);
    return this.#store.put(kind, stored, object, managers).served;
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
      type === undefined ? undefined : this.#store.get(type, { name: metadata.namespace });
    if (type === undefined || namespace === undefined) {
      throw notFound({ group: '', kind: 'Namespace', plural: 'namespaces' }, metadata.namespace);
    }
    if (namespace.object.metadata.deletionTimestamp !== undefined) {
      throw terminating(kind, name, metadata.namespace);
    }
  }

  #writer(
    kind: Kind,
    operation: FieldWriter['operation'],
    { fieldManager = 'unknown', subresource }: WriteOptions,
  ): FieldWriter {
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

/**
 * The managers that an update starts from: those of the request, so that a client can change them.
 * The stored ones count for a subresource, and where the request has none or has unreadable ones.
 */
function managersOfRequest(
  { served, managers }: StoredObject,
  { metadata }: KubeObject,
  { subresource }: WriteOptions,
): readonly FieldManager[] {
  const { managedFields } = metadata;
  if (subresource !== undefined || jsonEqual(managedFields, served.metadata.managedFields)) {
    return managers;
  }
  return decodeManagers(managedFields) ?? managers;
}

const NO_DIFFERENCE: FieldDifference = { changed: new Set(), removed: new Set() };

/** @throws ApiError when the API server cannot read the applied configuration */
function checkAppliedConfiguration(kind: Kind, given: KubeObject): void {
  const { managedFields, namespace, name } = given.metadata;
  if (managedFields !== undefined) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const [unknown] = kind.schema === undefined ? [] : unknownFields(given, kind.schema);
  const problem =
    unknown === undefined
      ? findMergeProblem(given, kind.shape, kind.schema)
      : `.${unknown}: field not declared in schema`;
  if (problem !== undefined) {
    const key = `${namespace === undefined ? '' : `${namespace}/`}${name}`;
    const target = `${key}; ${apiVersionOf(kind)}, Kind=${kind.kind}`;
    throw internal(`failed to create typed patch object (${target}): ${problem}`);
  }
}

/** @throws ApiError when an apply may not create the object */
function checkAppliedCreation(kind: Kind, given: KubeObject, options: ApplyOptions): void {
  const { name, uid } = given.metadata;
  if (options.subresource !== undefined) {
    throw notFound(kind, name);
  }
  if (uid !== undefined) {
    throw conflict(kind, name, uidMismatch(uid, ''));
  }
}

/** The stored object with the applied configuration, without fields that the writer gives up. */
function mergeConfiguration(
  kind: Kind,
  stored: StoredObject,
  given: KubeObject,
  { writer, sent }: Pick<ApplyWrite, 'writer' | 'sent'>,
): KubeObject {
  const own = stored.managers.find((manager) => isSameWriter(manager, writer));
  const others = stored.managers.filter((manager) => manager !== own);
  const merged = mergeApplied(toKindVersion(stored.object, kind), given, kind.shape) as KubeObject;
  const dropped = findDroppedFields(kind, own, sent, others);
  const left = removeFields(merged, dropped, kind.shape);
  return freezeJson(kind.custom === true ? left : (withoutNullFields(left) as KubeObject));
}

function toKindVersion(object: KubeObject, kind: Kind): KubeObject {
  const apiVersion = apiVersionOf(kind);
  return object.apiVersion === apiVersion ? object : freezeJson({ ...object, apiVersion });
}

function nextGeneration(generation: number | undefined): { generation?: number } {
  return generation === undefined ? {} : { generation: generation + 1 };
}

function uidMismatch(expected: string, found: string | undefined): string {
  return `Precondition failed: UID in precondition: ${expected}, UID in object meta: ${found ?? ''}`;
}
