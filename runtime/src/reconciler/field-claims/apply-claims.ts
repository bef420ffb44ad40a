/**
 * Sends edits of somebody else's objects, and puts them back. What is held is known from the
 * objects themselves (their annotation), so
 * a new process knows it too.
 */
import type { Informer } from '../../cache/informer.ts';
import type { KubeApi } from '../../client/kube-api.ts';
import { hasCode } from '../../client/errors.ts';
import { statusFieldManager } from '../../client/well-known-names.ts';
import type { KubeObject, ObjectKey, ResourceType } from '../../client/object.ts';
import { apiVersionOf, describeObject, keyOf, parseKey, keyString } from '../../client/object.ts';
import type { RecordEvent } from '../../client/event-recorder.ts';
import type { Observer } from '../../observability/observer.ts';
import type {
  InputDefinition,
  OutputDefinition,
  Scheduler,
  WorkerDefinition,
} from '../../api/scheduler.ts';
import { allWorkerDefinitions, claimableInput } from '../../api/scheduler.ts';
import type { ClaimedField, FieldClaim } from '../../api/field-claim.ts';
import type { Logger, OutputObject } from '../../api/worker.ts';
import { PermanentError } from '../../api/worker.ts';
import { OutputRefused, toOutputRefused, StaleCache } from '../reconcile-errors.ts';
import type { ClaimPlan, Claimant } from './plan-claims.ts';
import { readClaims, planClaims, planStoredHashes, haveSameValues } from './plan-claims.ts';
import type { ReadTracker } from '../dependencies/input-view.ts';
import { readsFor } from '../dependencies/input-view.ts';
import { isInOutputScope } from '../outputs/desired-object.ts';

export interface FieldClaimsDeps {
  readonly api: KubeApi;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  readonly log: Logger;
  readonly recordEvent: RecordEvent;
  readonly informerOf: (input: InputDefinition) => Informer;
}

/** A plan and where to send it. */
export interface PlannedClaim extends ClaimPlan {
  readonly type: ResourceType;
  readonly informer: Informer;
}

export function isFieldClaim(object: OutputObject | FieldClaim): object is FieldClaim {
  return 'fieldClaim' in object && object.fieldClaim === true;
}

interface ClaimedObject {
  readonly type: ResourceType;
  readonly informer: Informer;
  readonly key: string;
}

export class FieldClaims {
  readonly #deps: FieldClaimsDeps;
  /** By the holder's uid. */
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

  /** Resources that hold something. */
  get size(): number {
    return this.#claimed.size;
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
    definition: WorkerDefinition,
    output: OutputDefinition,
    claims: readonly FieldClaim[],
    resource: KubeObject,
    tracker: ReadTracker,
  ): readonly PlannedClaim[] {
    const place = `outputs.${output.name} of ${definition.title}`;
    const input = claimableInput(definition, output);
    if (input === undefined) {
      const [claim] = claims;
      if (claim === undefined) {
        return [];
      }
      throw new PermanentError(
        `${place} edits ${describeObject(claim)}, which it does not read: declare ${output.name} among the inputs of ${definition.title} too`,
      );
    }
    const informer = this.#deps.informerOf(input);
    const wanted = new Map<string, ClaimedField[]>();
    for (const claim of claims) {
      const key = keyString(claimedObjectKey(claim, output, resource, place));
      wanted.set(key, [...(wanted.get(key) ?? []), ...claim.fields]);
    }
    if (output.prune === true) {
      for (const claimed of this.#claimed.get(resource.metadata.uid ?? '')?.values() ?? []) {
        if (
          claimed.informer === informer &&
          !wanted.has(claimed.key) &&
          isInOutputScope(output, parseKey(claimed.key).namespace, resource)
        ) {
          wanted.set(claimed.key, []);
        }
      }
    }
    return [...wanted].flatMap(([key, fields]) => {
      readsFor(tracker.dependencies, informer).keys.add(key);
      const live = informer.get(parseKey(key));
      if (live === undefined && fields.length === 0) {
        return [];
      }
      if (live === undefined) {
        throw new OutputRefused(`${output.type.kind} ${key}, which ${place} edits, is not there`);
      }
      if (live.metadata.deletionTimestamp !== undefined && fields.length > 0) {
        throw new OutputRefused(`${describeObject(live)} is being deleted`);
      }
      const seen = tracker.valuesAtStart.get(informer)?.get(key);
      if (seen !== undefined && !haveSameValues(seen, live, fields)) {
        throw new StaleCache(`${describeObject(live)} has changed while the worker decided on it`);
      }
      const plan = planClaims(
        live,
        fields,
        this.#claimant(resource),
        this.#deps.scheduler.resource.group,
        output.prune === true,
        place,
      );
      return [{ ...plan, type: output.type, informer }];
    });
  }

  /** @throws OutputRefused, StaleCache, or what the API threw. */
  async apply(plan: PlannedClaim, resource: KubeObject, signal: AbortSignal): Promise<void> {
    const { live, patch, notRestored } = plan;
    for (const sentence of notRestored) {
      this.#warnNotRestored(resource, sentence);
    }
    if (patch.length === 0) {
      return;
    }
    const { group } = this.#deps.scheduler.resource;
    const response = await this.#patch(plan, patch, resource, signal);
    const action = readClaims(response, group).some(({ uid }) => uid === resource.metadata.uid)
      ? 'edited'
      : 'restored';
    if (response.metadata.resourceVersion !== live.metadata.resourceVersion) {
      this.#deps.observer.event({
        type: 'output',
        resource: keyOf(resource),
        action,
        kind: live.kind,
        object: keyOf(live),
      });
    }
    const stored = planStoredHashes(response, this.#claimant(resource), group);
    if (stored !== undefined) {
      await this.#patch(plan, stored, resource, signal);
    }
  }

  /** Puts everything back that the resource holds, where nobody has changed it since. */
  async release(resource: KubeObject, signal: AbortSignal): Promise<void> {
    // A copy: each answer changes what is held.
    const all = [...(this.#claimed.get(resource.metadata.uid ?? '')?.values() ?? [])];
    for (const { informer, type, key } of all) {
      const live = informer.get(parseKey(key));
      if (live === undefined) {
        continue;
      }
      const plan = planClaims(
        live,
        [],
        this.#claimant(resource),
        this.#deps.scheduler.resource.group,
        true,
        'the finalizer',
      );
      await this.apply({ ...plan, type, informer }, resource, signal);
    }
  }

  async #patch(
    plan: PlannedClaim,
    body: ClaimPlan['patch'],
    resource: KubeObject,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    const { api, scheduler } = this.#deps;
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
        throw new StaleCache(`${describeObject(live)} is gone`);
      }
      if (!hasCode(error, 409, 422)) {
        throw toOutputRefused(error, describeObject(live));
      }
      // A failed test is a 422, as a refusal by a webhook is: the object tells which of them it
      // was.
      const fresh = await api.get(type, key, signal);
      informer.put(fresh, writer);
      if (fresh.metadata.resourceVersion === live.metadata.resourceVersion && hasCode(error, 422)) {
        throw toOutputRefused(error, describeObject(live));
      }
      throw new StaleCache(`${describeObject(live)} has changed since it was read`, {
        cause: toOutputRefused(error, describeObject(live)),
      });
    }
  }

  #claimant(resource: KubeObject): Claimant {
    return { resource: describeObject(resource), uid: resource.metadata.uid ?? '' };
  }

  #warnNotRestored(resource: KubeObject, sentence: string): void {
    this.#deps.log.warn(sentence, { resource: keyString(keyOf(resource)) });
    this.#deps.recordEvent(resource, 'Warning', 'NotRestored', sentence);
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
    const id = `${type.group}/${type.plural}?${informer.scope.labelSelector ?? ''} ${key}`;
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

function claimedObjectKey(
  claim: FieldClaim,
  output: OutputDefinition,
  resource: KubeObject,
  place: string,
): ObjectKey {
  const { type } = output;
  if (claim.apiVersion !== apiVersionOf(type) || claim.kind !== type.kind) {
    throw new PermanentError(
      `${place} edits a ${claim.kind} of ${claim.apiVersion}; declared is ${type.kind} of ${apiVersionOf(type)}`,
    );
  }
  const own = resource.metadata.namespace;
  const { name, namespace = own } = claim.metadata;
  if (!type.namespaced) {
    return { name };
  }
  if (namespace === undefined) {
    throw new PermanentError(`${place}: ${type.kind} ${name} needs a namespace`);
  }
  if (!isInOutputScope(output, namespace, resource)) {
    throw new PermanentError(
      `${place}: ${type.kind} ${name} lies in namespace ${namespace}; declare the output with namespace: all to edit it there`,
    );
  }
  return { namespace, name };
}
