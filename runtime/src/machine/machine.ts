/**
 * Runs a scheduler over all resources: informers in, syncs out. Knows who depends on what, and wakes exactly those.
 */
import type { Informer } from '../cache/informer.ts';
import type { Change } from '../cache/store.ts';
import type { Clock, Random } from '../clock.ts';
import type { KubeApi } from '../kube/api.ts';
import { ownerLabel } from '../kube/names.ts';
import type { KubeObject } from '../kube/object.ts';
import { keyOf, keyOfString, keyString } from '../kube/object.ts';
import type { Recorder } from '../kube/recorder.ts';
import { during } from '../observe/current.ts';
import type { Observer, SyncResult } from '../observe/observer.ts';
import type { Trace } from '../observe/trace.ts';
import { untraced } from '../observe/trace.ts';
import type { Metrics } from '../queries/types.ts';
import type { Outcome, QueueObserver } from '../queue/queue.ts';
import { WorkQueue } from '../queue/queue.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Log } from '../worker.ts';
import { Caches } from './caches.ts';
import { Dependents } from './dependents.ts';
import type { SyncEnd } from './finish.ts';
import type { Reading } from './inputs.ts';
import { newReading, outdated, remember, union } from './inputs.ts';
import { equal } from './json.ts';
import type { Memory } from './memory.ts';
import { newMemory } from './memory.ts';
import { Outputs } from './outputs.ts';
import type { SyncPorts, SyncSettings } from './ports.ts';
import type { PhaseCensus } from './census.ts';
import { census } from './census.ts';
import { phaseOf, stallMark, timeLeft } from './resource.ts';
import { Sharing } from './sharing.ts';
import { sync } from './sync.ts';

export interface MachineOptions {
  readonly scheduler: Scheduler;
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly observer: Observer;
  /** Default: no spans. */
  readonly trace?: Trace;
  readonly record: Recorder;
  readonly watchNamespaces: readonly string[];
  readonly maxConcurrentSyncs: number;
  readonly settings: () => SyncSettings;
  readonly metricsFor: (resource: KubeObject, signal: AbortSignal) => Metrics;
}

/** A resource whose worker ended the last process. */
export interface HeldBack {
  /** `namespace/name` */
  readonly resource: string;
  readonly failures: number;
  /** For an Event. */
  readonly reason: string;
}

export class Machine {
  readonly #options: MachineOptions;
  readonly #caches: Caches;
  readonly #primary: Informer;
  readonly #outputs: Outputs;
  readonly #queue: WorkQueue;
  readonly #stop = new AbortController();
  readonly #dependents = new Dependents();
  /** What syncs under way have read so far. */
  readonly #reading = new Map<string, Reading>();
  readonly #keyByUid = new Map<string, string>();
  readonly #memories = new Map<string, Memory>();
  readonly #ports: SyncPorts;
  #syncs = 0;
  /** Before, what is listed is no change that somebody waits for. */
  #started = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: MachineOptions) {
    const { clock, random } = options;
    this.#options = options;
    this.#caches = new Caches(options);
    const { primary, ofInput, ofOutput } = this.#caches;
    this.#primary = primary;
    const sharing = new Sharing({ ...options, informerOf: ofInput });
    this.#outputs = new Outputs({ ...options, sharing, informerOf: ofOutput });
    const concurrency = options.maxConcurrentSyncs;
    this.#queue = new WorkQueue({ clock, random, concurrency, process: (key) => this.#process(key), observer: queueObserver(options.observer) });
    this.#ports = { ...options, primary, informers: this.#caches, outputs: this.#outputs, sharing };
    this.#primary.subscribe((change) => this.#primaryChanged(change));
    for (const informer of this.#caches.all) informer.subscribe((change) => this.#changed(informer, change));
  }

  /** Starts to watch. Resolves when every cache is filled (or known to be unavailable). */
  async watch(): Promise<void> {
    const { api, clock, random } = this.#options;
    const { signal } = this.#stop;
    this.#running = this.#caches.run({ api, clock, random }, signal);
    await this.#caches.filled(signal);
  }

  /** Resolves when every cache is at least as new as the API server was at `since` (monotonic): what a new leader starts from. */
  async caughtUp(since: number): Promise<void> {
    await this.#caches.caughtUp(since, this.#options, this.#stop.signal);
  }

  /** Starts to sync: every resource once, then by need. @param heldBack resources whose first sync waits as after failures */
  start(heldBack: readonly HeldBack[] = []): void {
    this.#started = true;
    this.wakeAll();
    for (const { resource: key, failures, reason } of heldBack) {
      const resource = this.#primary.get(keyOfString(key));
      if (resource === undefined) continue;
      this.#queue.holdBack(key, failures);
      this.#options.record(resource, 'Warning', 'WorkerBlocked', reason);
    }
    this.#queue.start();
  }

  wakeAll(): void {
    for (const resource of this.#primary.list()) this.#queue.add(keyString(keyOf(resource)), { line: 'due', cause: 'start' });
  }

  /** Syncs under way or due now. */
  pending(): number {
    return this.#queue.pending;
  }

  /** Kinds that cannot be read now, with the reason. */
  unavailable(): readonly { readonly kind: string; readonly reason: string }[] {
    return this.#caches.unavailable();
  }

  /** How the resources stand in each phase. */
  phases(): ReadonlyMap<string, PhaseCensus> {
    return census(this.#options.scheduler, this.#primary.list(), this.#options.clock.now());
  }

  get queue(): Pick<WorkQueue, 'depth' | 'unfinished'> {
    return this.#queue;
  }

  /** Resources whose worker did not end when it was told to. */
  get quarantined(): number {
    return [...this.#memories.values()].filter(({ quarantined }) => quarantined).length;
  }

  /** All caches, for readiness and metrics. */
  get informers(): Iterable<Informer> {
    return this.#caches.all;
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
    const fresh = object?.metadata.generation !== old?.metadata.generation;
    this.#queue.add(key, this.#started ? { fresh } : { fresh, line: 'due', cause: 'start' });
  }

  #changed(informer: Informer, change: Change): void {
    for (const [key, reading] of this.#reading) if (key !== change.writer) remember(reading, informer, change);
    const readers = this.#dependents.touchedBy(informer, change).filter((key) => key !== change.writer);
    for (const key of readers) this.#forgive(key);
    const owners = [...new Set(this.#ownersOf(change))].filter((key) => key !== change.writer && !readers.includes(key));
    for (const key of readers) this.#queue.add(key, { cause: 'input' });
    for (const key of owners) this.#queue.add(key, { cause: 'output' });
  }

  /** Something that a worker had read is different now: its permanent error may not be one any more. */
  #forgive(key: string): void {
    const memory = this.#memories.get(key);
    if (memory !== undefined) memory.stalled = undefined;
  }

  /** Resources whose output was changed (other than its status) or deleted by somebody else. */
  #ownersOf({ old, object }: Change): readonly string[] {
    const label = ownerLabel(this.#options.scheduler.resource.group);
    const uids = [old, object].flatMap((side) => [
      side?.metadata.labels?.[label],
      side?.metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid,
    ]);
    const owners = uids.flatMap((uid) => (uid === undefined ? [] : (this.#keyByUid.get(uid) ?? [])));
    if (owners.length === 0 || (object === undefined && this.#outputs.wasPruned(old?.metadata.uid))) return [];
    return old !== undefined && object !== undefined && sameButStatus(old, object) ? [] : owners;
  }

  async #process(key: string): Promise<Outcome> {
    const { scheduler, observer, clock } = this.#options;
    const { group } = scheduler.resource;
    const resource = this.#primary.get(keyOfString(key));
    const memory = this.#memories.get(key) ?? newMemory();
    if (memory.quarantined) return { kind: 'done' };
    if (resource === undefined) {
      this.#memories.delete(key);
      this.#dependents.delete(key);
      return { kind: 'forget' };
    }
    this.#memories.set(key, memory);
    const current = phaseOf(scheduler, resource);
    const left = current === undefined ? undefined : timeLeft(resource, current, clock.now());
    if (memory.stalled === stallMark(resource, group) && left !== 0) return left === undefined ? { kind: 'done' } : { kind: 'after', ms: left };
    const started = clock.monotonic();
    const reading = newReading();
    this.#reading.set(key, reading);
    observer.syncStarted();
    const phase = current?.name ?? 'unknown';
    const { trace = untraced } = this.#options;
    const end = await during({ resource: key, phase, sync: String(++this.#syncs) }, () =>
      trace('sync', { 'autopilot.resource': key, 'autopilot.phase': phase }, async (span) => {
        const ended = await sync(resource, this.#ports, memory, reading, this.#stop.signal);
        span.set({ 'autopilot.outcome': ended.outcome.kind });
        return ended;
      }),
    );
    this.#reading.delete(key);
    this.#dependents.set(key, end.complete === true ? reading.dependencies : union(this.#dependents.of(key), reading.dependencies));
    const again = outdated(reading);
    memory.stalled = end.stalled === true && !again ? stallMark(this.#primary.get(keyOfString(key)) ?? resource, group) : undefined;
    if (again) this.#queue.add(key, { cause: 'input' });
    if (end.stuck !== undefined) this.#isolate(key, memory, end.stuck);
    const how = end.stalled === true ? 'stalled' : end.stuck === undefined ? undefined : 'timeout';
    observer.syncEnded(phase, resultOf(end), (clock.monotonic() - started) / 1000, how);
    return end.outcome;
  }

  #isolate(key: string, memory: Memory, stuck: Promise<unknown>): void {
    memory.quarantined = true;
    void stuck.finally(() => {
      memory.quarantined = false;
      this.#queue.add(key, { cause: 'released' });
    });
  }
}

function queueObserver(observer: Observer): QueueObserver {
  return {
    added: (cause) => {
      observer.queueAdded();
      observer.woken(cause);
    },
    began: (ms) => observer.queueBegan(ms),
    ended: (ms) => observer.queueEnded(ms),
    retried: () => observer.queueRetried(),
  };
}

function resultOf({ outcome, stalled }: SyncEnd): SyncResult {
  if (outcome.kind === 'failed' || stalled === true) return 'error';
  return outcome.kind === 'after' ? 'requeue_after' : outcome.kind === 'again' ? 'requeue' : 'success';
}

function sameButStatus(a: KubeObject, b: KubeObject): boolean {
  const bare = ({ status: _, metadata: { resourceVersion: __, generation: ___, ...metadata }, ...rest }: KubeObject): unknown => ({ ...rest, metadata });
  return equal(bare(a), bare(b));
}
