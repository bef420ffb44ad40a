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
import { allWorkerDefinitions, claimableInput } from '../../api/scheduler.ts';
import type { Logger, OutputObject } from '../../api/worker.ts';
import { PermanentError } from '../../api/worker.ts';
import type { Informer } from '../../cache/informer.ts';
import { hasCode } from '../../client/errors.ts';
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
import { readClaims } from './claims-annotation.ts';
import type { Claimant, ClaimPlan } from './plan-claims.ts';
import { haveSameValues, planClaims, planStoredHashes } from './plan-claims.ts';

/** What field claims need from their controller. */
export interface FieldClaimsDeps {
  readonly api: KubeApi;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  readonly log: Logger;
  readonly recordEvent: RecordEvent;
  readonly informerOf: (input: InputDefinition) => Informer;
}

/** A plan, and where to send it. */
export interface PlannedClaim extends ClaimPlan {
  readonly type: ResourceType;
  readonly informer: Informer;
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

/** An object in which a resource has claims. */
interface ClaimedObject {
  readonly type: ResourceType;
  readonly informer: Informer;
  readonly key: string;
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
  /** Objects with claims, by uid of the resource that has the claims. */
  readonly #claimed = new Map<string, Map<string, ClaimedObject>>();

  constructor(deps: FieldClaimsDeps) {
    this.#deps = deps;
    const informers = new Map<Informer, ResourceType>();
    for (const definition of allWorkerDefinitions(deps.scheduler)) {
      for (const output of definition.outputs) {
        const input = claimableInput(definition, output);
        if (input !== undefined) {
          informers.set(deps.informerOf(input), output.type);
        }
      }
    }
    for (const [informer, type] of informers) {
      informer.subscribe(({ old, object }) => this.#indexChange(informer, type, old, object));
    }
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
    const claimed = [...(this.#claimed.get(resource.metadata.uid ?? '')?.values() ?? [])];
    return claimed
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
    const plan = planClaims(live, { ...this.#claimantOf(resource), fields, isComplete, place });
    return [{ ...plan, type: output.type, informer }];
  }

  /** Sends a plan. @throws OutputRefused, StaleCache, or what the API threw */
  async apply(context: WriteContext, plan: PlannedClaim): Promise<void> {
    const { live, patch, notRestored } = plan;
    const { resource } = context;
    for (const message of notRestored) {
      this.#warnNotRestored(resource, message);
    }
    if (patch.length === 0) {
      return;
    }
    const response = await this.#patch(context, plan, patch);
    this.#reportOutput(resource, live, response);
    const { claimant, group } = this.#claimantOf(resource);
    const storedHashes = planStoredHashes(response, claimant, group);
    if (storedHashes !== undefined) {
      await this.#patch(context, plan, storedHashes);
    }
  }

  /**
   * Restores all claimed fields of a resource that no other client has changed since.
   *
   * @param attempts collects refusals
   * @throws what the API threw, when no further request may be made
   */
  async release(context: WriteContext, attempts: Attempts): Promise<void> {
    const { resource } = context;
    // A copy: each response changes the index.
    const claimed = [...(this.#claimed.get(resource.metadata.uid ?? '')?.values() ?? [])];
    for (const { informer, type, key } of claimed) {
      const live = informer.get(parseKey(key));
      if (live === undefined) {
        continue;
      }
      const request = { fields: [], isComplete: true, place: 'the finalizer' };
      const plan = planClaims(live, { ...this.#claimantOf(resource), ...request });
      await attempts.try(() => this.apply(context, { ...plan, type, informer }));
    }
  }

  async #patch(
    context: WriteContext,
    plan: PlannedClaim,
    body: readonly JsonPatchOperation[],
  ): Promise<KubeObject> {
    const { api, scheduler } = this.#deps;
    const { resource, signal } = context;
    const { type, informer, live } = plan;
    const key = keyOf(live);
    const options = { fieldManager: statusFieldManager(scheduler.operatorName) };
    try {
      return await informer.write(key, keyString(keyOf(resource)), () =>
        api.patch(type, key, { type: 'json', body }, options, signal),
      );
    } catch (error) {
      throw await this.#explainPatchError(context, plan, error);
    }
  }

  /** @returns the error to throw: StaleCache after a change of the object, else the refusal */
  async #explainPatchError(
    { resource, signal }: WriteContext,
    { type, informer, live }: PlannedClaim,
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

  #claimantOf(resource: KubeObject): { readonly claimant: Claimant; readonly group: string } {
    const claimant = { resource: describeObject(resource), uid: resource.metadata.uid ?? '' };
    return { claimant, group: this.#deps.scheduler.resource.group };
  }

  #reportOutput(resource: KubeObject, live: KubeObject, response: KubeObject): void {
    if (response.metadata.resourceVersion === live.metadata.resourceVersion) {
      return;
    }
    const claims = readClaims(response, this.#deps.scheduler.resource.group);
    const hasClaims = claims.some(({ uid }) => uid === resource.metadata.uid);
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

  #indexChange(
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
    const { labelSelector = '' } = informer.scope;
    const id = `${type.group}/${type.plural}?${labelSelector} ${key}`;
    for (const uid of this.#claimantsOf(old)) {
      const claimed = this.#claimed.get(uid);
      claimed?.delete(id);
      if (claimed?.size === 0) {
        this.#claimed.delete(uid);
      }
    }
    for (const uid of this.#claimantsOf(object)) {
      const claimed = this.#claimed.get(uid) ?? new Map<string, ClaimedObject>();
      this.#claimed.set(uid, claimed.set(id, { type, informer, key }));
    }
  }

  /** uids of the resources that have claims; none when the annotation is not valid. */
  #claimantsOf(object: KubeObject | undefined): ReadonlySet<string> {
    if (object === undefined) {
      return new Set();
    }
    try {
      return new Set(readClaims(object, this.#deps.scheduler.resource.group).map(({ uid }) => uid));
    } catch {
      return new Set();
    }
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
