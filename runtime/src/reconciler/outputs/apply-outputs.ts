/**
 * Applies what a worker returned, in declared order, then prunes.
 *
 * Guarantees
 * - Everything that a worker returned is checked before the first request.
 * - A refused object keeps no other one from being applied. Nothing is pruned then.
 * - Objects of other owners are never changed.
 * - An object that already is as desired costs no request. An object that the API server stores in
 *   another form costs one more request when it changes.
 * - The first apply of an object carries resourceVersion "1", which makes it create-only: the API
 *   server answers 409 when the object exists. Later applies are forced and carry the uid and the
 *   resourceVersion that were read, so a late request neither overwrites a newer state nor creates
 *   a pruned object again.
 */
import type { FieldClaim } from '../../api/field-claim.ts';
import type { OutputDefinition, WorkerDefinition } from '../../api/scheduler.ts';
import type { AnyOutputs, OutputObject } from '../../api/worker.ts';
import { PermanentError } from '../../api/worker.ts';
import { hasCode } from '../../client/errors.ts';
import type { RecordEvent } from '../../client/event-recorder.ts';
import type { KubeObject } from '../../client/object.ts';
import { controllerOf, describeObject, keyOf, keyString } from '../../client/object.ts';
import { appliedAnnotation, MANAGED_BY_LABEL } from '../../client/well-known-names.ts';
import { findWeightProblems } from '../../mesh/weights.ts';
import type { Clock } from '../../util/clock.ts';
import { containsFields } from '../../util/json.ts';
import { Attempts } from '../attempts.ts';
import { readsFor } from '../dependencies/read-tracker.ts';
import type { FieldClaims, PlannedClaim, PlannedClaims } from '../field-claims/apply-claims.ts';
import { isFieldClaim } from '../field-claims/apply-claims.ts';
import type { WriteContext } from '../reconcile-context.ts';
import {
  isNamespaceTerminating,
  OutputConflict,
  OutputRefused,
  StaleCache,
  toOutputRefused,
} from '../reconcile-errors.ts';
import type { AppliedMark } from './applied-mark.ts';
import { appliedMarkOf, formatAppliedMark, isAsApplied, storedHashOf } from './applied-mark.ts';
import type { DesiredObject } from './desired-object.ts';
import { desiredObjectsOf, isLeftBehind, isOwnedBy } from './desired-object.ts';
import { AppliedObjects, wasApplied } from '../undone/applied-objects.ts';
import type { UndoneObject } from '../undone/undo-guard.ts';
import { UndoGuard } from '../undone/undo-guard.ts';
import { withoutEmptiedMaps } from './empty-maps.ts';
import type { OutputDeps } from './prune-outputs.ts';
import { fieldManagerOf, OutputPruner, refreshObject } from './prune-outputs.ts';

/** What the output applier needs from its controller. */
export interface OutputApplierDeps extends OutputDeps {
  readonly fieldClaims: FieldClaims;
  readonly clock: Clock;
  readonly recordEvent: RecordEvent;
}

/** Everything to send for one output. */
interface PlannedOutput {
  readonly output: OutputDefinition;
  readonly desiredObjects: readonly DesiredObject[];
  readonly claims: PlannedClaims;
}

/** The desired object and what the API server has in its place. */
interface Comparison {
  readonly desired: DesiredObject;
  readonly live: KubeObject;
}

/** What an apply is guarded by. */
interface ApplyOptions {
  readonly preconditions: { readonly uid?: string; readonly resourceVersion?: string };
  /** True: take over fields of other field managers. */
  readonly force: boolean;
}

const CREATE_ONLY: ApplyOptions = { preconditions: { resourceVersion: '1' }, force: false };

/** Applies and prunes the outputs of all resources. */
export class OutputApplier {
  readonly #deps: OutputApplierDeps;
  readonly #pruner: OutputPruner;
  readonly #guard: UndoGuard;

  constructor(deps: OutputApplierDeps) {
    this.#deps = deps;
    this.#pruner = new OutputPruner(deps);
    this.#guard = new UndoGuard(deps);
  }

  /**
   * Applies the outputs of a worker or of the finalizer. Objects with claimed fields, and an object
   * of another owner that is in the way, count as read: their changes enqueue the resource.
   *
   * @throws PermanentError for a wrong result (nothing is written then), OutputConflict,
   * OutputRefused, StaleCache, or what the API threw
   */
  async apply(
    context: WriteContext,
    definition: WorkerDefinition,
    outputs: AnyOutputs,
  ): Promise<void> {
    const attempts = new Attempts();
    const planned = definition.outputs.flatMap((output) => {
      const objects = outputs[output.name];
      return objects === undefined ? [] : [this.#plan(context, definition, output, objects)];
    });
    for (const output of planned) {
      this.#validateNamespaces(output, definition);
      validateWeights(output, definition);
    }
    const applied = new AppliedObjects(context.state.undone);
    for (const { output, desiredObjects, claims } of planned) {
      for (const desired of desiredObjects) {
        await attempts.try(async () => {
          await this.#applyObject(context, desired);
          applied.add(desired);
        });
      }
      claims.refusals.forEach((error) => attempts.add(error));
      for (const claim of claims.plans) {
        await attempts.try(() => this.#applyClaim(context, output, claim));
      }
    }
    applied.save(planned.flatMap(({ desiredObjects }) => desiredObjects));
    // What was refused may be what stops using an object that is about to be deleted.
    attempts.throwIfRefused();
    for (const { output, desiredObjects } of planned) {
      if (output.prune === true) {
        await this.#pruner.prune(context, output, desiredObjects, attempts);
      }
    }
    attempts.throwIfRefused();
  }

  #plan(
    context: WriteContext,
    definition: WorkerDefinition,
    output: OutputDefinition,
    objects: readonly (OutputObject | FieldClaim)[],
  ): PlannedOutput {
    const { scheduler, fieldClaims } = this.#deps;
    const { resource } = context;
    const claims = objects.filter((object): object is FieldClaim => isFieldClaim(object));
    const applied = objects.filter((object): object is OutputObject => !isFieldClaim(object));
    return {
      output,
      desiredObjects: desiredObjectsOf({ scheduler, resource }, definition, output, applied),
      claims: fieldClaims.plan(context, definition, output, claims),
    };
  }

  /**
   * @throws PermanentError for a namespace in which the operator could not find the object again
   */
  #validateNamespaces(
    { output, desiredObjects }: PlannedOutput,
    { title }: WorkerDefinition,
  ): void {
    for (const { key, object } of desiredObjects) {
      if (!this.#deps.informerOf(output).covers(key)) {
        throw new PermanentError(
          `outputs.${output.name} of ${title}: ${describeObject(object)} is in a namespace that the operator does not watch`,
        );
      }
    }
  }

  /** See `OutputPruner.deleteUnreachable`. */
  deleteUnreachable(
    context: WriteContext,
    except: readonly OutputDefinition[],
    attempts: Attempts,
  ): Promise<void> {
    return this.#pruner.deleteUnreachable(context, except, attempts);
  }

  /**
   * Drops what is kept about an object that is deleted.
   *
   * @returns true once for an object that the operator pruned: its owner is not enqueued
   */
  forget(uid: string): boolean {
    return this.#pruner.forget(uid);
  }

  /** Number of entries that are kept beside the caches. */
  get size(): number {
    return this.#pruner.size;
  }

  async #applyObject(context: WriteContext, desired: DesiredObject): Promise<void> {
    const cached = this.#deps.informerOf(desired.output).get(desired.key);
    if (cached === undefined && !(await this.#mayRepair(context, desired, true))) {
      return;
    }
    const live = cached ?? (await this.#create(context, desired));
    if (live !== undefined) {
      await this.#update(context, { desired, live });
    }
  }

  /** May the object be written? True for an object that was not applied as it is desired now. */
  async #mayRepair(
    context: WriteContext,
    { output, key, hash }: DesiredObject,
    isDeleted: boolean,
    isApplied = wasApplied(context, output, key, hash),
  ): Promise<boolean> {
    const { type, whenUndone } = output;
    return !isApplied || this.#guard.mayRepair(context, { type, whenUndone, key, isDeleted });
  }

  /** Sends the claims of one object, without those that are undone and stay so for now. */
  async #applyClaim(
    context: WriteContext,
    { type, whenUndone }: OutputDefinition,
    planned: PlannedClaim,
  ): Promise<void> {
    const { fieldClaims } = this.#deps;
    const key = keyOf(planned.live);
    const paths = planned.undone.filter(({ isSameWish }) => isSameWish).map(({ path }) => path);
    const isRepair = paths.length > 0;
    const undone = { type, whenUndone, key, paths, isDeleted: false };
    if (isRepair && !(await this.#guard.mayRepair(context, undone))) {
      await fieldClaims.apply(context, fieldClaims.leaveUndone(planned));
      return;
    }
    // Counted before the change is finished: a change by another controller in between, such as a
    // new status, ends this attempt, and repairs must be spaced all the same.
    await fieldClaims.apply(context, planned, () =>
      this.#guard.written(context, type, key, isRepair),
    );
    if (planned.patch.length === 0) {
      this.#guard.intact(context, type, key);
    }
  }

  /** Records everything of the resource that another client has changed or deleted. */
  async findUndone(context: WriteContext): Promise<readonly UndoneObject[]> {
    const { informerOf, fieldClaims } = this.#deps;
    const found: UndoneObject[] = [];
    for (const desired of context.state.undone.applied.values()) {
      const { output, key } = desired;
      const { type } = output;
      const live = informerOf(output).get(key);
      if (live === undefined || !this.#isUnchanged({ desired, live })) {
        found.push({ type, key, isDeleted: live === undefined });
      } else {
        this.#guard.intact(context, type, key);
      }
    }
    for (const { type, key, paths } of fieldClaims.findUndone(context.resource)) {
      if (paths.length > 0) {
        found.push({ type, key, paths, isDeleted: false });
      } else {
        this.#guard.intact(context, type, key);
      }
    }
    for (const undone of found) {
      await this.#guard.record(context, undone);
    }
    return found;
  }

  /** @returns undefined when done; the existing object when the cache did not have it yet */
  async #create(context: WriteContext, desired: DesiredObject): Promise<KubeObject | undefined> {
    try {
      const isRepair = wasApplied(context, desired.output, desired.key, desired.hash);
      await this.#sendMarked(context, desired, CREATE_ONLY);
      this.#guard.written(context, desired.output.type, desired.key, isRepair);
      this.#reportOutput(context, desired, 'created');
      return undefined;
    } catch (error) {
      // A resource that is being deleted may lie in a namespace that is being deleted, together
      // with everything that its finalizer would create there. A retry would block the namespace.
      const isDeleting = context.resource.metadata.deletionTimestamp !== undefined;
      if (isDeleting && isNamespaceTerminating(error)) {
        return undefined;
      }
      const refused = toOutputRefused(error, describeObject(desired.object));
      if (!hasCode(error, 409)) {
        throw refused;
      }
      return this.#readExisting(context, desired, refused);
    }
  }

  /** @throws StaleCache when the object has been deleted meanwhile */
  async #readExisting(
    { resource, signal }: WriteContext,
    { output, key, object }: DesiredObject,
    refused: unknown,
  ): Promise<KubeObject> {
    const { api, informerOf } = this.#deps;
    try {
      const live = await api.get(output.type, key, signal);
      // The watch event may arrive after the next phase has run. Both phases would then move the
      // resource back and forth without end, so the object is stored now.
      informerOf(output).put(live, keyString(keyOf(resource)));
      return live;
    } catch (error) {
      throw hasCode(error, 404)
        ? new StaleCache(`${describeObject(object)} existed and is deleted`, { cause: refused })
        : error;
    }
  }

  async #update(context: WriteContext, comparison: Comparison): Promise<void> {
    const { desired, live } = comparison;
    const isOwned = isOwnedBy(live, context.resource, this.#deps.scheduler.resource.group);
    if (!isOwned && !(await this.#mayAdopt(context, live))) {
      throw this.#conflict(
        context,
        comparison,
        `belongs to ${describeOwner(live)}; give the output another name, or delete it`,
      );
    }
    const { output, key, hash } = desired;
    const { whenUndone = 'repair', type } = output;
    if (live.metadata.deletionTimestamp !== undefined) {
      if (whenUndone !== 'repair' && !(await this.#mayRepair(context, desired, true))) {
        return;
      }
      throw new OutputRefused(`${describeObject(live)} is being deleted`);
    }
    if (this.#isUnchanged(comparison)) {
      this.#guard.intact(context, type, key);
      this.#deps.observer.outputUnchanged(type.kind);
      return;
    }
    const mark = appliedMarkOf(live, this.#deps.scheduler.resource.group);
    const isRepair = mark?.hash === hash || wasApplied(context, output, key, hash);
    if (!(await this.#mayRepair(context, desired, false, isRepair))) {
      return;
    }
    try {
      const updated = await this.#sendUpdate(context, comparison);
      this.#guard.written(context, type, key, isRepair);
      if (updated.metadata.resourceVersion !== live.metadata.resourceVersion) {
        this.#reportOutput(context, desired, 'updated');
      }
    } catch (error) {
      throw await this.#explainUpdateError(context, comparison, error);
    }
  }

  /** Takes fields back first where a map becomes empty (see `empty-maps.ts`). */
  async #sendUpdate(context: WriteContext, { desired, live }: Comparison): Promise<KubeObject> {
    const options = updateOptions(live);
    const emptied = withoutEmptiedMaps(desired.object, live);
    if (emptied !== undefined) {
      return this.#sendInTwoSteps(context, desired, emptied, options);
    }
    try {
      return await this.#sendMarked(context, desired, options);
    } catch (error) {
      const withoutMaps = withoutEmptiedMaps(desired.object);
      if (!hasCode(error, 422) || withoutMaps === undefined) {
        throw error;
      }
      return this.#sendInTwoSteps(context, desired, withoutMaps, options);
    }
  }

  /** A process that ends between the requests leaves an object without a mark: it applies again. */
  async #sendInTwoSteps(
    context: WriteContext,
    desired: DesiredObject,
    withoutMaps: KubeObject,
    options: ApplyOptions,
  ): Promise<KubeObject> {
    const reduced = await this.#sendApply(context, desired, options, withoutMaps);
    return this.#sendMarked(context, desired, updateOptions(reduced));
  }

  /** Applies the object with its mark. One more request marks another form that is stored. */
  async #sendMarked(
    context: WriteContext,
    desired: DesiredObject,
    options: ApplyOptions,
  ): Promise<KubeObject> {
    const { object, hash } = desired;
    const applied = await this.#sendApply(
      context,
      desired,
      options,
      this.#marked(object, { hash }),
    );
    if (containsFields(applied, object)) {
      return applied;
    }
    const mark = { hash, storedHash: storedHashOf(applied, object) };
    return this.#sendApply(context, desired, updateOptions(applied), this.#marked(object, mark));
  }

  #marked(object: KubeObject, mark: AppliedMark): KubeObject {
    const { metadata } = object;
    const annotation = appliedAnnotation(this.#deps.scheduler.resource.group);
    const annotations = { ...metadata.annotations, [annotation]: formatAppliedMark(mark) };
    return { ...object, metadata: { ...metadata, annotations } };
  }

  /** @returns the error to throw */
  async #explainUpdateError(
    context: WriteContext,
    comparison: Comparison,
    error: unknown,
  ): Promise<unknown> {
    const { desired, live } = comparison;
    const { scheduler } = this.#deps;
    const isOwned = isOwnedBy(live, context.resource, scheduler.resource.group);
    // The OwnerReferencesPermissionEnforcement admission plugin lets only clients that may delete
    // the object change its owner.
    if (!isOwned && hasCode(error, 403)) {
      return this.#conflict(
        context,
        comparison,
        `was left by an earlier ${describeOwner(live)}; it is created again when garbage collection has deleted it`,
      );
    }
    const name = describeObject(desired.object);
    const refused = toOutputRefused(error, name);
    if (!hasCode(error, 409)) {
      return refused;
    }
    await refreshObject(this.#deps, context, desired.output, desired.key);
    return new StaleCache(`${name} has changed since it was read`, { cause: refused });
  }

  /** The object in the way counts as read, so that its end enqueues the resource. */
  #conflict({ tracker }: WriteContext, { desired, live }: Comparison, why: string): OutputConflict {
    const informer = this.#deps.informerOf(desired.output);
    readsFor(tracker.dependencies, informer).keys.add(keyString(desired.key));
    return new OutputConflict(`${describeObject(live)} exists and ${why}`);
  }

  /**
   * May the resource adopt an object that an earlier resource of the same name left? The API server
   * is asked whether this resource still exists: the cache may be stale, and the object may belong
   * to a newer resource.
   */
  async #mayAdopt({ resource, signal }: WriteContext, object: KubeObject): Promise<boolean> {
    const { api, scheduler } = this.#deps;
    if (!isLeftBehind(object, resource, scheduler)) {
      return false;
    }
    const current = await api.get(scheduler.resource, keyOf(resource), signal);
    return current.metadata.uid === resource.metadata.uid;
  }

  #isUnchanged({ desired, live }: Comparison): boolean {
    const mark = appliedMarkOf(live, this.#deps.scheduler.resource.group);
    return mark?.hash === desired.hash && isAsApplied(live, desired.object, mark);
  }

  #sendApply(
    { resource, signal }: WriteContext,
    { output, key }: DesiredObject,
    { preconditions, force }: ApplyOptions,
    object: KubeObject,
  ): Promise<KubeObject> {
    const { scheduler, api, informerOf } = this.#deps;
    const options = { fieldManager: fieldManagerOf(scheduler, resource), force };
    const metadata = { ...object.metadata, ...preconditions };
    return informerOf(output).write(key, keyString(keyOf(resource)), () =>
      api.apply(output.type, { ...object, metadata }, options, signal),
    );
  }

  #reportOutput(
    { resource }: WriteContext,
    { object }: DesiredObject,
    action: 'created' | 'updated',
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

/** An update of exactly the version that was read. */
function updateOptions({ metadata: { uid, resourceVersion } }: KubeObject): ApplyOptions {
  const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
  return { preconditions, force: true };
}

function describeOwner(object: KubeObject): string {
  const owner = controllerOf(object);
  if (owner !== undefined) {
    return `${owner.kind} ${owner.name}`;
  }
  const manager = object.metadata.labels?.[MANAGED_BY_LABEL];
  return manager === undefined ? 'an unknown owner' : `'${manager}'`;
}

/**
 * Problems that an object had before its fields were claimed are not the worker's.
 *
 * @throws PermanentError for weights that would lose requests
 */
function validateWeights(
  { output, desiredObjects, claims }: PlannedOutput,
  definition: WorkerDefinition,
): void {
  const ofObjects = desiredObjects.flatMap(({ object }) =>
    findWeightProblems(object).map((problem) => `${describeObject(object)}: ${problem}`),
  );
  const ofClaims = claims.plans.flatMap(({ live, draft }) => {
    const known = findWeightProblems(live);
    const added = findWeightProblems(draft).filter((problem) => !known.includes(problem));
    return added.map((problem) => `${describeObject(draft)}: ${problem}`);
  });
  const problems = [...ofObjects, ...ofClaims];
  if (problems.length > 0) {
    throw new PermanentError(
      `outputs.${output.name} of ${definition.title}: ${problems.join('; ')}`,
      'WrongWeights',
    );
  }
}
