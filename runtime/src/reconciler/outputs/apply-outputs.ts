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
import type { Informer } from '../../cache/informer.ts';
import type { KubeApi } from '../../client/kube-api.ts';
import { hasCode } from '../../client/errors.ts';
import {
  appliedAnnotation,
  MANAGED_BY_LABEL,
  outputFieldManager,
} from '../../client/well-known-names.ts';
import type { KubeObject, ObjectKey } from '../../client/object.ts';
import { controllerOf, describeObject, keyOf, keyString } from '../../client/object.ts';
import type { Observer } from '../../observability/observer.ts';
import type { OutputDefinition, Scheduler, WorkerDefinition } from '../../api/scheduler.ts';
import { allWorkerDefinitions } from '../../api/scheduler.ts';
import type { FieldClaim } from '../../api/field-claim.ts';
import type { AnyOutputs, OutputObject } from '../../api/worker.ts';
import { PermanentError } from '../../api/worker.ts';
import {
  isNamespaceTerminating,
  OutputConflict,
  OutputRefused,
  toOutputRefused,
  StaleCache,
} from '../reconcile-errors.ts';
import type { Dependencies, ReadTracker } from '../dependencies/input-view.ts';
import { readsFor } from '../dependencies/input-view.ts';
import type { DesiredObject } from './desired-object.ts';
import {
  desiredObjectsOf,
  isLeftBehind,
  isOwnedBy,
  canOwn,
  ownerReference,
  isInOutputScope,
} from './desired-object.ts';
import { containsFields } from '../../util/json.ts';
import type { PlannedClaim, FieldClaims } from '../field-claims/apply-claims.ts';
import { isFieldClaim } from '../field-claims/apply-claims.ts';
import { findWeightProblems } from '../../mesh/weights.ts';

export interface OutputApplierDeps {
  readonly api: KubeApi;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  readonly fieldClaims: FieldClaims;
  /** The informer that holds the live objects of an output. */
  readonly informerOf: (output: OutputDefinition) => Informer;
}

/** All that is to be sent for one output. */
interface PlannedOutput {
  readonly output: OutputDefinition;
  readonly desiredObjects: readonly DesiredObject[];
  readonly claims: readonly PlannedClaim[];
}

export class OutputApplier {
  readonly #deps: OutputApplierDeps;
  /**
   * What our last apply of an object answered, by its uid: the server may write a value in another
   * form, which is no difference.
   */
  readonly #appliedVersions = new Map<
    string,
    { readonly hash: string; readonly resourceVersion: string | undefined }
  >();
  /** uids whose deletion we asked for and have not seen yet. */
  readonly #pruned = new Set<string>();

  constructor(deps: OutputApplierDeps) {
    this.#deps = deps;
  }

  /**
   * Applies what a phase or the finalizer returned: all of it is checked before anything is sent.
   * @param reading takes the objects that are edited in place, and one that stands in the way: its
   * end wakes the resource.
   * @throws PermanentError for a wrong result (nothing was written), OutputConflict, OutputRefused,
   * StaleCache, or what the API threw.
   */
  async apply(
    definition: WorkerDefinition,
    outputs: AnyOutputs,
    resource: KubeObject,
    tracker: ReadTracker,
    signal: AbortSignal,
  ): Promise<void> {
    const { scheduler, fieldClaims: claimApplier } = this.#deps;
    const planned = definition.outputs.flatMap((output): PlannedOutput[] => {
      const objects = outputs[output.name];
      if (objects === undefined) {
        return [];
      }
      const fieldClaims = objects.filter((object): object is FieldClaim => isFieldClaim(object));
      const objectsToApply = objects.filter(
        (object): object is OutputObject => !isFieldClaim(object),
      );
      const desiredObjects = desiredObjectsOf(
        scheduler,
        definition,
        output,
        objectsToApply,
        resource,
      );
      return [
        {
          output,
          desiredObjects,
          claims: claimApplier.plan(definition, output, fieldClaims, resource, tracker),
        },
      ];
    });
    for (const output of planned) {
      this.#validateNamespaces(output, definition);
      validateWeights(output, definition);
    }
    for (const { desiredObjects, claims } of planned) {
      for (const desired of desiredObjects) {
        await this.#applyObject(desired, resource, tracker.dependencies, signal);
      }
      for (const plan of claims) {
        await claimApplier.apply(plan, resource, signal);
      }
    }
    for (const { output, desiredObjects } of planned) {
      if (output.prune === true) {
        await this.#prune(output, desiredObjects, resource, signal);
      }
    }
  }

  /** @throws PermanentError for what could be made, and never be found again. */
  #validateNamespaces(
    { output, desiredObjects }: PlannedOutput,
    { title }: WorkerDefinition,
  ): void {
    for (const { key, object } of desiredObjects) {
      if (!this.#deps.informerOf(output).covers(key)) {
        throw new PermanentError(
          `outputs.${output.name} of ${title}: ${describeObject(object)} lies in a namespace that the operator does not watch`,
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
  async deleteUnreachable(
    except: readonly OutputDefinition[],
    resource: KubeObject,
    signal: AbortSignal,
  ): Promise<void> {
    const { scheduler, informerOf } = this.#deps;
    const kept = new Set(except.map((output) => informerOf(output)));
    const informers = new Map(
      allWorkerDefinitions(scheduler).flatMap(({ outputs }) =>
        outputs.map((output) => [informerOf(output), output] as const),
      ),
    );
    for (const [informer, output] of informers) {
      if (!kept.has(informer)) {
        for (const object of informer.byIndex(resource.metadata.uid ?? '')) {
          if (
            object.metadata.ownerReferences?.some(({ uid }) => uid === resource.metadata.uid) !==
            true
          ) {
            await (canOwn(output.type, object.metadata.namespace, resource)
              ? this.#restoreOwnerReference(output, object, resource, signal)
              : this.#delete(output, object, resource, signal));
          }
        }
      }
    }
  }

  /**
   * An object is gone: nothing is kept of it. @returns whether that was our own prune, which wakes
   * nobody; it answers once
   */
  forget(uid: string): boolean {
    this.#appliedVersions.delete(uid);
    return this.#pruned.delete(uid);
  }

  /** Objects of which something is kept beside the caches. */
  get size(): number {
    return this.#appliedVersions.size + this.#pruned.size;
  }

  async #applyObject(
    desired: DesiredObject,
    resource: KubeObject,
    dependencies: Dependencies,
    signal: AbortSignal,
  ): Promise<void> {
    const { api, scheduler } = this.#deps;
    const { type } = desired.output;
    const informer = this.#deps.informerOf(desired.output);
    let live = informer.get(desired.key);
    if (live === undefined) {
      try {
        const created = await this.#sendApply(
          desired,
          resource,
          { resourceVersion: '1' },
          false,
          signal,
        );
        return this.#recordApplied(desired, resource, created, 'created');
      } catch (error) {
        // What the finalizer would make there is taken away anyway; to wait for it would keep the
        // namespace from ending.
        if (resource.metadata.deletionTimestamp !== undefined && isNamespaceTerminating(error)) {
          return;
        }
        if (!hasCode(error, 409)) {
          throw toOutputRefused(error, describeObject(desired.object));
        }
        live = await api.get(type, desired.key, signal).catch((missing: unknown) => {
          throw hasCode(missing, 404)
            ? new StaleCache(`${describeObject(desired.object)} was there and is gone`, {
                cause: toOutputRefused(error, describeObject(desired.object)),
              })
            : missing;
        });
        // Its event is late: the next phase is to see what this one found, or the two would send
        // each other on without end.
        informer.put(live, keyString(keyOf(resource)));
      }
    }
    const owned = isOwnedBy(live, resource, scheduler.resource.group);
    const conflict = (why: string): OutputConflict => {
      readsFor(dependencies, informer).keys.add(keyString(desired.key));
      return new OutputConflict(`${describeObject(live)} exists and ${why}`);
    };
    if (!owned && !(await this.#mayAdopt(live, resource, signal))) {
      throw conflict(
        `belongs to ${describeOwner(live)}; give the output another name, or delete it`,
      );
    }
    if (live.metadata.deletionTimestamp !== undefined) {
      throw new OutputRefused(`${describeObject(live)} is being deleted`);
    }
    if (this.#isUnchanged(desired, live)) {
      return this.#deps.observer.outputUnchanged(desired.output.type.kind);
    }
    try {
      const { uid, resourceVersion } = live.metadata;
      const updated = await this.#sendApply(
        desired,
        resource,
        { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
        true,
        signal,
      );
      this.#recordApplied(
        desired,
        resource,
        updated,
        updated.metadata.resourceVersion === resourceVersion ? undefined : 'updated',
      );
    } catch (error) {
      // Under OwnerReferencesPermissionEnforcement only who may delete it may also take it over.
      if (!owned && hasCode(error, 403)) {
        throw conflict(
          `was left by an earlier ${describeOwner(live)}; it is made again when garbage collection has deleted it`,
        );
      }
      if (!hasCode(error, 409)) {
        throw toOutputRefused(error, describeObject(desired.object));
      }
      await this.#refresh(desired.output, desired.key, resource, signal);
      throw new StaleCache(`${describeObject(desired.object)} has changed since it was read`, {
        cause: toOutputRefused(error, describeObject(desired.object)),
      });
    }
  }

  /**
   * What an earlier resource of the same name has left is taken over. The server is asked first
   * whether this one is still there: it is
   * our cache that may be behind, and the object a newer one's.
   */
  async #mayAdopt(object: KubeObject, resource: KubeObject, signal: AbortSignal): Promise<boolean> {
    const { api, scheduler } = this.#deps;
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
    const fresh = await this.#deps.api.get(output.type, key, signal).catch(() => undefined);
    if (fresh !== undefined) {
      this.#deps.informerOf(output).put(fresh, keyString(keyOf(resource)));
    }
  }

  #isUnchanged(desired: DesiredObject, live: KubeObject): boolean {
    if (
      live.metadata.annotations?.[appliedAnnotation(this.#deps.scheduler.resource.group)] !==
      desired.hash
    ) {
      return false;
    }
    const applied = this.#appliedVersions.get(live.metadata.uid ?? '');
    if (
      applied?.hash === desired.hash &&
      applied.resourceVersion === live.metadata.resourceVersion
    ) {
      return true;
    }
    return containsFields(live, desired.object);
  }

  #sendApply(
    desired: DesiredObject,
    resource: KubeObject,
    guard: { uid?: string; resourceVersion?: string },
    force: boolean,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    const { scheduler, api } = this.#deps;
    const fieldManager = outputFieldManager(
      scheduler.operatorName,
      scheduler.resource,
      resource.metadata.namespace,
      resource.metadata.name,
    );
    const object = { ...desired.object, metadata: { ...desired.object.metadata, ...guard } };
    return this.#deps
      .informerOf(desired.output)
      .write(desired.key, keyString(keyOf(resource)), () =>
        api.apply(desired.output.type, object, { fieldManager, force }, signal),
      );
  }

  #recordApplied(
    desired: DesiredObject,
    resource: KubeObject,
    response: KubeObject,
    action: 'created' | 'updated' | undefined,
  ): void {
    const { uid, resourceVersion } = response.metadata;
    // It may be gone by now, and nobody would tell a second time.
    const isStillStored =
      this.#deps.informerOf(desired.output).get(desired.key)?.metadata.uid === uid;
    if (uid !== undefined && isStillStored) {
      this.#appliedVersions.set(uid, { hash: desired.hash, resourceVersion });
    }
    if (action !== undefined) {
      this.#reportOutput(resource, action, desired.object);
    }
  }

  async #prune(
    output: OutputDefinition,
    desiredObjects: readonly DesiredObject[],
    resource: KubeObject,
    signal: AbortSignal,
  ): Promise<void> {
    const wanted = new Set(desiredObjects.map(({ key }) => keyString(key)));
    for (const object of this.#deps.informerOf(output).byIndex(resource.metadata.uid ?? '')) {
      const { namespace, ownerReferences = [] } = object.metadata;
      // A controller may have made it from an output of ours, and copied our marks: it says who its
      // owner is.
      const copied =
        ownerReferences.length > 0 &&
        !ownerReferences.some(({ uid }) => uid === resource.metadata.uid);
      if (
        isInOutputScope(output, namespace, resource) &&
        !copied &&
        !wanted.has(keyString(object.metadata))
      ) {
        await this.#delete(output, object, resource, signal);
      }
    }
  }

  async #delete(
    output: OutputDefinition,
    object: KubeObject,
    resource: KubeObject,
    signal: AbortSignal,
  ): Promise<void> {
    if (!this.#hasBothLabels(object, resource)) {
      return;
    }
    const { uid, resourceVersion } = object.metadata;
    try {
      if (uid !== undefined) {
        this.#pruned.add(uid);
      }
      const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
      await this.#deps.api.delete(output.type, keyOf(object), { preconditions }, signal);
      this.#reportOutput(resource, 'pruned', object);
    } catch (error) {
      if (uid !== undefined) {
        this.#pruned.delete(uid);
      }
      await this.#handleFailedWrite(error, output, object, resource, signal);
    }
  }

  async #restoreOwnerReference(
    output: OutputDefinition,
    object: KubeObject,
    resource: KubeObject,
    signal: AbortSignal,
  ): Promise<void> {
    if (!this.#hasBothLabels(object, resource)) {
      return;
    }
    const { api, scheduler, informerOf } = this.#deps;
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
      await this.#handleFailedWrite(error, output, object, resource, signal);
    }
  }

  /** Only what carries both of our marks. */
  #hasBothLabels(object: KubeObject, resource: KubeObject): boolean {
    const { scheduler } = this.#deps;
    const { labels, deletionTimestamp } = object.metadata;
    return (
      deletionTimestamp === undefined &&
      isOwnedBy(object, resource, scheduler.resource.group) &&
      labels?.[MANAGED_BY_LABEL] === scheduler.operatorName
    );
  }

  /** After a write that failed. @throws unless the object is gone. */
  async #handleFailedWrite(
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
      throw toOutputRefused(error, describeObject(object));
    }
    await this.#refresh(output, keyOf(object), resource, signal);
    throw new StaleCache(`${describeObject(object)} has changed since it was read`, {
      cause: toOutputRefused(error, describeObject(object)),
    });
  }

  #reportOutput(
    resource: KubeObject,
    action: 'created' | 'updated' | 'pruned',
    object: KubeObject,
  ): void {
    this.#deps.observer.event({
      type: 'output',
      resource: keyOf(resource),
      action,
      kind: object.kind,
      object: keyOf(object),
    });
  }
}

function describeOwner(object: KubeObject): string {
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
function validateWeights(
  { output, desiredObjects, claims }: PlannedOutput,
  definition: WorkerDefinition,
): void {
  const problems = [
    ...desiredObjects.flatMap(({ object }) =>
      findWeightProblems(object).map((problem) => `${describeObject(object)}: ${problem}`),
    ),
    ...claims.flatMap(({ live, draft }) => {
      const known = findWeightProblems(live);
      return findWeightProblems(draft).flatMap((problem) =>
        known.includes(problem) ? [] : [`${describeObject(draft)}: ${problem}`],
      );
    }),
  ];
  if (problems.length > 0) {
    throw new PermanentError(
      `outputs.${output.name} of ${definition.title}: ${problems.join('; ')}`,
      'WrongWeights',
    );
  }
}
