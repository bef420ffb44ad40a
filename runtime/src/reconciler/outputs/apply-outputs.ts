/**
 * Applies what a worker returned, in declared order, then prunes. Never touches an object of
 * somebody else's; an object that is
 * already as intended costs no request.
 *
 * The first apply of an object carries resourceVersion "1", which makes it create-only in one
 * request: the API server answers 409
 * and changes nothing where the object exists. Later ones are forced, guarded by the uid and
 * resourceVersion that were read: a late
 * writer neither overwrites a newer state nor brings back a pruned object.
 */
import type { Informer } from '../cache/informer.ts';
import type { KubeApi } from '../kube/api.ts';
import { hasCode } from '../kube/errors.ts';
import { appliedAnnotation, MANAGED_BY_LABEL, outputFieldManager } from '../kube/names.ts';
import type { KubeObject, ObjectKey } from '../kube/object.ts';
import { controllerOf, describe, keyOf, keyString } from '../kube/object.ts';
import type { Observer } from '../observe/observer.ts';
import type { OutputDefinition, Scheduler, Uses } from '../scheduler.ts';
import { allUses } from '../scheduler.ts';
import type { SharedOutput } from '../shared.ts';
import type { AnyOutputs, OutputObject } from '../worker.ts';
import { PermanentError } from '../worker.ts';
import { namespaceEnds, OutputConflict, OutputRefused, refused, StaleCache } from './errors.ts';
import type { Dependencies, Reading } from './inputs.ts';
import { readsOf } from './inputs.ts';
import type { Intent } from './intent.ts';
import { intentsOf, isLeftBehind, isOwnedBy, ownable, ownerReference, within } from './intent.ts';
import { contains } from './json.ts';
import type { SharedPlan, Sharing } from './sharing.ts';
import { isShared } from './sharing.ts';
import { weightProblems } from './weights.ts';

export interface OutputPorts {
  readonly api: KubeApi;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  readonly sharing: Sharing;
  /** The informer that holds the live objects of an output. */
  readonly informerOf: (output: OutputDefinition) => Informer;
}

/** All that is to be sent for one output. */
interface Planned {
  readonly output: OutputDefinition;
  readonly intents: readonly Intent[];
  readonly plans: readonly SharedPlan[];
}

export class Outputs {
  readonly #ports: OutputPorts;
  /**
   * What our last apply of an object answered, by its uid: the server may write a value in another
   * form, which is no difference.
   */
  readonly #answers = new Map<
    string,
    { readonly hash: string; readonly resourceVersion: string | undefined }
  >();
  /** uids whose deletion we asked for and have not seen yet. */
  readonly #pruned = new Set<string>();

  constructor(ports: OutputPorts) {
    this.#ports = ports;
  }

  /**
   * Applies what a phase or the finalizer returned: all of it is checked before anything is sent.
   * @param reading takes the objects that are edited in place, and one that stands in the way: its
   * end wakes the resource.
   * @throws PermanentError for a wrong result (nothing was written), OutputConflict, OutputRefused,
   * StaleCache, or what the API threw.
   */
  async apply(
    uses: Uses,
    outputs: AnyOutputs,
    resource: KubeObject,
    reading: Reading,
    signal: AbortSignal,
  ): Promise<void> {
    const { scheduler, sharing } = this.#ports;
    const planned = uses.outputs.flatMap((output): Planned[] => {
      const objects = outputs[output.name];
      if (objects === undefined) {
        return [];
      }
      const edits = objects.filter((object): object is SharedOutput => isShared(object));
      const whole = objects.filter((object): object is OutputObject => !isShared(object));
      const intents = intentsOf(scheduler, uses, output, whole, resource);
      return [{ output, intents, plans: sharing.plan(uses, output, edits, resource, reading) }];
    });
    for (const one of planned) {
      this.#checkPlaces(one, uses);
      checkWeights(one, uses);
    }
    for (const { intents, plans } of planned) {
      for (const intent of intents) {
        await this.#applyOne(intent, resource, reading.dependencies, signal);
      }
      for (const plan of plans) {
        await sharing.send(plan, resource, signal);
      }
    }
    for (const { output, intents } of planned) {
      if (output.prune === true) {
        await this.#prune(output, intents, resource, signal);
      }
    }
  }

  /** @throws PermanentError for what could be made, and never be found again. */
  #checkPlaces({ output, intents }: Planned, { title }: Uses): void {
    for (const { key, object } of intents) {
      if (!this.#ports.informerOf(output).covers(key)) {
        throw new PermanentError(
          `outputs.${output.name} of ${title}: ${describe(object)} lies in a namespace that the operator does not watch`,
        );
      }
    }
  }

  /**
   * Deletes what the resource made and no owner reference reaches, of all kinds but these. What one
   * can reach, and somebody took it from,
   * gets it again: garbage collection then deletes it, for which the operator may not have the
   * right.
   * @throws StaleCache, or what the API threw.
   */
  async removeUnreachable(
    except: readonly OutputDefinition[],
    resource: KubeObject,
    signal: AbortSignal,
  ): Promise<void> {
    const { scheduler, informerOf } = this.#ports;
    const kept = new Set(except.map((output) => informerOf(output)));
    const informers = new Map(
      allUses(scheduler).flatMap(({ outputs }) =>
        outputs.map((output) => [informerOf(output), output] as const),
      ),
    );
    for (const [informer, output] of informers) {
      if (!kept.has(informer)) {
        for (const object of informer.indexed(resource.metadata.uid ?? '')) {
          if (
            object.metadata.ownerReferences?.some(({ uid }) => uid === resource.metadata.uid) !==
            true
          ) {
            await (ownable(output.type, object.metadata.namespace, resource)
              ? this.#own(output, object, resource, signal)
              : this.#remove(output, object, resource, signal));
          }
        }
      }
    }
  }

  /**
   * An object is gone: nothing is kept of it. @returns whether that was our own prune, which wakes
   * nobody; it answers once
   */
  gone(uid: string): boolean {
    this.#answers.delete(uid);
    return this.#pruned.delete(uid);
  }

  /** Objects of which something is kept beside the caches. */
  get size(): number {
    return this.#answers.size + this.#pruned.size;
  }

  async #applyOne(
    intent: Intent,
    resource: KubeObject,
    dependencies: Dependencies,
    signal: AbortSignal,
  ): Promise<void> {
    const { api, scheduler } = this.#ports;
    const { type } = intent.output;
    const informer = this.#ports.informerOf(intent.output);
    let live = informer.get(intent.key);
    if (live === undefined) {
      try {
        const created = await this.#send(intent, resource, { resourceVersion: '1' }, false, signal);
        return this.#done(intent, resource, created, 'created');
      } catch (error) {
        // What the finalizer would make there is taken away anyway; to wait for it would keep the
        // namespace from ending.
        if (resource.metadata.deletionTimestamp !== undefined && namespaceEnds(error)) {
          return;
        }
        if (!hasCode(error, 409)) {
          throw refused(error, describe(intent.object));
        }
        live = await api.get(type, intent.key, signal).catch((missing: unknown) => {
          throw hasCode(missing, 404)
            ? new StaleCache(`${describe(intent.object)} was there and is gone`, {
                cause: refused(error, describe(intent.object)),
              })
            : missing;
        });
        // Its event is late: the next phase is to see what this one found, or the two would send
        // each other on without end.
        informer.put(live, keyString(keyOf(resource)));
      }
    }
    const owned = isOwnedBy(live, resource, scheduler.resource.group);
    const inTheWay = (why: string): OutputConflict => {
      readsOf(dependencies, informer).keys.add(keyString(intent.key));
      return new OutputConflict(`${describe(live)} exists and ${why}`);
    };
    if (!owned && !(await this.#mayTakeOver(live, resource, signal))) {
      throw inTheWay(`belongs to ${ownerOf(live)}; give the output another name, or delete it`);
    }
    if (live.metadata.deletionTimestamp !== undefined) {
      throw new OutputRefused(`${describe(live)} is being deleted`);
    }
    if (this.#unchanged(intent, live)) {
      return this.#ports.observer.outputUnchanged(intent.output.type.kind);
    }
    try {
      const { uid, resourceVersion } = live.metadata;
      const updated = await this.#send(
        intent,
        resource,
        { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
        true,
        signal,
      );
      this.#done(
        intent,
        resource,
        updated,
        updated.metadata.resourceVersion === resourceVersion ? undefined : 'updated',
      );
    } catch (error) {
      // Under OwnerReferencesPermissionEnforcement only who may delete it may also take it over.
      if (!owned && hasCode(error, 403)) {
        throw inTheWay(
          `was left by an earlier ${ownerOf(live)}; it is made again when garbage collection has deleted it`,
        );
      }
      if (!hasCode(error, 409)) {
        throw refused(error, describe(intent.object));
      }
      await this.#refresh(intent.output, intent.key, resource, signal);
      throw new StaleCache(`${describe(intent.object)} has changed since it was read`, {
        cause: refused(error, describe(intent.object)),
      });
    }
  }

  /**
   * What an earlier resource of the same name has left is taken over. The server is asked first
   * whether this one is still there: it is
   * our cache that may be behind, and the object a newer one's.
   */
  async #mayTakeOver(
    object: KubeObject,
    resource: KubeObject,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { api, scheduler } = this.#ports;
    if (!isLeftBehind(object, resource, scheduler)) {
      return false;
    }
    const now = await api.get(scheduler.resource, keyOf(resource), signal);
    return now.metadata.uid === resource.metadata.uid;
  }

  /** A stale cache that no event would mend soon must not make a hot loop: read the object once. */
  async #refresh(
    output: OutputDefinition,
    key: ObjectKey,
    resource: KubeObject,
    signal: AbortSignal,
  ): Promise<void> {
    const fresh = await this.#ports.api.get(output.type, key, signal).catch(() => undefined);
    if (fresh !== undefined) {
      this.#ports.informerOf(output).put(fresh, keyString(keyOf(resource)));
    }
  }

  #unchanged(intent: Intent, live: KubeObject): boolean {
    if (
      live.metadata.annotations?.[appliedAnnotation(this.#ports.scheduler.resource.group)] !==
      intent.hash
    ) {
      return false;
    }
    const answer = this.#answers.get(live.metadata.uid ?? '');
    if (answer?.hash === intent.hash && answer.resourceVersion === live.metadata.resourceVersion) {
      return true;
    }
    return contains(live, intent.object);
  }

  #send(
    intent: Intent,
    resource: KubeObject,
    guard: { uid?: string; resourceVersion?: string },
    force: boolean,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    const { scheduler, api } = this.#ports;
    const fieldManager = outputFieldManager(
      scheduler.operatorName,
      scheduler.resource,
      resource.metadata.namespace,
      resource.metadata.name,
    );
    const object = { ...intent.object, metadata: { ...intent.object.metadata, ...guard } };
    return this.#ports
      .informerOf(intent.output)
      .write(intent.key, keyString(keyOf(resource)), () =>
        api.apply(intent.output.type, object, { fieldManager, force }, signal),
      );
  }

  #done(
    intent: Intent,
    resource: KubeObject,
    answer: KubeObject,
    action: 'created' | 'updated' | undefined,
  ): void {
    const { uid, resourceVersion } = answer.metadata;
    // It may be gone by now, and nobody would tell a second time.
    const there = this.#ports.informerOf(intent.output).get(intent.key)?.metadata.uid === uid;
    if (uid !== undefined && there) {
      this.#answers.set(uid, { hash: intent.hash, resourceVersion });
    }
    if (action !== undefined) {
      this.#tell(resource, action, intent.object);
    }
  }

  async #prune(
    output: OutputDefinition,
    intents: readonly Intent[],
    resource: KubeObject,
    signal: AbortSignal,
  ): Promise<void> {
    const wanted = new Set(intents.map(({ key }) => keyString(key)));
    for (const object of this.#ports.informerOf(output).indexed(resource.metadata.uid ?? '')) {
      const { namespace, ownerReferences = [] } = object.metadata;
      // A controller may have made it from an output of ours, and copied our marks: it says who its
      // owner is.
      const copied =
        ownerReferences.length > 0 &&
        !ownerReferences.some(({ uid }) => uid === resource.metadata.uid);
      if (
        within(output, namespace, resource) &&
        !copied &&
        !wanted.has(keyString(object.metadata))
      ) {
        await this.#remove(output, object, resource, signal);
      }
    }
  }

  async #remove(
    output: OutputDefinition,
    object: KubeObject,
    resource: KubeObject,
    signal: AbortSignal,
  ): Promise<void> {
    if (!this.#isOurs(object, resource)) {
      return;
    }
    const { uid, resourceVersion } = object.metadata;
    try {
      if (uid !== undefined) {
        this.#pruned.add(uid);
      }
      const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
      await this.#ports.api.delete(output.type, keyOf(object), { preconditions }, signal);
      this.#tell(resource, 'pruned', object);
    } catch (error) {
      if (uid !== undefined) {
        this.#pruned.delete(uid);
      }
      await this.#readAgain(error, output, object, resource, signal);
    }
  }

  async #own(
    output: OutputDefinition,
    object: KubeObject,
    resource: KubeObject,
    signal: AbortSignal,
  ): Promise<void> {
    if (!this.#isOurs(object, resource)) {
      return;
    }
    const { api, scheduler, informerOf } = this.#ports;
    const { resourceVersion, ownerReferences = [] } = object.metadata;
    // Not as its controller: somebody else may have become that.
    const body = {
      metadata: {
        resourceVersion,
        ownerReferences: [...ownerReferences, ownerReference(scheduler, resource)],
      },
    };
    const fieldManager = outputFieldManager(
      scheduler.operatorName,
      scheduler.resource,
      resource.metadata.namespace,
      resource.metadata.name,
    );
    try {
      await informerOf(output).write(keyOf(object), keyString(keyOf(resource)), () =>
        api.patch(output.type, keyOf(object), { type: 'merge', body }, { fieldManager }, signal),
      );
    } catch (error) {
      await this.#readAgain(error, output, object, resource, signal);
    }
  }

  /** Only what carries both of our marks. */
  #isOurs(object: KubeObject, resource: KubeObject): boolean {
    const { scheduler } = this.#ports;
    const { labels, deletionTimestamp } = object.metadata;
    return (
      deletionTimestamp === undefined &&
      isOwnedBy(object, resource, scheduler.resource.group) &&
      labels?.[MANAGED_BY_LABEL] === scheduler.operatorName
    );
  }

  /** After a write that failed. @throws unless the object is gone. */
  async #readAgain(
    error: unknown,
    output: OutputDefinition,
    object: KubeObject,
    resource: KubeObject,
    signal: AbortSignal,
  ): Promise<void> {
    if (hasCode(error, 404)) {
      return;
    }
    if (!hasCode(error, 409)) {
      throw refused(error, describe(object));
    }
    await this.#refresh(output, keyOf(object), resource, signal);
    throw new StaleCache(`${describe(object)} has changed since it was read`, {
      cause: refused(error, describe(object)),
    });
  }

  #tell(resource: KubeObject, action: 'created' | 'updated' | 'pruned', object: KubeObject): void {
    this.#ports.observer.event({
      type: 'output',
      resource: keyOf(resource),
      action,
      kind: object.kind,
      object: keyOf(object),
    });
  }
}

function ownerOf(object: KubeObject): string {
  const owner = controllerOf(object);
  if (owner !== undefined) {
    return `${owner.kind} ${owner.name}`;
  }
  const manager = object.metadata.labels?.[MANAGED_BY_LABEL];
  return manager === undefined ? 'nobody this operator knows' : `'${manager}'`;
}

/**
 * @throws PermanentError when traffic would get lost; faults that an edited object had before are
 * somebody else's.
 */
function checkWeights({ output, intents, plans }: Planned, uses: Uses): void {
  const problems = [
    ...intents.flatMap(({ object }) =>
      weightProblems(object).map((problem) => `${describe(object)}: ${problem}`),
    ),
    ...plans.flatMap(({ live, draft }) => {
      const known = weightProblems(live);
      return weightProblems(draft).flatMap((problem) =>
        known.includes(problem) ? [] : [`${describe(draft)}: ${problem}`],
      );
    }),
  ];
  if (problems.length > 0) {
    throw new PermanentError(
      `outputs.${output.name} of ${uses.title}: ${problems.join('; ')}`,
      'WrongWeights',
    );
  }
}
