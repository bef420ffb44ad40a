/**
 * From what a worker returned to what is applied: identity, the fields to set, and our marks. Pure.
 */
import { parseDuration } from '../../api/duration.ts';
import { violatedNameRule } from '../../client/object-names.ts';
import { appliedAnnotation, MANAGED_BY_LABEL, ownerLabel } from '../../client/well-known-names.ts';
import type { KubeObject, ObjectKey, OwnerReference, ResourceType } from '../../client/object.ts';
import { apiVersionOf, controllerOf, keyOf, keyString } from '../../client/object.ts';
import type {
  OutputDefinition,
  PhaseDefinition,
  Scheduler,
  WorkerDefinition,
} from '../../api/scheduler.ts';
import type { AnyOutputs, AnyResult, FinalizeResult, OutputObject } from '../../api/worker.ts';
import { PermanentError } from '../../api/worker.ts';
import { canonicalJson, isRecord, shortHash } from '../../util/json.ts';

/** What only an object has that was read. */
const SERVER_FIELDS = [
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'generation',
  'managedFields',
] as const;

export interface DesiredObject {
  readonly output: OutputDefinition;
  readonly key: ObjectKey;
  /** Complete, without preconditions. */
  readonly object: KubeObject;
  readonly hash: string;
}

/**
 * Checks a worker's result against its phase.
 * @throws PermanentError that says what is wrong; nothing has been written then.
 */
export function validateResult(
  scheduler: Scheduler,
  phase: PhaseDefinition,
  result: AnyResult,
): void {
  const worker = `worker of phase ${phase.name}`;
  if (!isRecord(result)) {
    throw new PermanentError(
      `the ${worker} returned ${JSON.stringify(result)}; it must return { next: '<phase>' }`,
    );
  }
  const allowed = [phase.name, ...(phase.next ?? scheduler.phases.map(({ name }) => name))];
  if (!allowed.includes(result.next)) {
    throw new PermanentError(
      `the ${worker} returned next: '${result.next}'; allowed are ${[...new Set(allowed)].join(', ')}`,
    );
  }
  if (result.statusInfo !== undefined && !isRecord(result.statusInfo)) {
    throw new PermanentError(`the ${worker} returned a statusInfo that is no object`);
  }
  validateDuration(result.requeueAfter, worker);
  validateOutputs(phase.outputs, result.outputs, worker);
}

/** As `validateResult`, for the finalizer. @throws PermanentError */
export function validateFinalizeResult(
  outputs: readonly OutputDefinition[],
  result: FinalizeResult<AnyOutputs>,
): void {
  if (!isRecord(result) || typeof result['done'] !== 'boolean') {
    throw new PermanentError(
      `the finalizer returned ${JSON.stringify(result)}; it must return { done: true } or { done: false }`,
    );
  }
  validateDuration(result.requeueAfter, 'finalizer');
  validateOutputs(outputs, result.outputs, 'finalizer');
}

function validateDuration(requeueAfter: string | undefined, who: string): void {
  if (requeueAfter === undefined) {
    return;
  }
  try {
    parseDuration(requeueAfter);
  } catch (error) {
    throw new PermanentError(`the ${who} returned requeueAfter: ${(error as Error).message}`);
  }
}

function validateOutputs(
  outputs: readonly OutputDefinition[],
  returned: AnyOutputs | undefined,
  who: string,
): void {
  const declared = outputs.map(({ name }) => name);
  for (const [name, objects] of Object.entries(returned ?? {})) {
    if (!declared.includes(name)) {
      throw new PermanentError(
        `the ${who} returned outputs.${name}, which autopilot.yaml does not declare (declared: ${declared.join(', ') || 'none'})`,
      );
    }
    if (objects !== undefined && (!Array.isArray(objects) || !objects.every(isRecord))) {
      throw new PermanentError(`the ${who} returned outputs.${name} that is no list of objects`);
    }
  }
}

/**
 * The intents of one output.
 * @throws PermanentError for an object that is not of the declared kind, has no legal name, lies
 * elsewhere, or is an input handed back.
 */
export function desiredObjectsOf(
  scheduler: Scheduler,
  definition: WorkerDefinition,
  output: OutputDefinition,
  objects: readonly OutputObject[],
  resource: KubeObject,
): readonly DesiredObject[] {
  const place = `outputs.${output.name} of ${definition.title}`;
  const seen = new Set<string>();
  return objects.map((object) => {
    const desired = desiredObjectOf(scheduler, output, object as KubeObject, resource, place);
    const key = keyString(desired.key);
    if (seen.has(key)) {
      throw new PermanentError(`${place} has ${key} twice`);
    }
    seen.add(key);
    return desired;
  });
}

function desiredObjectOf(
  scheduler: Scheduler,
  output: OutputDefinition,
  object: KubeObject,
  resource: KubeObject,
  place: string,
): DesiredObject {
  const { type } = output;
  if (object.apiVersion !== apiVersionOf(type) || object.kind !== type.kind) {
    throw new PermanentError(
      `${place} has a ${object.kind} of ${object.apiVersion}; declared is ${type.kind} of ${apiVersionOf(type)}`,
    );
  }
  const name = object.metadata?.name;
  const rule = violatedNameRule(type, name);
  if (rule !== undefined) {
    throw new PermanentError(`${place} has a ${type.kind} named ${JSON.stringify(name)}; ${rule}`);
  }
  const serverField = SERVER_FIELDS.find((field) => object.metadata[field] !== undefined);
  if (serverField !== undefined) {
    throw new PermanentError(
      `${place} hands back ${type.kind} ${name} as it was read (it has a ${serverField}), which would take over everything in it; return its name and the fields to set, or edit it in place with claimFields() or a builder of autopilot-runtime/mesh`,
    );
  }
  const own = resource.metadata.namespace;
  const namespace = type.namespaced ? (object.metadata.namespace ?? own) : undefined;
  if (type.namespaced && namespace === undefined) {
    throw new PermanentError(`${place}: ${type.kind} ${name} needs a namespace`);
  }
  if (!isInOutputScope(output, namespace, resource)) {
    throw new PermanentError(
      `${place}: ${type.kind} ${name} lies in namespace ${namespace}; declare the output with namespace: all to write there`,
    );
  }

  const { group } = scheduler.resource;
  // A namespace is no part of a cluster-scoped object: the API server drops it.
  const { labels, annotations, ownerReferences: _, namespace: __, ...metadata } = object.metadata;
  const bare: KubeObject = {
    ...object,
    metadata: {
      ...metadata,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        ...labels,
        [MANAGED_BY_LABEL]: scheduler.operatorName,
        [ownerLabel(group)]: resource.metadata.uid ?? '',
      },
      ...(annotations === undefined ? {} : { annotations }),
      ...(canOwn(type, namespace, resource) && resource.metadata.uid !== undefined
        ? { ownerReferences: [{ ...ownerReference(scheduler, resource), controller: true }] }
        : {}),
    },
  };
  const hash = shortHash(canonicalJson(bare));
  return {
    output,
    key: keyOf(bare),
    hash,
    object: {
      ...bare,
      metadata: {
        ...bare.metadata,
        annotations: { ...annotations, [appliedAnnotation(group)]: hash },
      },
    },
  };
}

/** Can the phase write there with this output? What lies elsewhere is another phase's. */
export function isInOutputScope(
  { namespace: declared }: OutputDefinition,
  namespace: string | undefined,
  { metadata }: KubeObject,
): boolean {
  return declared === 'all' || namespace === undefined || namespace === metadata.namespace;
}

/** Does an owner reference to the resource reach there? */
export function canOwn(
  type: ResourceType,
  namespace: string | undefined,
  { metadata }: KubeObject,
): boolean {
  return metadata.namespace === undefined || (type.namespaced && namespace === metadata.namespace);
}

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
 * Owned through the label (which reaches across namespaces) or the owner reference (which survives
 * a removed label).
 */
export function isOwnedBy(object: KubeObject, resource: KubeObject, group: string): boolean {
  const { uid } = resource.metadata;
  if (uid === undefined) {
    return false;
  }
  return object.metadata.labels?.[ownerLabel(group)] === uid || controllerOf(object)?.uid === uid;
}

/**
 * Did a resource leave it behind that had the name of this one? It carries both marks of our own,
 * and that resource is gone, or this one
 * could not have its name; garbage collection has not come by yet.
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
