/**
 * Runs a scheduler over all resources: informers in, syncs out. Knows who depends on what, and wakes exactly those.
 */
import { Informer } from '../cache/informer.ts';
import type { Change } from '../cache/store.ts';
import type { Clock, Random } from '../clock.ts';
import type { KubeApi } from '../kube/api.ts';
import { MANAGED_BY_LABEL, ownerLabel } from '../kube/names.ts';
import type { KubeObject, ObjectKey, ResourceType } from '../kube/object.ts';
import { keyOf, keyString } from '../kube/object.ts';
import type { Recorder } from '../kube/recorder.ts';
import type { Observer } from '../observe/observer.ts';
import type { Metrics } from '../queries/types.ts';
import type { Outcome } from '../queue/queue.ts';
import { WorkQueue } from '../queue/queue.ts';
import type { InputDefinition, OutputDefinition, Scheduler } from '../scheduler.ts';
import type { Log } from '../worker.ts';
import type { Dependencies } from './inputs.ts';
import { touches, union } from './inputs.ts';
import { Outputs } from './outputs.ts';
import { phaseOf } from './resource.ts';
import { equal } from './status.ts';
import type { SyncPorts, SyncSettings } from './sync.ts';
import { stallMark, sync, timeLeft } from './sync.ts';

export interface MachineOptions {
  readonly scheduler: Scheduler;
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly observer: Observer;
  readonly record: Recorder;
  readonly watchNamespaces: readonly string[];
  readonly maxConcurrentSyncs: number;
  settings(): SyncSettings;
  metricsFor(resource: KubeObject, signal: AbortSignal): Metrics;
}

export class Machine {
  readonly #options: MachineOptions;
  readonly #informers = new Map<string, Informer>();
  /** Informers by kind: what one writes enters the others. */
  readonly #families = new Map<string, Informer[]>();
  readonly #primary: Informer;
  readonly #outputs: Outputs;
  readonly #queue: WorkQueue;
  readonly #stop = new AbortController();
  readonly #dependencies = new Map<string, Dependencies>();
  /** What a sync under way has read so far. */
  readonly #reading = new Map<string, Dependencies>();
  readonly #keyByUid = new Map<string, string>();
  readonly #stalled = new Map<string, string>();
  /** Resources whose worker did not end when told to. */
  readonly #quarantine = new Set<string>();
  readonly #ports: SyncPorts;
  /** Before, what is listed is no change that somebody waits for. */
  #started = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: MachineOptions) {
    const { scheduler, clock, random } = options;
    this.#options = options;
    this.#primary = this.#informer(scheduler.resource);
    for (const phase of scheduler.phases) for (const input of phase.inputs) this.#informer(input.type, input.selector);
    for (const phase of scheduler.phases) for (const output of phase.outputs) this.#informerOfOutput(output);
    this.#outputs = new Outputs({ api: options.api, scheduler, observer: options.observer, informerOf: (output) => this.#informerOfOutput(output) });
    this.#queue = new WorkQueue({ clock, random, concurrency: options.maxConcurrentSyncs, process: (key) => this.#process(key) });
    this.#ports = {
      scheduler,
      api: options.api,
      clock,
      log: options.log,
      observer: options.observer,
      outputs: this.#outputs,
      primary: this.#primary,
      informerOf: (input: InputDefinition) => this.#informer(input.type, input.selector),
      settings: () => options.settings(),
      metricsFor: (resource, signal) => options.metricsFor(resource, signal),
      record: options.record,
    };
    this.#primary.subscribe((change) => this.#primaryChanged(change));
    for (const informer of this.#informers.values()) if (informer !== this.#primary) informer.subscribe((change) => this.#changed(informer, change));
  }

  /** Starts to watch. Resolves when every cache is filled (or known to be unavailable). */
  async watch(): Promise<void> {
    const { api, clock, random } = this.#options;
    const { signal } = this.#stop;
    this.#running = Promise.all([...this.#informers.values()].map((informer) => informer.run({ api, clock, random }, signal))).then(() => undefined);
    await Promise.all([...this.#informers.values()].map((informer) => informer.filled(signal)));
  }

  /** Starts to sync: every resource once, then by need. */
  start(): void {
    this.#started = true;
    this.wakeAll();
    this.#queue.start();
  }

  wakeAll(): void {
    for (const resource of this.#primary.list()) this.#queue.add(keyString(keyOf(resource)), { line: 'due' });
  }

  /** Syncs under way or due now. */
  pending(): number {
    return this.#queue.pending;
  }

  /** Kinds that cannot be read now, with the reason. */
  unavailable(): readonly { readonly kind: string; readonly reason: string }[] {
    return [...this.#informers.values()].flatMap((informer) =>
      informer.unavailable === undefined ? [] : [{ kind: informer.scope.type.kind, reason: informer.unavailable }],
    );
  }

  /** How many resources are in each phase. */
  phases(): ReadonlyMap<string, number> {
    const counts = new Map(this.#options.scheduler.phases.map(({ name }) => [name, 0]));
    for (const resource of this.#primary.list()) {
      const name = phaseOf(this.#options.scheduler, resource)?.name ?? 'unknown';
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  }

  depth(): number {
    return this.#queue.size;
  }

  /** No new syncs; waits for those under way for `drainMs`, then aborts them and ends the watches. */
  async stop(drainMs: number): Promise<void> {
    const drained = this.#queue.stop();
    const timer = this.#options.clock.after(drainMs, () => this.#stop.abort(new Error('the operator is stopping')));
    await drained;
    timer.cancel();
    this.#stop.abort(new Error('the operator is stopping'));
    await this.#running;
  }

  /** At once: the lease is lost, nothing may be written any more. */
  abort(): void {
    this.#stop.abort(new Error('the lease is lost'));
  }

  #informer(type: ResourceType, labelSelector?: string): Informer {
    const key = `${type.group}/${type.plural}?${labelSelector ?? ''}`;
    let informer = this.#informers.get(key);
    if (informer === undefined) {
      const { watchNamespaces, observer, scheduler } = this.#options;
      const scope = { type, ...(labelSelector === undefined ? {} : { labelSelector }) };
      const place = `${type.group}/${type.plural}`;
      const family = this.#families.get(place) ?? [];
      this.#families.set(place, family);
      informer = new Informer(scope, watchNamespaces, ownerLabel(scheduler.resource.group), observer, family);
      family.push(informer);
      this.#informers.set(key, informer);
    }
    return informer;
  }

  /** A kind that is also an input without a selector shares its informer; one that is only written is watched by our label. */
  #informerOfOutput(output: OutputDefinition): Informer {
    const { scheduler } = this.#options;
    const whole = this.#informers.get(`${output.type.group}/${output.type.plural}?`);
    return whole ?? this.#informer(output.type, `${MANAGED_BY_LABEL}=${scheduler.operatorName}`);
  }

  #primaryChanged({ old, object, writer }: Change): void {
    const current = object ?? old;
    if (current === undefined) return;
    const key = keyString(keyOf(current));
    if (current.metadata.uid !== undefined) {
      if (object === undefined) {
        this.#keyByUid.delete(current.metadata.uid);
        this.#outputs.forget(current.metadata.uid);
      } else this.#keyByUid.set(current.metadata.uid, key);
    }
    if (writer === key) return;
    this.#queue.add(key, { fresh: object?.metadata.generation !== old?.metadata.generation, line: this.#started ? 'changed' : 'due' });
  }

  #changed(informer: Informer, change: Change): void {
    const woken = new Set<string>();
    for (const records of [this.#dependencies, this.#reading])
      for (const [key, dependencies] of records) {
        const reads = dependencies.get(informer);
        if (reads !== undefined && touches(reads, change)) woken.add(key);
      }
    for (const key of woken) if (key !== change.writer) this.#stalled.delete(key);
    for (const owner of this.#ownersOf(change)) woken.add(owner);
    for (const key of woken) if (key !== change.writer) this.#queue.add(key);
  }

  /** Resources whose output was changed (other than its status) or deleted by somebody else. */
  #ownersOf({ old, object }: Change): readonly string[] {
    if (object === undefined && this.#outputs.wasPruned(old?.metadata.uid)) return [];
    if (old !== undefined && object !== undefined && sameButStatus(old, object)) return [];
    const label = ownerLabel(this.#options.scheduler.resource.group);
    const uids = [old, object].flatMap((side) => [
      side?.metadata.labels?.[label],
      side?.metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid,
    ]);
    return uids.flatMap((uid) => (uid === undefined ? [] : (this.#keyByUid.get(uid) ?? [])));
  }

  async #process(key: string): Promise<Outcome> {
    const { scheduler, observer, clock } = this.#options;
    const resource = this.#primary.get(objectKey(key));
    if (resource === undefined) {
      for (const memory of [this.#dependencies, this.#stalled]) memory.delete(key);
      return { kind: 'forget' };
    }
    const current = phaseOf(scheduler, resource);
    const left = current === undefined ? undefined : timeLeft(resource, current, clock);
    const stalled = this.#stalled.get(key) === stallMark(resource, scheduler.resource.group) && left !== 0;
    if (this.#quarantine.has(key)) return { kind: 'done' };
    if (stalled) return left === undefined ? { kind: 'done' } : { kind: 'after', ms: left };
    const started = clock.monotonic();
    const phase = current?.name ?? 'unknown';
    const dependencies: Dependencies = new Map();
    this.#reading.set(key, dependencies);
    observer.syncStarted();
    const end = await sync(resource, this.#ports, dependencies, this.#stop.signal);
    this.#reading.delete(key);
    this.#dependencies.set(key, end.complete === true ? dependencies : union(this.#dependencies.get(key), dependencies));
    if (end.stalled === true) this.#stalled.set(key, stallMark(this.#primary.get(objectKey(key)) ?? resource, scheduler.resource.group));
    else this.#stalled.delete(key);
    if (end.stuck !== undefined) this.#isolate(key, end.stuck);
    const failed = end.outcome.kind === 'failed' || end.stalled === true;
    observer.syncEnded(
      phase,
      failed ? 'error' : end.outcome.kind === 'after' ? 'requeue_after' : end.outcome.kind === 'again' ? 'requeue' : 'success',
      (clock.monotonic() - started) / 1000,
    );
    return end.outcome;
  }

  #isolate(key: string, stuck: Promise<unknown>): void {
    this.#quarantine.add(key);
    void stuck.finally(() => {
      this.#quarantine.delete(key);
      this.#queue.add(key);
    });
  }
}

function objectKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

function sameButStatus(a: KubeObject, b: KubeObject): boolean {
  const bare = ({ status: _, metadata: { resourceVersion: __, generation: ___, ...metadata }, ...rest }: KubeObject): unknown => ({ ...rest, metadata });
  return equal(bare(a), bare(b));
}
