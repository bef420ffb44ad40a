/** Creating, changing, applying and deleting, with every rule that the API server keeps on the way. */
import type { ApplyOptions, Clock, DeleteOptions, KubeObject, ObjectKey, WriteOptions } from 'autopilot-runtime/ports';
import { apiVersionOf, deepFreeze } from 'autopilot-runtime/ports';
import { FOREGROUND, ORPHAN } from './collector.ts';
import type { Cause } from './errors.ts';
import { alreadyExists, badRequest, conflict, forbidden, internal, invalid, notFound, preconditionFailed, versionMissing } from './errors.ts';
import { canonical, elementsOf, fieldsOf, isBelow } from './fieldset.ts';
import type { Kind, Kinds } from './kinds.ts';
import type { Manager, Writer } from './managed.ts';
import { afterApply, afterUpdate, isSameWriter, sameManagers } from './managed.ts';
import { merge, without } from './merge.ts';
import type { Records, Stored } from './records.ts';
import { problemsOf, unknownFields, withDefaults } from './schema.ts';

type Managing = (before: KubeObject | undefined, after: KubeObject) => readonly Manager[];

export class Writes {
  readonly #records: Records;
  readonly #kinds: Kinds;
  readonly #clock: Clock;
  #count = 0;

  constructor(records: Records, kinds: Kinds, clock: Clock) {
    this.#records = records;
    this.#kinds = kinds;
    this.#clock = clock;
  }

  /** @throws ApiError 404 */
  existing(kind: Kind, key: ObjectKey): Stored {
    const stored = this.#records.get(kind, key);
    if (stored === undefined) throw notFound(kind, key.name);
    return stored;
  }

  create(kind: Kind, given: KubeObject, options: WriteOptions = {}): KubeObject {
    if (given.metadata.resourceVersion !== undefined) throw internal('resourceVersion should not be set on objects to be created');
    refuseUnknown(kind, given);
    const writer = this.#writer(kind, 'Update', options);
    return this.#create(kind, given, options, (_, after) => afterUpdate([], writer, new Map(), fieldsOf(after, kind.shape), this.#time()));
  }

  /** PUT: the whole object. */
  replace(kind: Kind, given: KubeObject, options?: WriteOptions): KubeObject {
    const { name, uid, resourceVersion } = given.metadata;
    const { object } = this.existing(kind, given.metadata);
    if (uid !== undefined && uid !== object.metadata.uid) throw conflict(kind, name, wrongUid(uid, object.metadata.uid));
    if (resourceVersion === undefined && kind.custom === true) throw versionMissing(kind, name);
    return this.update(kind, given.metadata, () => given, options);
  }

  /** Changes what is there: PUT, patches and the collector's own changes. */
  update(kind: Kind, key: ObjectKey, change: (old: KubeObject) => KubeObject, options: WriteOptions = {}): KubeObject {
    const stored = this.existing(kind, key);
    const writer = this.#writer(kind, 'Update', options);
    const next = deepFreeze(change(stored.object));
    refuseUnknown(kind, next);
    return this.#update(stored, next, options, (before, after) => {
      const old = before === undefined ? new Map<string, string>() : fieldsOf(before, kind.shape);
      return afterUpdate(stored.managers, writer, old, fieldsOf(after, kind.shape), this.#time());
    });
  }

  apply(kind: Kind, given: KubeObject, options: ApplyOptions): KubeObject {
    const { subresource, force = false } = options;
    if (given.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
    const [unknown] = kind.schema === undefined ? [] : unknownFields(given, kind.schema);
    if (unknown !== undefined) throw internal(`failed to create typed patch object: .${unknown}: field not declared in schema`);
    const writer = this.#writer(kind, 'Apply', options);
    const sent = new Set([...fieldsOf(given, kind.shape).keys()].filter((path) => isOf(kind, path, subresource)));
    const stored = this.#records.get(kind, given.metadata);
    if (stored === undefined) {
      if (subresource !== undefined) throw notFound(kind, given.metadata.name);
      if (given.metadata.uid !== undefined) throw conflict(kind, given.metadata.name, wrongUid(given.metadata.uid, ''));
      return this.#create(kind, given, options, () => afterApply([], writer, sent, new Map(), new Map(), force, this.#time()));
    }
    const { managers, object } = stored;
    const own = managers.find((manager) => isSameWriter(manager, writer));
    const others = managers.filter((manager) => manager !== own);
    const owned = (path: string): boolean => others.some(({ fields }) => fields.has(path) || [...fields].some((field) => isBelow(field, path)));
    const dropped = [...(own?.fields ?? [])].filter((path) => !sent.has(path) && !owned(path)).sort((a, b) => elementsOf(a).length - elementsOf(b).length);
    let merged = merge(object, given, kind.shape) as KubeObject;
    for (const path of dropped) merged = without(merged as unknown as Record<string, unknown>, path, kind.shape) as unknown as KubeObject;
    const next = deepFreeze(merged);
    const after = fieldsOf(confined(kind, object, next, subresource), kind.shape);
    const applied = afterApply(managers, writer, sent, fieldsOf(object, kind.shape), after, force, this.#time());
    return this.#update(stored, next, options, () => applied);
  }

  delete(kind: Kind, key: ObjectKey, options: DeleteOptions = {}): void {
    const stored = this.existing(kind, key);
    const { uid, resourceVersion } = options.preconditions ?? {};
    const { metadata } = stored.object;
    if (uid !== undefined && uid !== metadata.uid) throw preconditionFailed(kind, key.name, 'UID', uid, metadata.uid);
    if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
      throw preconditionFailed(kind, key.name, 'ResourceVersion', resourceVersion, metadata.resourceVersion);
    const added = options.propagationPolicy === 'Foreground' ? [FOREGROUND] : options.propagationPolicy === 'Orphan' ? [ORPHAN] : [];
    const finalizers = [...new Set([...(metadata.finalizers ?? []), ...added])];
    const namespace = kind.group === '' && kind.kind === 'Namespace';
    if (finalizers.length === 0 && !namespace) return this.#records.remove(stored);
    if (metadata.deletionTimestamp !== undefined) return;
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
    const { status: _, ...stateless } = given;
    const object = kind.status === true ? (stateless as KubeObject) : given;
    const { generateName } = given.metadata as { generateName?: string };
    const name = given.metadata.name ?? (generateName === undefined ? undefined : generateName + (++this.#count).toString(36).padStart(5, '0'));
    if (name === undefined)
      throw invalid(kind, '', [{ reason: 'FieldValueRequired', field: 'metadata.name', message: 'Required value: name or generateName is required' }]);
    this.#checkNamespace(kind, given, name);
    if (this.#records.get(kind, { ...given.metadata, name }) !== undefined) throw alreadyExists(kind, name);
    const { resourceVersion: __, deletionTimestamp: ___, managedFields: ____, ...metadata } = given.metadata;
    const born = { ...metadata, name, uid: this.#uid(), creationTimestamp: this.#time(), ...(kind.generation && { generation: 1 }) };
    const next = this.#completed(kind, withBirthRights(kind, { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: born }));
    const managers = managing(undefined, next);
    if (options.dryRun === true) return next;
    return this.#records.put(kind, undefined, next, managers).served;
  }

  #update(stored: Stored, next: KubeObject, options: WriteOptions, managing: Managing): KubeObject {
    const { kind, object: old } = stored;
    const { name } = old.metadata;
    const { uid, resourceVersion } = next.metadata;
    if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) throw conflict(kind, name);
    if (uid !== undefined && uid !== old.metadata.uid)
      throw invalid(kind, name, [{ reason: 'FieldValueInvalid', field: 'metadata.uid', message: `Invalid value: "${uid}": field is immutable` }]);
    let object = this.#completed(kind, confined(kind, old, next, options.subresource));
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    const fresh = finalizers.filter((finalizer) => old.metadata.finalizers?.includes(finalizer) !== true);
    if (deletionTimestamp !== undefined && fresh.length > 0) {
      const found = fresh.map((finalizer) => JSON.stringify(finalizer)).join(', ');
      throw invalid(kind, name, [
        {
          reason: 'FieldValueForbidden',
          field: 'metadata.finalizers',
          message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${found}}`,
        },
      ]);
    }
    if (kind.generation && specText(object) !== specText(old))
      object = deepFreeze({ ...object, metadata: { ...object.metadata, ...counted(old.metadata.generation) } });
    const managers = managing(old, object);
    if (options.dryRun === true) return object;
    if (canonical(object) === canonical(old) && sameManagers(managers, stored.managers)) return stored.served;
    if (deletionTimestamp !== undefined && finalizers.length === 0 && kind.kind !== 'Namespace') {
      this.#records.remove(stored, object);
      return object;
    }
    return this.#records.put(kind, stored, object, managers).served;
  }

  /** Defaults filled in, valid, frozen. @throws ApiError 422 */
  #completed(kind: Kind, object: KubeObject): KubeObject {
    const whole = kind.schema === undefined ? object : (withDefaults(object, kind.schema) as KubeObject);
    const causes = [...ownerProblems(whole), ...(kind.schema === undefined ? [] : problemsOf(whole, kind.schema))];
    if (causes.length > 0) throw invalid(kind, object.metadata.name, causes);
    return deepFreeze(whole);
  }

  #checkNamespace(kind: Kind, { metadata }: KubeObject, name: string): void {
    if (!kind.namespaced) return;
    if (metadata.namespace === undefined) throw badRequest('an empty namespace may not be set during creation');
    const type = this.#kinds.find({ group: '', version: 'v1', plural: 'namespaces' });
    const namespace = type === undefined ? undefined : this.#records.get(type, { name: metadata.namespace });
    if (type === undefined || namespace === undefined) throw notFound({ group: '', kind: 'Namespace', plural: 'namespaces' }, metadata.namespace);
    if (namespace.object.metadata.deletionTimestamp !== undefined)
      throw forbidden(kind, name, `unable to create new content in namespace ${metadata.namespace} because it is being terminated`);
  }

  #writer(kind: Kind, operation: Writer['operation'], { fieldManager = 'unknown', subresource }: WriteOptions): Writer {
    return { manager: fieldManager, operation, apiVersion: apiVersionOf(kind), ...(subresource !== undefined && { subresource }) };
  }

  #time(): string {
    return new Date(this.#clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }

  #uid(): string {
    return `00000000-0000-4000-8000-${(++this.#count).toString(16).padStart(12, '0')}`;
  }
}

function refuseUnknown(kind: Kind, object: KubeObject): void {
  const unknown = kind.schema === undefined ? [] : unknownFields(object, kind.schema);
  if (unknown.length > 0)
    throw badRequest(
      `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: strict decoding error: ${unknown.map((path) => `unknown field "${path}"`).join(', ')}`,
    );
}

/** A write through one door keeps the rest: status writes change only status, others never do. What the server sets stays. */
function confined(kind: Kind, old: KubeObject, next: KubeObject, subresource: string | undefined): KubeObject {
  if (subresource === 'status') {
    const { status: _, ...rest } = old;
    return deepFreeze({ ...rest, ...(next.status !== undefined && { status: next.status }) } as KubeObject);
  }
  const { uid, resourceVersion, generation, creationTimestamp, deletionTimestamp } = old.metadata;
  const { managedFields: _, generation: __, deletionTimestamp: ___, ...metadata } = next.metadata;
  const kept = { ...metadata, ...defined({ uid, resourceVersion, generation, creationTimestamp, deletionTimestamp }) };
  if (kind.status !== true) return deepFreeze({ ...next, metadata: kept });
  const { status: ____, ...stateless } = next;
  return deepFreeze({ ...stateless, metadata: kept, ...(old.status !== undefined && { status: old.status }) } as KubeObject);
}

function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** Does this door write the field? */
function isOf(kind: Kind, path: string, subresource: string | undefined): boolean {
  const status = path === 'f:status' || isBelow(path, 'f:status');
  return subresource === 'status' ? status : !(status && kind.status === true);
}

/** What counts for metadata.generation. */
function specText({ metadata: _, status: __, ...rest }: KubeObject): string {
  return canonical(rest);
}

function counted(generation: number | undefined): { generation?: number } {
  return generation === undefined ? {} : { generation: generation + 1 };
}

function ownerProblems({ metadata }: KubeObject): readonly Cause[] {
  const controllers = (metadata.ownerReferences ?? []).filter(({ controller }) => controller === true);
  if (controllers.length < 2) return [];
  const names = controllers.map(({ kind, name }) => `${kind}/${name}`).join(' and ');
  return [
    {
      reason: 'FieldValueInvalid',
      field: 'metadata.ownerReferences',
      message: `Invalid value: ${JSON.stringify(metadata.ownerReferences)}: Only one reference can have Controller set to true. Found "true" in references for ${names}`,
    },
  ];
}

/** What the server gives every new object of a kind. */
function withBirthRights(kind: Kind, object: KubeObject): KubeObject {
  if (kind.kind === 'CustomResourceDefinition')
    return { ...object, status: { conditions: [{ type: 'Established', status: 'True', reason: 'InitialNamesAccepted' }] } };
  if (kind.group !== '' || kind.kind !== 'Namespace') return object;
  const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
  return { ...object, metadata: { ...object.metadata, labels }, status: { phase: 'Active' } };
}

function wrongUid(expected: string, found: string | undefined): string {
  return `Precondition failed: UID in precondition: ${expected}, UID in object meta: ${found ?? ''}`;
}
