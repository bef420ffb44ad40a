/**
 * Sends edits of somebody else's objects, and puts them back. What is held is known from the
 * objects themselves (their annotation), so
 * a new process knows it too.
 */
import type { Informer } from '../cache/informer.ts';
import type { KubeApi } from '../kube/api.ts';
import { hasCode } from '../kube/errors.ts';
import { statusFieldManager } from '../kube/names.ts';
import type { KubeObject, ObjectKey, ResourceType } from '../kube/object.ts';
import { apiVersionOf, describe, keyOf, keyOfString, keyString } from '../kube/object.ts';
import type { Recorder } from '../kube/recorder.ts';
import type { Observer } from '../observe/observer.ts';
import type { InputDefinition, OutputDefinition, Scheduler, Uses } from '../scheduler.ts';
import { allUses } from '../scheduler.ts';
import type { SharedField, SharedOutput } from '../shared.ts';
import type { Log, OutputObject } from '../worker.ts';
import { PermanentError } from '../worker.ts';
import { OutputRefused, refused, StaleCache } from './errors.ts';
import type { HeldPlan, Holder } from './held.ts';
import { holdsOf, planHolds, planStored, sameAt } from './held.ts';
import type { Reading } from './inputs.ts';
import { readsOf } from './inputs.ts';
import { within } from './intent.ts';

export interface SharingPorts {
  readonly api: KubeApi;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  readonly log: Log;
  readonly record: Recorder;
  readonly informerOf: (input: InputDefinition) => Informer;
}

/** A plan and where to send it. */
export interface SharedPlan extends HeldPlan {
  readonly type: ResourceType;
  readonly informer: Informer;
}

export function isShared(object: OutputObject | SharedOutput): object is SharedOutput {
  return 'shared' in object && object.shared === true;
}

/** Only kinds that the same phase reads can be edited: what is held has to be watched. */
export function sharedInput(uses: Uses, output: OutputDefinition): InputDefinition | undefined {
  const { group, plural } = output.type;
  return uses.inputs.find(({ type }) => type.group === group && type.plural === plural);
}

interface Held {
  readonly type: ResourceType;
  readonly informer: Informer;
  readonly key: string;
}

export class Sharing {
  readonly #ports: SharingPorts;
  /** By the holder's uid. */
  readonly #held = new Map<string, Map<string, Held>>();

  constructor(ports: SharingPorts) {
    this.#ports = ports;
    const informers = new Map<Informer, ResourceType>();
    for (const uses of allUses(ports.scheduler)) {
      for (const output of uses.outputs) {
        const input = sharedInput(uses, output);
        if (input !== undefined) {
          informers.set(ports.informerOf(input), output.type);
        }
      }
    }
    for (const [informer, type] of informers) {
      informer.subscribe(({ old, object }) => this.#changed(informer, type, old, object));
    }
  }

  /** Resources that hold something. */
  get size(): number {
    return this.#held.size;
  }

  /**
   * What is to be sent so that the resource holds these edits of one output. Nothing is sent yet.
   * @param reading takes the objects: a change of one by others wakes the resource, which sets its
   * fields again.
   * @throws PermanentError, OutputConflict, OutputRefused when an object is not there, StaleCache
   * when somebody has changed a field since
   * the worker decided on it.
   */
  plan(
    uses: Uses,
    output: OutputDefinition,
    edits: readonly SharedOutput[],
    resource: KubeObject,
    reading: Reading,
  ): readonly SharedPlan[] {
    const place = `outputs.${output.name} of ${uses.title}`;
    const input = sharedInput(uses, output);
    if (input === undefined) {
      const [edit] = edits;
      if (edit === undefined) {
        return [];
      }
      throw new PermanentError(
        `${place} edits ${describe(edit)}, which it does not read: declare ${output.name} among the inputs of ${uses.title} too`,
      );
    }
    const informer = this.#ports.informerOf(input);
    const wanted = new Map<string, SharedField[]>();
    for (const edit of edits) {
      const key = keyString(keyOfEdit(edit, output, resource, place));
      wanted.set(key, [...(wanted.get(key) ?? []), ...edit.fields]);
    }
    if (output.prune === true) {
      for (const held of this.#held.get(resource.metadata.uid ?? '')?.values() ?? []) {
        if (
          held.informer === informer &&
          !wanted.has(held.key) &&
          within(output, keyOfString(held.key).namespace, resource)
        ) {
          wanted.set(held.key, []);
        }
      }
    }
    return [...wanted].flatMap(([key, fields]) => {
      readsOf(reading.dependencies, informer).keys.add(key);
      const live = informer.get(keyOfString(key));
      if (live === undefined && fields.length === 0) {
        return [];
      }
      if (live === undefined) {
        throw new OutputRefused(`${output.type.kind} ${key}, which ${place} edits, is not there`);
      }
      if (live.metadata.deletionTimestamp !== undefined && fields.length > 0) {
        throw new OutputRefused(`${describe(live)} is being deleted`);
      }
      const seen = reading.past.get(informer)?.get(key);
      if (seen !== undefined && !sameAt(seen, live, fields)) {
        throw new StaleCache(`${describe(live)} has changed while the worker decided on it`);
      }
      const plan = planHolds(
        live,
        fields,
        this.#holder(resource),
        this.#ports.scheduler.resource.group,
        output.prune === true,
        place,
      );
      return [{ ...plan, type: output.type, informer }];
    });
  }

  /** @throws OutputRefused, StaleCache, or what the API threw. */
  async send(plan: SharedPlan, resource: KubeObject, signal: AbortSignal): Promise<void> {
    const { live, patch, left } = plan;
    for (const sentence of left) {
      this.#tell(resource, sentence);
    }
    if (patch.length === 0) {
      return;
    }
    const { group } = this.#ports.scheduler.resource;
    const answer = await this.#patch(plan, patch, resource, signal);
    const action = holdsOf(answer, group).some(({ uid }) => uid === resource.metadata.uid)
      ? 'edited'
      : 'restored';
    if (answer.metadata.resourceVersion !== live.metadata.resourceVersion) {
      this.#ports.observer.event({
        type: 'output',
        resource: keyOf(resource),
        action,
        kind: live.kind,
        object: keyOf(live),
      });
    }
    const stored = planStored(answer, this.#holder(resource), group);
    if (stored !== undefined) {
      await this.#patch(plan, stored, resource, signal);
    }
  }

  /** Puts everything back that the resource holds, where nobody has changed it since. */
  async release(resource: KubeObject, signal: AbortSignal): Promise<void> {
    // A copy: each answer changes what is held.
    const all = [...(this.#held.get(resource.metadata.uid ?? '')?.values() ?? [])];
    for (const { informer, type, key } of all) {
      const live = informer.get(keyOfString(key));
      if (live === undefined) {
        continue;
      }
      const plan = planHolds(
        live,
        [],
        this.#holder(resource),
        this.#ports.scheduler.resource.group,
        true,
        'the finalizer',
      );
      await this.send({ ...plan, type, informer }, resource, signal);
    }
  }

  async #patch(
    plan: SharedPlan,
    body: HeldPlan['patch'],
    resource: KubeObject,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    const { api, scheduler } = this.#ports;
    const { type, informer, live } = plan;
    const key = keyOf(live);
    const writer = keyString(keyOf(resource));
    const options = { fieldManager: statusFieldManager(scheduler.operatorName) };
    try {
      return await informer.write(key, writer, () =>
        api.patch(type, key, { type: 'json', body }, options, signal),
      );
    } catch (error) {
      if (hasCode(error, 404)) {
        throw new StaleCache(`${describe(live)} is gone`);
      }
      if (!hasCode(error, 409, 422)) {
        throw refused(error, describe(live));
      }
      // A failed test is a 422, as a refusal by a webhook is: the object tells which of them it
      // was.
      const fresh = await api.get(type, key, signal);
      informer.put(fresh, writer);
      if (fresh.metadata.resourceVersion === live.metadata.resourceVersion && hasCode(error, 422)) {
        throw refused(error, describe(live));
      }
      throw new StaleCache(`${describe(live)} has changed since it was read`, {
        cause: refused(error, describe(live)),
      });
    }
  }

  #holder(resource: KubeObject): Holder {
    return { resource: describe(resource), uid: resource.metadata.uid ?? '' };
  }

  #tell(resource: KubeObject, sentence: string): void {
    this.#ports.log.warn(sentence, { resource: keyString(keyOf(resource)) });
    this.#ports.record(resource, 'Warning', 'NotRestored', sentence);
  }

  #changed(
    informer: Informer,
    type: ResourceType,
    old: KubeObject | undefined,
    object: KubeObject | undefined,
  ): void {
    const current = object ?? old;
    if (current === undefined) {
      return;
    }
    const key = keyString(keyOf(current));
    const id = `${type.group}/${type.plural}?${informer.scope.labelSelector ?? ''} ${key}`;
    for (const uid of this.#holdersIn(old)) {
      const held = this.#held.get(uid);
      held?.delete(id);
      if (held?.size === 0) {
        this.#held.delete(uid);
      }
    }
    for (const uid of this.#holdersIn(object)) {
      const held = this.#held.get(uid) ?? new Map<string, Held>();
      this.#held.set(uid, held.set(id, { type, informer, key }));
    }
  }

  #holdersIn(object: KubeObject | undefined): ReadonlySet<string> {
    if (object === undefined) {
      return new Set();
    }
    try {
      return new Set(holdsOf(object, this.#ports.scheduler.resource.group).map(({ uid }) => uid));
    } catch {
      return new Set();
    }
  }
}

function keyOfEdit(
  edit: SharedOutput,
  output: OutputDefinition,
  resource: KubeObject,
  place: string,
): ObjectKey {
  const { type } = output;
  if (edit.apiVersion !== apiVersionOf(type) || edit.kind !== type.kind) {
    throw new PermanentError(
      `${place} edits a ${edit.kind} of ${edit.apiVersion}; declared is ${type.kind} of ${apiVersionOf(type)}`,
    );
  }
  const own = resource.metadata.namespace;
  const { name, namespace = own } = edit.metadata;
  if (!type.namespaced) {
    return { name };
  }
  if (namespace === undefined) {
    throw new PermanentError(`${place}: ${type.kind} ${name} needs a namespace`);
  }
  if (!within(output, namespace, resource)) {
    throw new PermanentError(
      `${place}: ${type.kind} ${name} lies in namespace ${namespace}; declare the output with namespace: all to edit it there`,
    );
  }
  return { namespace, name };
}
