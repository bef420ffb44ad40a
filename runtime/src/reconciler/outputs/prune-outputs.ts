/**
 * Deletes outputs: objects that the worker does not return any more, and at the end of a resource
 * the objects that garbage collection does not reach.
 *
 * Guarantees
 * - Only objects with both labels of the runtime are deleted.
 * - A DELETE carries the uid and the resourceVersion that were read.
 */
import type { OutputDefinition, Scheduler } from '../../api/scheduler.ts';
import { allWorkerDefinitions } from '../../api/scheduler.ts';
import type { Informer } from '../../cache/informer.ts';
import { hasCode } from '../../client/errors.ts';
import type { KubeApi } from '../../client/kube-api.ts';
import type { KubeObject, ObjectKey } from '../../client/object.ts';
import { describeObject, keyOf, keyString } from '../../client/object.ts';
import { MANAGED_BY_LABEL, outputFieldManager } from '../../client/well-known-names.ts';
import type { Observer } from '../../observability/observer.ts';
import type { Attempts } from '../attempts.ts';
import type { WriteContext } from '../reconcile-context.ts';
import { StaleCache, toOutputRefused } from '../reconcile-errors.ts';
import type { DesiredObject } from './desired-object.ts';
import { canOwn, isInOutputScope, isOwnedBy, ownerReference } from './desired-object.ts';

/** What writes of outputs need from their controller. */
export interface OutputDeps {
  readonly api: KubeApi;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  /** The informer that has the live objects of an output. */
  readonly informerOf: (output: OutputDefinition) => Informer;
}

/** Deletes outputs, and recognises the events of its own deletions. */
export class OutputPruner {
  readonly #deps: OutputDeps;
  /** uids of objects whose DELETED event is still to come. */
  readonly #pruned = new Set<string>();

  constructor(deps: OutputDeps) {
    this.#deps = deps;
  }

  /** Number of deletions whose event is still to come. */
  get size(): number {
    return this.#pruned.size;
  }

  /** Handles the end of an object. @returns true once for an object that was pruned here */
  forget(uid: string): boolean {
    return this.#pruned.delete(uid);
  }

  /**
   * Deletes the objects of an output that are not desired.
   *
   * @param attempts collects refusals
   * @throws what the API threw, when no further request may be made
   */
  async prune(
    context: WriteContext,
    output: OutputDefinition,
    desiredObjects: readonly DesiredObject[],
    attempts: Attempts,
  ): Promise<void> {
    const { resource } = context;
    const desired = new Set(desiredObjects.map(({ key }) => keyString(key)));
    for (const object of this.#deps.informerOf(output).byIndex(resource.metadata.uid ?? '')) {
      if (desired.has(keyString(object.metadata))) {
        continue;
      }
      if (!isInOutputScope(output, object.metadata.namespace, resource)) {
        continue;
      }
      if (hasOtherOwner(object, resource)) {
        continue;
      }
      await attempts.try(() => this.#delete(context, output, object));
    }
  }

  /**
   * Deletes objects of the resource that no owner reference reaches. Where an owner reference is
   * possible but a client has removed it, the owner reference is restored: garbage collection then
   * deletes the object, for which the operator needs no delete permission.
   *
   * @param except outputs whose objects stay
   * @param attempts collects refusals
   * @throws what the API threw, when no further request may be made
   */
  async deleteUnreachable(
    context: WriteContext,
    except: readonly OutputDefinition[],
    attempts: Attempts,
  ): Promise<void> {
    const { resource } = context;
    const { informerOf } = this.#deps;
    const kept = new Set(except.map((output) => informerOf(output)));
    for (const [informer, output] of this.#outputsByInformer()) {
      if (kept.has(informer)) {
        continue;
      }
      for (const object of informer.byIndex(resource.metadata.uid ?? '')) {
        if (hasOwnerReference(object, resource)) {
          continue;
        }
        await attempts.try(() => this.#remove(context, output, object));
      }
    }
  }

  #outputsByInformer(): ReadonlyMap<Informer, OutputDefinition> {
    const { scheduler, informerOf } = this.#deps;
    return new Map(
      allWorkerDefinitions(scheduler).flatMap(({ outputs }) =>
        outputs.map((output) => [informerOf(output), output] as const),
      ),
    );
  }

  async #remove(
    context: WriteContext,
    output: OutputDefinition,
    object: KubeObject,
  ): Promise<void> {
    const isReachable = canOwn(output.type, object.metadata.namespace, context.resource);
    await (isReachable
      ? this.#restoreOwnerReference(context, output, object)
      : this.#delete(context, output, object));
  }

  async #delete(
    context: WriteContext,
    output: OutputDefinition,
    object: KubeObject,
  ): Promise<void> {
    const { resource, signal } = context;
    const { uid, resourceVersion } = object.metadata;
    if (!this.#hasBothLabels(object, resource)) {
      return;
    }
    if (uid !== undefined) {
      this.#pruned.add(uid);
    }
    try {
      const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
      await this.#deps.api.delete(output.type, keyOf(object), { preconditions }, signal);
    } catch (error) {
      if (uid !== undefined) {
        this.#pruned.delete(uid);
      }
      await this.#handleFailedWrite(context, output, object, error);
      return;
    }
    this.#deps.observer.event({
      type: 'output',
      resource: keyOf(resource),
      action: 'pruned',
      kind: object.kind,
      object: keyOf(object),
    });
  }

  async #restoreOwnerReference(
    context: WriteContext,
    output: OutputDefinition,
    object: KubeObject,
  ): Promise<void> {
    const { api, scheduler, informerOf } = this.#deps;
    const { resource, signal } = context;
    if (!this.#hasBothLabels(object, resource)) {
      return;
    }
    const { resourceVersion, ownerReferences = [] } = object.metadata;
    // Not as the controller, because another object may have become that meanwhile.
    const restored = [...ownerReferences, ownerReference(scheduler, resource)];
    const body = { metadata: { resourceVersion, ownerReferences: restored } };
    const options = { fieldManager: fieldManagerOf(scheduler, resource) };
    try {
      await informerOf(output).write(keyOf(object), keyString(keyOf(resource)), () =>
        api.patch(output.type, keyOf(object), { type: 'merge', body }, options, signal),
      );
    } catch (error) {
      await this.#handleFailedWrite(context, output, object, error);
    }
  }

  #hasBothLabels(object: KubeObject, resource: KubeObject): boolean {
    const { scheduler } = this.#deps;
    const { labels, deletionTimestamp } = object.metadata;
    return (
      deletionTimestamp === undefined &&
      isOwnedBy(object, resource, scheduler.resource.group) &&
      labels?.[MANAGED_BY_LABEL] === scheduler.operatorName
    );
  }

  /** An object that is deleted already is no error. @throws StaleCache or OutputRefused */
  async #handleFailedWrite(
    context: WriteContext,
    output: OutputDefinition,
    object: KubeObject,
    error: unknown,
  ): Promise<void> {
    if (hasCode(error, 404)) {
      return;
    }
    const name = describeObject(object);
    if (!hasCode(error, 409)) {
      throw toOutputRefused(error, name);
    }
    await refreshObject(this.#deps, context, output, keyOf(object));
    throw new StaleCache(`${name} has changed since it was read`, {
      cause: toOutputRefused(error, name),
    });
  }
}

/** The field manager of the outputs of one resource. */
export function fieldManagerOf(scheduler: Scheduler, { metadata }: KubeObject): string {
  const { namespace, name } = metadata;
  return outputFieldManager(scheduler.operatorName, scheduler.resource, namespace, name);
}

/** Reads an object once, so that retries do not repeat the conflict until its event arrives. */
export async function refreshObject(
  { api, informerOf }: OutputDeps,
  { resource, signal }: WriteContext,
  output: OutputDefinition,
  key: ObjectKey,
): Promise<void> {
  const fresh = await api.get(output.type, key, signal).catch(() => undefined);
  if (fresh !== undefined) {
    informerOf(output).put(fresh, keyString(keyOf(resource)));
  }
}

function hasOwnerReference({ metadata }: KubeObject, resource: KubeObject): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === resource.metadata.uid) === true;
}

/**
 * Does the object belong to another owner? A controller may have created it from an output and
 * copied the labels of that output.
 */
function hasOtherOwner(object: KubeObject, resource: KubeObject): boolean {
  const { ownerReferences = [] } = object.metadata;
  return ownerReferences.length > 0 && !hasOwnerReference(object, resource);
}
