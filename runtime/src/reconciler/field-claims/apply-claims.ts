/**
 * Sends and releases field claims.
 *
 * Guarantees
 * - The claims of a resource are found in the annotations of the objects, so a new process knows
 *   them too.
 * - A claim never overwrites a change that was made since the worker decided on it.
 */
import type { ClaimedField, FieldClaim } from '../../api/field-claim.ts';
import type {
  InputDefinition,
  OutputDefinition,
  Scheduler,
  WorkerDefinition,
} from '../../api/scheduler.ts';
import { claimableInput } from '../../api/scheduler.ts';
import type { Logger, OutputObject } from '../../api/worker.ts';
import { PermanentError } from '../../api/worker.ts';
import type { Informer } from '../../cache/informer.ts';
import { hasCode, messageOf } from '../../client/errors.ts';
import type { RecordEvent } from '../../client/event-recorder.ts';
import type { JsonPatchOperation, KubeApi } from '../../client/kube-api.ts';
import type { KubeObject, ObjectKey, ResourceType } from '../../client/object.ts';
import { apiVersionOf, describeObject, keyOf, keyString, parseKey } from '../../client/object.ts';
import { violatedNamespaceRule } from '../../client/object-names.ts';
import { statusFieldManager } from '../../client/well-known-names.ts';
import type { Observer } from '../../observability/observer.ts';
import { readsFor } from '../dependencies/read-tracker.ts';
import { isInOutputScope } from '../outputs/desired-object.ts';
import type { Attempts } from '../attempts.ts';
import type { WriteContext } from '../reconcile-context.ts';
import { OutputConflict, OutputRefused, StaleCache, toOutputRefused } from '../reconcile-errors.ts';
import type { ClaimedObject } from './claim-index.ts';
import { ClaimIndex } from './claim-index.ts';
import { isReleased, readClaims } from './claims-annotation.ts';
import { hasUnfinishedChange, planFinish } from './finish-claims.ts';
import type { FieldPath } from './field-path.ts';
import { undonePaths } from './found-value.ts';
import type { ClaimPlan, ClaimRequest } from './plan-claims.ts';
import { haveSameValues, planClaims } from './plan-claims.ts';
import { unresolvedClaims } from './renamed-element.ts';

/** What field claims need from their controller. */
export interface FieldClaimsDeps {
  readonly api: KubeApi;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  readonly log: Logger;
  readonly recordEvent: RecordEvent;
  readonly informerOf: (input: InputDefinition) => Informer;
}

/** An object to patch, and where it is served. */
interface PatchTarget {
  readonly type: ResourceType;
  readonly informer: Informer;
  /** The object as it was read last. */
  readonly live: KubeObject;
}

/** A plan, what it was made from, and where to send it. */
export interface PlannedClaim extends ClaimPlan, PatchTarget {
  readonly request: ClaimRequest;
}

/** The plans of one output. */
export interface PlannedClaims {
  readonly plans: readonly PlannedClaim[];
  /** Why no plan was made for other objects. */
  readonly refusals: readonly Error[];
}

const NO_CLAIMS: PlannedClaims = { plans: [], refusals: [] };

/** Did a worker return a field claim in place of an object to apply? */
export function isFieldClaim(object: OutputObject | FieldClaim): object is FieldClaim {
  return 'fieldClaim' in object && object.fieldClaim === true;
}

/** The claims of one resource in one object. */
export interface UndoneClaims {
  readonly type: ResourceType;
  readonly key: ObjectKey;
  /** Claimed fields that another client has changed. Empty: none. */
  readonly paths: readonly FieldPath[];
}

/** The output that claims are made for, and the informer of its objects. */
interface ClaimTarget {
  readonly output: OutputDefinition;
  readonly informer: Informer;
  /** Place in messages: `outputs.virtualservices of phase Evaluating`. */
  readonly place: string;
}

/** The field claims of all resources. */
export class FieldClaims {
  readonly #deps: FieldClaimsDeps;
  readonly #claimed: ClaimIndex;

  constructor(deps: FieldClaimsDeps) {
    this.#deps = deps;
    this.#claimed = new ClaimIndex(deps);
  }

  /** Number of resources that have claims. */
  get size(): number {
    return this.#claimed.size;
  }

  /**
   * Plans the claims of one output; sends nothing. The objects count as read, so that a change by
   * another client enqueues the resource, which then sets its fields again.
   *
   * @returns the plans, and the refusals: OutputConflict for a field that another resource has
   * claimed, OutputRefused when an object does not exist, StaleCache when a field has changed since
   * the worker decided on it
   * @throws PermanentError for a wrong claim
   */
  plan(
    context: WriteContext,
    definition: WorkerDefinition,
    output: OutputDefinition,
    claims: readonly FieldClaim[],
  ): PlannedClaims {
    const place = `outputs.${output.name} of ${definition.title}`;
    const input = claimableInput(definition, output);
    const [firstClaim] = claims;
    if (input === undefined && firstClaim !== undefined) {
      throw new PermanentError(
        `${place} claims fields of ${describeObject(firstClaim)}, which it does not read: declare ${output.name} among the inputs of ${definition.title} too`,
      );
    }
    if (input === undefined) {
      return NO_CLAIMS;
    }
    const target = { output, informer: this.#deps.informerOf(input), place };
    const wanted = fieldsByKey(context.resource, target, claims);
    if (output.prune === true) {
      for (const key of this.#keysToRelease(context.resource, target, wanted)) {
        wanted.set(key, []);
      }
    }
    const plans: PlannedClaim[] = [];
    const refusals: Error[] = [];
    for (const [key, fields] of wanted) {
      try {
        plans.push(...this.#planObject(context, target, key, fields));
      } catch (error) {
        refusals.push(refusalOrThrow(error));
      }
    }
    return { plans, refusals };
  }

  /** Objects of the output in which the resource has claims that it does not make any more. */
  #keysToRelease(
    resource: KubeObject,
    { output, informer }: ClaimTarget,
    wanted: ReadonlyMap<string, unknown>,
  ): readonly string[] {
    return this.#claimed
      .of(resource)
      .filter((object) => object.informer === informer && !wanted.has(object.key))
      .map(({ key }) => key)
      .filter((key) => isInOutputScope(output, parseKey(key).namespace, resource));
  }

  /** @param fields empty: the claims in the object are released */
  #planObject(
    { resource, tracker }: WriteContext,
    { output, informer, place }: ClaimTarget,
    key: string,
    fields: readonly ClaimedField[],
  ): readonly PlannedClaim[] {
    readsFor(tracker.dependencies, informer).keys.add(key);
    const live = informer.get(parseKey(key));
    if (live === undefined) {
      if (fields.length === 0) {
        return [];
      }
      throw new OutputRefused(
        `${output.type.kind} ${key}, in which ${place} claims fields, does not exist`,
      );
    }
    if (live.metadata.deletionTimestamp !== undefined && fields.length > 0) {
      throw new OutputRefused(`${describeObject(live)} is being deleted`);
    }
    const atStart = tracker.valuesAtStart.get(informer)?.get(key);
    if (atStart !== undefined && !haveSameValues(atStart, live, fields)) {
      throw new StaleCache(`${describeObject(live)} has changed while the worker decided on it`);
    }
    const isComplete = output.prune === true;
    const request = this.#requestOf(resource, { fields, isComplete, isFinal: false, place });
    return [{ ...planClaims(live, request), request, type: output.type, informer }];
  }

  /**
   * Sends a plan in two requests: the change of the fields, then what finishes it (`planFinish`).
   *
   * @throws OutputRefused, StaleCache, or what the API threw
   */
  async apply(
    context: WriteContext,
    planned: PlannedClaim,
    onValuesWritten: () => void = () => undefined,
  ): Promise<void> {
    if (planned.patch.length === 0) {
      return;
    }
    const { request } = planned;
    const live = await this.#readOwnership(context, planned);
    const { patch, notRestored } = planClaims(live, request);
    for (const message of notRestored) {
      this.#warnNotRestored(context.resource, message);
    }
    const response = await this.#patch(context, { ...planned, live }, patch);
    onValuesWritten();
    this.#reportOutput(context.resource, live, response);
    await this.#sendFinish(context, { ...planned, live: response });
  }

  /**
   * Finishes the changes that an earlier reconcile has begun, in any phase. A refusal is logged:
   * the values are as they have to be, and the next reconcile tries again.
   *
   * @throws StaleCache when an object has changed since it was read
   */
  async finish(context: WriteContext): Promise<void> {
    for (const claimed of this.#claimed.of(context.resource)) {
      try {
        await this.#finishObject(context, claimed);
      } catch (error) {
        if (error instanceof StaleCache) {
          throw error;
        }
        this.#deps.log.warn('field ownership could not be given back', {
          resource: keyString(keyOf(context.resource)),
          object: claimed.key,
          error: messageOf(error),
        });
      }
    }
  }

  async #finishObject(
    context: WriteContext,
    { informer, type, key }: ClaimedObject,
  ): Promise<void> {
    const { group } = this.#deps.scheduler.resource;
    const cached = informer.get(parseKey(key));
    const { uid = '' } = context.resource.metadata;
    if (cached !== undefined && hasUnfinishedChange(cached, group, uid)) {
      const live = await this.#readOwnership(context, { type, informer, live: cached });
      await this.#sendFinish(context, { type, informer, live });
    }
  }

  /**
   * Restores all claimed fields of a resource that no other client has changed since, and finishes
   * all changes.
   *
   * @param attempts collects refusals
   * @throws what the API threw, when no further request may be made
   */
  async release(context: WriteContext, attempts: Attempts): Promise<void> {
    const request = this.#requestOf(context.resource, {
      fields: [],
      isComplete: true,
      isFinal: true,
      place: 'the finalizer',
    });
    for (const claimed of this.#claimed.of(context.resource)) {
      const { informer, type, key } = claimed;
      await attempts.try(async () => {
        await this.#finishObject(context, claimed);
        const live = informer.get(parseKey(key));
        if (live !== undefined) {
          await this.apply(context, { ...planClaims(live, request), request, type, informer });
        }
      });
    }
  }

  /** The plan without the fields that another client has changed: they stay as they are. */
  leaveUndone(planned: PlannedClaim): PlannedClaim {
    const request = { ...planned.request, leaveUndone: true };
    return { ...planned, ...planClaims(planned.live, request), request };
  }

  /** Claimed fields of the resource that another client has changed, by object. */
  findUndone(resource: KubeObject): readonly UndoneClaims[] {
    const { scheduler } = this.#deps;
    const { uid = '' } = resource.metadata;
    const manager = statusFieldManager(scheduler.operatorName);
    return this.#claimed.of(resource).flatMap(({ informer, type, key }) => {
      const object = informer.get(parseKey(key));
      const claims = object === undefined ? [] : readClaims(object, scheduler.resource.group);
      const paths = object === undefined ? [] : undonePaths(object, claims, uid, manager);
      return [{ type, key: parseKey(key), paths }];
    });
  }

  /** Objects in which the resource has claims, each as `Kind namespace/name`, sorted. */
  claimedObjects(resource: KubeObject): readonly string[] {
    return this.#claimed
      .of(resource)
      .map(({ type, key }) => `${type.kind} ${key}`)
      .sort();
  }

  /** Claims of the resource whose list element cannot be told, each as a message. */
  unresolved(resource: KubeObject): readonly string[] {
    const { group } = this.#deps.scheduler.resource;
    const { uid = '' } = resource.metadata;
    return this.#claimed.of(resource).flatMap(({ informer, key }) => {
      const object = informer.get(parseKey(key));
      return object === undefined
        ? []
        : unresolvedClaims(object, readClaims(object, group), uid).map(
            (message) => `${describeObject(object)}: ${message}`,
          );
    });
  }

  /**
   * Reads the object with its managedFields, which caches do not have.
   *
   * @throws StaleCache when the object is another one than in the cache
   */
  async #readOwnership(
    { resource, signal }: WriteContext,
    { type, informer, live }: PatchTarget,
  ): Promise<KubeObject> {
    const name = describeObject(live);
    try {
      const fresh = await this.#deps.api.get(type, keyOf(live), signal);
      if (fresh.metadata.resourceVersion === live.metadata.resourceVersion) {
        return fresh;
      }
      informer.put(fresh, keyString(keyOf(resource)));
    } catch (error) {
      throw hasCode(error, 404) ? new StaleCache(`${name} is deleted`) : error;
    }
    throw new StaleCache(`${name} has changed since it was read`);
  }

  async #sendFinish(context: WriteContext, target: PatchTarget): Promise<void> {
    const { scheduler } = this.#deps;
    const manager = statusFieldManager(scheduler.operatorName);
    const patch = planFinish(target.live, scheduler.resource.group, manager);
    if (patch !== undefined) {
      await this.#patch(context, target, patch);
    }
  }

  async #patch(
    context: WriteContext,
    target: PatchTarget,
    body: readonly JsonPatchOperation[],
  ): Promise<KubeObject> {
    const { api, scheduler } = this.#deps;
    const { resource, signal } = context;
    const { type, informer, live } = target;
    const key = keyOf(live);
    const options = { fieldManager: statusFieldManager(scheduler.operatorName) };
    try {
      return await informer.write(key, keyString(keyOf(resource)), () =>
        api.patch(type, key, { type: 'json', body }, options, signal),
      );
    } catch (error) {
      throw await this.#explainPatchError(context, target, error);
    }
  }

  /** @returns the error to throw: StaleCache after a change of the object, else the refusal */
  async #explainPatchError(
    { resource, signal }: WriteContext,
    { type, informer, live }: PatchTarget,
    error: unknown,
  ): Promise<unknown> {
    const name = describeObject(live);
    if (hasCode(error, 404)) {
      return new StaleCache(`${name} is deleted`);
    }
    const refused = toOutputRefused(error, name);
    if (!hasCode(error, 409, 422)) {
      return refused;
    }
    // The API server answers 422 both for a failed test and for a refusal by a webhook. The version
    // tells which of them happened.
    const fresh = await this.#deps.api.get(type, keyOf(live), signal);
    informer.put(fresh, keyString(keyOf(resource)));
    const isUnchanged = fresh.metadata.resourceVersion === live.metadata.resourceVersion;
    return isUnchanged && hasCode(error, 422)
      ? refused
      : new StaleCache(`${name} has changed since it was read`, { cause: refused });
  }

  #requestOf(
    resource: KubeObject,
    request: Pick<ClaimRequest, 'fields' | 'isComplete' | 'isFinal' | 'place'>,
  ): ClaimRequest {
    const { scheduler } = this.#deps;
    return {
      ...request,
      claimant: { resource: describeObject(resource), uid: resource.metadata.uid ?? '' },
      group: scheduler.resource.group,
      manager: statusFieldManager(scheduler.operatorName),
    };
  }

  #reportOutput(resource: KubeObject, live: KubeObject, response: KubeObject): void {
    if (response.metadata.resourceVersion === live.metadata.resourceVersion) {
      return;
    }
    const claims = readClaims(response, this.#deps.scheduler.resource.group);
    const hasClaims = claims.some(
      (claim) => claim.uid === resource.metadata.uid && !isReleased(claim),
    );
    this.#deps.observer.event({
      type: 'output',
      resource: keyOf(resource),
      action: hasClaims ? 'edited' : 'restored',
      kind: live.kind,
      object: keyOf(live),
    });
  }

  #warnNotRestored(resource: KubeObject, message: string): void {
    this.#deps.log.warn(message, { resource: keyString(keyOf(resource)) });
    this.#deps.recordEvent(resource, 'Warning', 'NotRestored', message);
  }
}

/** @returns the error about one object. @throws every other error */
function refusalOrThrow(error: unknown): Error {
  const isRefusal =
    error instanceof OutputRefused ||
    error instanceof OutputConflict ||
    error instanceof StaleCache;
  if (!isRefusal) {
    throw error;
  }
  return error;
}

/** The claimed fields of each object. A worker may return several claims of one object. */
function fieldsByKey(
  resource: KubeObject,
  target: ClaimTarget,
  claims: readonly FieldClaim[],
): Map<string, readonly ClaimedField[]> {
  const fields = new Map<string, readonly ClaimedField[]>();
  for (const claim of claims) {
    const key = keyString(claimedObjectKey(claim, target, resource));
    fields.set(key, [...(fields.get(key) ?? []), ...claim.fields]);
  }
  return fields;
}

/** @throws PermanentError for another kind or a namespace outside the declaration of the output */
function claimedObjectKey(
  claim: FieldClaim,
  { output, place }: ClaimTarget,
  resource: KubeObject,
): ObjectKey {
  const { type } = output;
  if (claim.apiVersion !== apiVersionOf(type) || claim.kind !== type.kind) {
    throw new PermanentError(
      `${place} claims fields of a ${claim.kind} of ${claim.apiVersion}; the declared kind is ${type.kind} of ${apiVersionOf(type)}`,
    );
  }
  const { name, namespace = resource.metadata.namespace } = claim.metadata;
  if (!type.namespaced) {
    return { name };
  }
  if (namespace === undefined) {
    throw new PermanentError(`${place}: ${type.kind} ${name} needs a namespace`);
  }
  const rule = violatedNamespaceRule(namespace);
  if (rule !== undefined) {
    throw new PermanentError(
      `${place}: ${type.kind} ${name} is in the namespace ${JSON.stringify(namespace)}; ${rule}`,
    );
  }
  if (!isInOutputScope(output, namespace, resource)) {
    throw new PermanentError(
      `${place}: ${type.kind} ${name} is in namespace ${namespace}; declare the output with namespace: all to claim fields there`,
    );
  }
  return { namespace, name };
}
