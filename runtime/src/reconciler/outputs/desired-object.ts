/** The desired object: what a worker returned, with the identity and the labels of the runtime. */
import type { OutputDefinition, Scheduler, WorkerDefinition } from '../../api/scheduler.ts';
import type { OutputObject } from '../../api/worker.ts';
import { PermanentError } from '../../api/worker.ts';
import type { KubeObject, ObjectKey, OwnerReference, ResourceType } from '../../client/object.ts';
import { apiVersionOf, controllerOf, keyOf, keyString } from '../../client/object.ts';
import {
  violatedLabelRule,
  violatedNameRule,
  violatedNamespaceRule,
} from '../../client/object-names.ts';
import { MANAGED_BY_LABEL, ownerLabel } from '../../client/well-known-names.ts';
import { hashOf } from '../../util/json.ts';

/** Fields of metadata that only an object from the API server has. */
const SERVER_FIELDS = [
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'generation',
  'managedFields',
] as const;

/** An object to apply. */
export interface DesiredObject {
  readonly output: OutputDefinition;
  readonly key: ObjectKey;
  /** The object to apply, without uid, resourceVersion and the mark (`applied-mark.ts`). */
  readonly object: KubeObject;
  /** Hash of the object. */
  readonly hash: string;
}

/** The output that objects are returned for. */
interface OutputTarget {
  readonly scheduler: Scheduler;
  readonly output: OutputDefinition;
  /** The resource that owns the objects. */
  readonly resource: KubeObject;
  /** Place in messages: `outputs.services of phase Syncing`. */
  readonly place: string;
}

/**
 * The desired objects of one output.
 *
 * @throws PermanentError for an object of another kind, without a valid name, in a namespace
 * outside the declaration, with an illegal label, named twice, or returned as it was read
 */
export function desiredObjectsOf(
  { scheduler, resource }: Pick<OutputTarget, 'scheduler' | 'resource'>,
  definition: WorkerDefinition,
  output: OutputDefinition,
  objects: readonly OutputObject[],
): readonly DesiredObject[] {
  const place = `outputs.${output.name} of ${definition.title}`;
  const target = { scheduler, output, resource, place };
  const seen = new Set<string>();
  return objects.map((object) => {
    const desired = desiredObjectOf(target, object as KubeObject);
    const key = keyString(desired.key);
    if (seen.has(key)) {
      throw new PermanentError(`${place} has ${key} twice`);
    }
    seen.add(key);
    return desired;
  });
}

function desiredObjectOf(target: OutputTarget, object: KubeObject): DesiredObject {
  validateIdentity(target, object);
  const owned = withOwnership(target, object, namespaceOf(target, object));
  return { output: target.output, key: keyOf(owned), hash: hashOf(owned), object: owned };
}

/** @throws PermanentError for another kind, an invalid name, or an object as it was read */
function validateIdentity({ output, place }: OutputTarget, object: KubeObject): void {
  const { type } = output;
  if (object.apiVersion !== apiVersionOf(type) || object.kind !== type.kind) {
    throw new PermanentError(
      `${place} has a ${object.kind} of ${object.apiVersion}; the declared kind is ${type.kind} of ${apiVersionOf(type)}`,
    );
  }
  const name = object.metadata?.name;
  const rule = violatedNameRule(type, name);
  if (rule !== undefined) {
    throw new PermanentError(`${place} has a ${type.kind} named ${JSON.stringify(name)}; ${rule}`);
  }
  const problem = metadataProblem(object);
  if (problem !== undefined) {
    throw new PermanentError(`${place}: ${type.kind} ${name} has ${problem}`);
  }
  const serverField = SERVER_FIELDS.find((field) => object.metadata[field] !== undefined);
  if (serverField !== undefined) {
    throw new PermanentError(
      `${place} returns ${type.kind} ${name} as it was read (metadata.${serverField} is set), which would take over all of its fields; return its name and the fields to set, or change single fields with claimFields() or a builder of autopilot-runtime/mesh`,
    );
  }
}

/** What the API server would never accept in labels and annotations. */
function metadataProblem({ metadata }: KubeObject): string | undefined {
  const { labels, annotations } = metadata;
  const broken = Object.entries(labels ?? {}).flatMap(
    ([key, value]) => violatedLabelRule(key, value) ?? [],
  );
  if (broken[0] !== undefined) {
    return broken[0];
  }
  const wrong = Object.entries(annotations ?? {}).find(([, value]) => typeof value !== 'string');
  const [key, value] = wrong ?? [];
  return key === undefined
    ? undefined
    : `the annotation ${key} with the value ${JSON.stringify(value)}; values are strings`;
}

/** @throws PermanentError when the namespace is missing, illegal or outside the declaration */
function namespaceOf(
  { output, resource, place }: OutputTarget,
  { metadata }: KubeObject,
): string | undefined {
  const { type } = output;
  if (!type.namespaced) {
    return undefined;
  }
  const namespace = metadata.namespace ?? resource.metadata.namespace;
  if (namespace === undefined) {
    throw new PermanentError(`${place}: ${type.kind} ${metadata.name} needs a namespace`);
  }
  const rule = violatedNamespaceRule(namespace);
  if (rule !== undefined) {
    throw new PermanentError(
      `${place}: ${type.kind} ${metadata.name} is in the namespace ${JSON.stringify(namespace)}; ${rule}`,
    );
  }
  if (!isInOutputScope(output, namespace, resource)) {
    throw new PermanentError(
      `${place}: ${type.kind} ${metadata.name} is in namespace ${namespace}; declare the output with namespace: all to write there`,
    );
  }
  return namespace;
}

/** Adds the labels of the runtime, and an owner reference where one is possible. */
function withOwnership(
  { scheduler, output, resource }: OutputTarget,
  object: KubeObject,
  namespace: string | undefined,
): KubeObject {
  // The API server drops the namespace of a cluster-scoped object, so it is dropped here too.
  const { labels, annotations, ownerReferences: _, namespace: __, ...metadata } = object.metadata;
  const isOwned = canOwn(output.type, namespace, resource) && resource.metadata.uid !== undefined;
  const owner = { ...ownerReference(scheduler, resource), controller: true };
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(namespace !== undefined && { namespace }),
      labels: {
        ...labels,
        [MANAGED_BY_LABEL]: scheduler.operatorName,
        [ownerLabel(scheduler.resource.group)]: resource.metadata.uid ?? '',
      },
      ...(annotations !== undefined && { annotations }),
      ...(isOwned && { ownerReferences: [owner] }),
    },
  };
}

/** Does the declaration of the output cover this namespace? Other objects are of other phases. */
export function isInOutputScope(
  { namespace: declared }: OutputDefinition,
  namespace: string | undefined,
  { metadata }: KubeObject,
): boolean {
  return declared === 'all' || namespace === undefined || namespace === metadata.namespace;
}

/**
 * Can an object have an owner reference to the resource? Kubernetes allows that within one
 * namespace, and for a cluster-scoped owner.
 */
export function canOwn(
  type: ResourceType,
  namespace: string | undefined,
  { metadata }: KubeObject,
): boolean {
  return metadata.namespace === undefined || (type.namespaced && namespace === metadata.namespace);
}

/** An owner reference to the resource, not as its controller. */
export function ownerReference(
  { resource: type }: Scheduler,
  { metadata }: KubeObject,
): OwnerReference {
  return {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    name: metadata.name,
    uid: metadata.uid ?? '',
  };
}

/**
 * Does the object belong to the resource? Either by the label, which works across namespaces, or by
 * the owner reference, which remains when a client removes the label.
 */
export function isOwnedBy(object: KubeObject, resource: KubeObject, group: string): boolean {
  const { uid } = resource.metadata;
  if (uid === undefined) {
    return false;
  }
  return object.metadata.labels?.[ownerLabel(group)] === uid || controllerOf(object)?.uid === uid;
}

/**
 * Is the object left over from a deleted resource of the same name? The object has the labels of
 * the runtime and an owner reference to that resource; garbage collection has not deleted it yet.
 */
export function isLeftBehind(
  object: KubeObject,
  resource: KubeObject,
  scheduler: Scheduler,
): boolean {
  const { group, kind } = scheduler.resource;
  const { metadata } = object;
  const owner = controllerOf(object);
  return (
    owner?.kind === kind &&
    owner.apiVersion.split('/')[0] === group &&
    owner.name === resource.metadata.name &&
    (resource.metadata.namespace === undefined ||
      resource.metadata.namespace === metadata.namespace) &&
    metadata.labels?.[ownerLabel(group)] === owner.uid &&
    metadata.labels[MANAGED_BY_LABEL] === scheduler.operatorName
  );
}
