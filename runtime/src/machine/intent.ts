/**
 * From what a worker returned to what is applied: identity, the fields to set, and our marks. Pure.
 */
import { appliedAnnotation, MANAGED_BY_LABEL, ownerLabel, shortHash } from '../kube/names.ts';
import type { KubeObject, ObjectKey } from '../kube/object.ts';
import { apiVersionOf, keyOf, keyString } from '../kube/object.ts';
import type { OutputDefinition, PhaseDefinition, Scheduler } from '../scheduler.ts';
import type { AnyResult } from '../worker.ts';
import { PermanentError } from '../worker.ts';
import { isMap } from './status.ts';

export interface Intent {
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
export function checkResult(scheduler: Scheduler, phase: PhaseDefinition, result: AnyResult): void {
  const worker = `worker of phase ${phase.name}`;
  if (!isMap(result)) throw new PermanentError(`the ${worker} returned ${JSON.stringify(result)}; it must return { next: '<phase>' }`);
  const allowed = [phase.name, ...(phase.next ?? scheduler.phases.map(({ name }) => name))];
  if (!allowed.includes(result.next))
    throw new PermanentError(`the ${worker} returned next: '${result.next}'; allowed are ${[...new Set(allowed)].join(', ')}`);
  const declared = phase.outputs.map(({ name }) => name);
  for (const name of Object.keys(result.outputs ?? {}))
    if (!declared.includes(name))
      throw new PermanentError(`the ${worker} returned outputs.${name}, which autopilot.yaml does not declare (declared: ${declared.join(', ') || 'none'})`);
}

/**
 * The intents of one output, or undefined when the worker said nothing about it (then nothing is applied and nothing pruned).
 * @throws PermanentError for an object that is not of the declared kind, has no legal name, lies elsewhere, or is an input handed back.
 */
export function intentsOf(
  scheduler: Scheduler,
  phase: PhaseDefinition,
  output: OutputDefinition,
  result: AnyResult,
  resource: KubeObject,
): readonly Intent[] | undefined {
  const objects = result.outputs?.[output.name];
  if (objects === undefined) return undefined;
  const seen = new Set<string>();
  return objects.map((object) => {
    const intent = intentOf(scheduler, output, object as KubeObject, resource, `outputs.${output.name} of phase ${phase.name}`);
    const key = keyString(intent.key);
    if (seen.has(key)) throw new PermanentError(`outputs.${output.name} of phase ${phase.name} has ${key} twice`);
    seen.add(key);
    return intent;
  });
}

function intentOf(scheduler: Scheduler, output: OutputDefinition, object: KubeObject, resource: KubeObject, place: string): Intent {
  const { type } = output;
  if (object.apiVersion !== apiVersionOf(type) || object.kind !== type.kind)
    throw new PermanentError(`${place} has a ${object.kind} of ${object.apiVersion}; declared is ${type.kind} of ${apiVersionOf(type)}`);
  const name: unknown = object.metadata?.name;
  if (typeof name !== 'string' || !/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name))
    throw new PermanentError(`${place} has a ${type.kind} named ${JSON.stringify(name)}; names are lower-case letters, digits, '-' and '.', at most 253`);
  if (object.metadata.resourceVersion !== undefined || object.metadata.uid !== undefined)
    throw new PermanentError(
      `${place} hands back ${type.kind} ${name} as it was read (it has a ${object.metadata.uid === undefined ? 'resourceVersion' : 'uid'}), which would take over everything in it; return its name and the fields to set`,
    );
  const own = resource.metadata.namespace;
  const namespace = type.namespaced ? (object.metadata.namespace ?? own) : undefined;
  if (type.namespaced && namespace === undefined) throw new PermanentError(`${place}: ${type.kind} ${name} needs a namespace`);
  if (output.namespace === 'own' && namespace !== undefined && namespace !== own)
    throw new PermanentError(`${place}: ${type.kind} ${name} lies in namespace ${namespace}; declare the output with namespace: all to write there`);

  const { group } = scheduler.resource;
  const { labels, annotations, ownerReferences: _, ...metadata } = object.metadata;
  const ownable = own === undefined || (type.namespaced && namespace === own);
  const bare: KubeObject = {
    ...object,
    metadata: {
      ...metadata,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...labels, [MANAGED_BY_LABEL]: scheduler.operatorName, [ownerLabel(group)]: resource.metadata.uid ?? '' },
      ...(annotations === undefined ? {} : { annotations }),
      ...(ownable && resource.metadata.uid !== undefined
        ? {
            ownerReferences: [
              {
                apiVersion: apiVersionOf(scheduler.resource),
                kind: scheduler.resource.kind,
                name: resource.metadata.name,
                uid: resource.metadata.uid,
                controller: true,
              },
            ],
          }
        : {}),
    },
  };
  const hash = shortHash(canonical(bare));
  return {
    output,
    key: keyOf(bare),
    hash,
    object: { ...bare, metadata: { ...bare.metadata, annotations: { ...annotations, [appliedAnnotation(group)]: hash } } },
  };
}

/** JSON with sorted names: equal intents have equal text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isMap(value)) return JSON.stringify(value) ?? 'null';
  const parts = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${parts.join(',')}}`;
}

/** Does every field of the intent have its value in the live object? Fields that only the live object has do not matter. */
export function contains(live: unknown, intent: unknown): boolean {
  if (Array.isArray(intent)) return Array.isArray(live) && live.length === intent.length && intent.every((item, index) => contains(live[index], item));
  if (isMap(intent)) return isMap(live) && Object.entries(intent).every(([name, value]) => value === undefined || contains(live[name], value));
  return live === intent;
}

/** Owned through the label (which reaches across namespaces) or the owner reference (which survives a removed label). */
export function isOwnedBy(object: KubeObject, resource: KubeObject, group: string): boolean {
  const { uid } = resource.metadata;
  if (uid === undefined) return false;
  return (
    object.metadata.labels?.[ownerLabel(group)] === uid ||
    (object.metadata.ownerReferences ?? []).some((owner) => owner.controller === true && owner.uid === uid)
  );
}
