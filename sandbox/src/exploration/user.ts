/**
 * The user of a scenario: runs its steps, one after the other, and changes the cluster as users and
 * other controllers do.
 */
import type { KubeObject, ResourceType, Scheduler } from 'autopilot-runtime';
import type { ObjectKey } from 'autopilot-runtime/internal';
import { hasCode, keyOf, parseDuration } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { ObjectManifest } from '../testing/sandbox.ts';
import { declaredKinds } from './cluster-snapshot.ts';
import type { EventLoop } from './event-loop.ts';
import type { OwnersManifests } from './owners.ts';
import { OWNER_MANAGER } from './owners.ts';
import type { Quiescence } from './quiescence.ts';
import type { RunTrace } from './run-trace.ts';
import { objectLabel } from './run-trace.ts';
import type { ClusterChange, ClusterSnapshot, Scenario, ScenarioStep } from './scenario.ts';

/** Makes the changes of a scenario. */
export class User {
  readonly #cluster: Cluster;
  readonly #scheduler: Scheduler;
  readonly #trace: RunTrace;
  readonly #owners: OwnersManifests;

  // oxlint-disable-next-line max-params -- four parts of one run
  constructor(cluster: Cluster, scheduler: Scheduler, trace: RunTrace, owners: OwnersManifests) {
    this.#cluster = cluster;
    this.#scheduler = scheduler;
    this.#trace = trace;
    this.#owners = owners;
  }

  /** @returns the error of the API server if it refused the change. */
  async makeChange(change: ClusterChange): Promise<Error | undefined> {
    this.#trace.add('user', formatChange(change));
    try {
      await this.#apply(change);
      return undefined;
    } catch (error) {
      this.#trace.add('user', `is refused: ${(error as Error).message}`);
      return error as Error;
    }
  }

  async #apply(change: ClusterChange): Promise<void> {
    const { api } = this.#cluster;
    if (change.type === 'create') {
      return this.create(change.object);
    }
    const { kind, name, namespace } = change;
    const type =
      declaredKinds(this.#scheduler).find((declared) => declared.kind === kind) ??
      this.#cluster.typeNamed(kind);
    const key = keyInScope(type, name, namespace);
    if (change.type === 'patch') {
      await api.patch(type, key, { type: 'merge', body: change.body });
      this.#owners.patch(type.kind, key, change.body);
    } else {
      await api.delete(type, key);
      this.#owners.remove(type.kind, key);
    }
  }

  /** Creates an object with its status, and its namespace if that does not exist. */
  async create(object: ObjectManifest): Promise<void> {
    const { api } = this.#cluster;
    const type = this.#cluster.typeOf(object);
    const key = keyInScope(type, object.metadata.name, object.metadata.namespace);
    if (key.namespace !== undefined) {
      await this.#ensureNamespace(key.namespace);
    }
    const created = await this.#createAsOwner(type, {
      ...object,
      metadata: { ...object.metadata, ...key },
    });
    this.#owners.set(type.kind, key, object);
    const { status } = object as { readonly status?: unknown };
    if (status !== undefined && created.status === undefined) {
      await api.patch(type, key, { type: 'merge', body: { status } }, { subresource: 'status' });
    }
  }

  /**
   * Owners apply their manifests by server-side apply, as Helm does. The resource itself and
   * definitions are created.
   */
  async #createAsOwner(type: ResourceType, object: KubeObject): Promise<KubeObject> {
    const { api } = this.#cluster;
    const isApplied =
      type.kind !== this.#scheduler.resource.kind && type.group !== 'apiextensions.k8s.io';
    if (!isApplied || (await this.#exists(type, keyOf(object)))) {
      return api.create(type, object);
    }
    const { status: _, ...manifest } = object;
    return api.apply(type, manifest, { fieldManager: OWNER_MANAGER });
  }

  async #exists(type: ResourceType, key: ObjectKey): Promise<boolean> {
    try {
      await this.#cluster.api.get(type, key);
      return true;
    } catch (error) {
      if (hasCode(error, 404)) {
        return false;
      }
      throw error;
    }
  }

  async #ensureNamespace(name: string): Promise<void> {
    const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await this.#cluster.api
      .create(this.#cluster.typeOf(namespace), namespace)
      .catch((error: unknown) => {
        if (!hasCode(error, 409)) {
          throw error;
        }
      });
  }
}

function keyInScope(type: ResourceType, name: string, namespace = 'default'): ObjectKey {
  return type.namespaced ? { namespace, name } : { name };
}

function formatChange(change: ClusterChange): string {
  if (change.type === 'create') {
    return `creates ${objectLabel(change.object.kind, change.object.metadata)}`;
  }
  const target = objectLabel(change.kind, change);
  return change.type === 'remove'
    ? `deletes ${target}`
    : `changes ${target}: ${JSON.stringify(change.body)}`;
}

/** What a {@link StepExecutor} uses. */
export interface StepExecutorOptions {
  /** The scenario whose steps are run. */
  readonly scenario: Scenario;
  /** Moves virtual time. */
  readonly eventLoop: EventLoop;
  /** Waits for quiescence. */
  readonly quiescence: Quiescence;
  /** Makes the changes. */
  readonly user: User;
  /** Passed to the `choose` of steps. */
  readonly snapshot: ClusterSnapshot;
  /** True for the baseline run. A step that is not possible in it is an error of the scenario. */
  readonly isBaseline: boolean;
  /** True after a violation. It is then the reason why a step is not possible. */
  readonly isViolated: () => boolean;
}

type ActWhenStep = Extract<ScenarioStep, { readonly type: 'actWhen' }>;

/** Runs the steps of a scenario. */
export class StepExecutor {
  /** Changes by users so far. */
  changesMade = 0;
  readonly #options: StepExecutorOptions;

  constructor(options: StepExecutorOptions) {
    this.#options = options;
  }

  /**
   * Runs all steps, then waits for quiescence.
   *
   * @throws Error when a step is not possible in the baseline run.
   */
  async run(): Promise<void> {
    const { scenario, eventLoop } = this.#options;
    for (const step of [...scenario.steps, { type: 'quiesce' } as const]) {
      if (!eventLoop.isOver) {
        await this.#runStep(step);
      }
    }
  }

  async #runStep(step: ScenarioStep): Promise<void> {
    const { eventLoop, quiescence } = this.#options;
    switch (step.type) {
      case 'quiesce':
        return quiescence.waitForQuiescence();
      case 'wait':
        await eventLoop.advanceUntil(eventLoop.now() + parseDuration(step.for));
        break;
      case 'actWhen':
        await this.#makeChange(step, await this.#waitForChange(step));
        break;
      default:
        await this.#makeChange(step, step);
    }
    await eventLoop.runInstant();
  }

  /** @param change undefined: the step found nothing to do, and the run is aborted. */
  async #makeChange({ type }: ScenarioStep, change: ClusterChange | undefined): Promise<void> {
    const { user, isBaseline } = this.#options;
    this.changesMade++;
    const refusal = change && (await user.makeChange(change));
    if (refusal !== undefined && isBaseline) {
      this.#failAsImpossible(`${type} is refused: ${refusal.message}`, refusal);
    }
  }

  /**
   * Waits until a step finds something to do.
   *
   * @returns undefined if nothing has changed for the quiet period and it has found nothing.
   */
  async #waitForChange({ title, choose }: ActWhenStep): Promise<ClusterChange | undefined> {
    const { eventLoop, quiescence, snapshot, isBaseline } = this.#options;
    const startedAt = eventLoop.now();
    while (!eventLoop.isOver) {
      const change = choose(snapshot);
      if (change !== undefined) {
        return change;
      }
      const quietSince = Math.max(startedAt, eventLoop.lastChangeAt);
      if (eventLoop.isIdleUntil(quietSince + quiescence.quietPeriodMs)) {
        break;
      }
      await eventLoop.advance();
      eventLoop.abortIfEndless(startedAt);
    }
    const reason = `'${title}' finds nothing to do`;
    if (isBaseline) {
      this.#failAsImpossible(reason);
    } else if (!quiescence.isAcceptedDeviation()) {
      eventLoop.abort('each step of the scenario finds what it waits for', reason);
    }
    return undefined;
  }

  #failAsImpossible(reason: string, cause?: Error): void {
    const { scenario, eventLoop, isViolated } = this.#options;
    if (!isViolated()) {
      throw new Error(`the scenario '${scenario.name}' cannot be run: ${reason}`, { cause });
    }
    eventLoop.abort();
  }
}
