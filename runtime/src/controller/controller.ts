/**
 * Runs a scheduler over all resources: informers in, syncs out.
 */
import type { Informer } from '../cache/informer.ts';
import type { Clock, Random } from '../clock.ts';
import type { KubeApi } from '../kube/api.ts';
import type { KubeObject } from '../kube/object.ts';
import { keyOf, keyOfString, keyString } from '../kube/object.ts';
import type { Recorder } from '../kube/recorder.ts';
import { during } from '../observe/current.ts';
import type { Observer, SyncResult } from '../observe/observer.ts';
import type { Trace } from '../observe/trace.ts';
import { untraced } from '../observe/trace.ts';
import type { Metrics } from '../queries/types.ts';
import type { Outcome, QueueObserver } from '../queue/queue.ts';
import { backoffMs, WorkQueue } from '../queue/queue.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Log } from '../worker.ts';
import { Caches } from './caches.ts';
import { BLAMED_MS } from './blocked.ts';
import type { SyncEnd } from './finish.ts';
import type { Memory } from './memory.ts';
import { newMemory } from './memory.ts';
import { Outputs } from './outputs.ts';
import type { SyncPorts, SyncSettings } from './ports.ts';
import type { PhaseCensus } from './census.ts';
import { census } from './census.ts';
import { phaseOf, stallMark, timeLeft } from './resource.ts';
import { Sharing } from './sharing.ts';
import { pauseOf, sync } from './sync.ts';
import { Waking } from './waking.ts';

/**
 * A lease that only seems to have run out (the wall clock jumped) is renewed within two seconds.
 */
const UNFIT_MS = 2_000;

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
  readonly maxConcurrentReconciles: number;
  /**
   * May this process write now? Without it no sync begins: a process that has stood still hears
   * news before it knows that it lost its lease.
   */
  readonly mayWrite: () => boolean;
  readonly settings: () => SyncSettings;
  readonly metricsFor: (resource: KubeObject, signal: AbortSignal) => Metrics;
}

/** A resource whose worker ended the last process. */
export interface HeldBack {
  /** `namespace/name` */
  readonly resource: string;
  /** It waits as after so many failures. */
  readonly failures: number;
  /** For an Event and a condition. */
  readonly reason: string;
  /**
   * When that process was ended, by the wall clock: after an hour it says nothing any more, also to
   * a process that leads only then.
   */
  readonly at: number;
}

export class Machine {
  readonly #options: MachineOptions;
  readonly #caches: Caches;
  readonly #primary: Informer;
  readonly #queue: WorkQueue;
  readonly #stop = new AbortController();
  readonly #waking: Waking;
  readonly #memories = new Map<string, Memory>();
  readonly #ports: SyncPorts;
  #syncs = 0;
  #started = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: MachineOptions) {
    const { clock, random } = options;
    this.#options = options;
    this.#caches = new Caches(options);
    const { primary, ofInput, ofOutput } = this.#caches;
    this.#primary = primary;
    const sharing = new Sharing({ ...options, informerOf: ofInput });
    const outputs = new Outputs({ ...options, sharing, informerOf: ofOutput });
    const concurrency = options.maxConcurrentReconciles;
    this.#queue = new WorkQueue({
      clock,
      random,
      concurrency,
      process: (key) => this.#process(key),
      observer: queueObserver(options.observer),
    });
    this.#ports = { ...options, primary, informers: this.#caches, outputs, sharing };
    this.#waking = new Waking({
      group: options.scheduler.resource.group,
      outputs,
      holdsOutputs: (informer) => this.#caches.holdsOutputs(informer),
      add: (key, add) => this.#queue.add(key, add),
      forgive: (key) => this.#forgive(key),
    });
    this.#primary.subscribe((change) => this.#waking.resourceChanged(change, this.#started));
    for (const informer of this.#caches.all) {
      informer.subscribe((change) => this.#waking.changed(informer, change));
    }
  }

  /** Starts to watch. Resolves when every cache is filled (or known to be unavailable). */
  async watch(): Promise<void> {
    const { api, clock, random } = this.#options;
    const { signal } = this.#stop;
    this.#running = this.#caches.run({ api, clock, random }, signal);
    await this.#caches.filled(signal);
  }

  /**
   * Resolves when every cache is at least as new as the API server was at `since` (monotonic): what
   * a new leader starts from.
   */
  async caughtUp(since: number): Promise<void> {
    await this.#caches.caughtUp(since, this.#options, this.#stop.signal);
  }

  /**
   * Starts to sync: every resource once, then by need. @param heldBack resources whose worker is
   * called later than those of all others
   */
  start(heldBack: readonly HeldBack[] = []): void {
    const { scheduler, clock, random, record } = this.#options;
    this.#started = true;
    this.wakeAll();
    for (const { resource: key, failures, reason, at } of heldBack) {
      const resource = this.#primary.get(keyOfString(key));
      if (resource === undefined || clock.now() - at >= BLAMED_MS) {
        continue;
      }
      const until = clock.monotonic() + backoffMs(failures, random);
      this.#memories.set(key, {
        ...newMemory(resource.metadata.uid),
        blocked: { message: reason, until, mark: stallMark(resource, scheduler) },
      });
      record(resource, 'Warning', 'WorkerBlocked', reason);
    }
    this.#queue.start();
  }

  wakeAll(): void {
    for (const resource of this.#primary.list()) {
      this.#queue.add(keyString(keyOf(resource)), { line: 'due', cause: 'start' });
    }
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

  /** How many entries are kept, of what: with the resources that they are of, all of them go. */
  get kept(): Readonly<Record<string, number>> {
    const { outputs, sharing } = this.#ports;
    const cached = [...this.#caches.all].reduce((sum, { size }) => sum + size, 0);
    return {
      cached,
      queued: this.#queue.size,
      memories: this.#memories.size,
      waking: this.#waking.size,
      outputs: outputs.size,
      held: sharing.size,
    };
  }

  /** All caches, for readiness and metrics. */
  get informers(): Iterable<Informer> {
    return this.#caches.all;
  }

  /**
   * No new syncs; waits for those under way for `drainMs`, then aborts them and ends the watches.
   */
  async stop(drainMs: number): Promise<void> {
    const drained = this.#queue.stop();
    const timer = this.#options.clock.after(drainMs, () =>
      this.#stop.abort(new Error('the operator is stopping')),
    );
    await drained;
    timer.cancel();
    this.#stop.abort(new Error('the operator is stopping'));
    await this.#running;
  }

  /** At once: the lease is lost, nothing may be written any more. */
  abort(): void {
    this.#stop.abort(new Error('the lease is lost'));
  }

  #forgive(key: string): void {
    const memory = this.#memories.get(key);
    if (memory !== undefined) {
      memory.stalled = undefined;
    }
  }

  async #process(key: string): Promise<Outcome> {
    const { scheduler, observer, clock, mayWrite } = this.#options;
    if (!mayWrite()) {
      return { kind: 'after', ms: UNFIT_MS };
    }
    const resource = this.#primary.get(keyOfString(key));
    const known = this.#memories.get(key);
    if (resource === undefined) {
      if (known?.quarantined !== true) {
        this.#memories.delete(key);
      }
      this.#waking.forget(key);
      return { kind: 'forget' };
    }
    const memory =
      known !== undefined && known.uid === resource.metadata.uid
        ? known
        : newMemory(resource.metadata.uid);
    if (memory.quarantined) {
      return { kind: 'done' };
    }
    this.#memories.set(key, memory);
    const current = phaseOf(scheduler, resource);
    const left = current === undefined ? undefined : timeLeft(resource, current, clock.now());
    const stalled = memory.stalled === stallMark(resource, scheduler) && left !== 0;
    const paused =
      resource.metadata.deletionTimestamp === undefined &&
      pauseOf(resource, this.#ports) !== undefined;
    if (stalled && !paused) {
      return left === undefined ? { kind: 'done' } : { kind: 'after', ms: left };
    }
    const started = clock.monotonic();
    const reading = this.#waking.begin(key);
    observer.syncStarted();
    const phase = current?.name ?? 'unknown';
    const { trace = untraced } = this.#options;
    const end = await during({ resource: key, phase, sync: String(++this.#syncs) }, () =>
      // Of its own: what woke it may be the write of another one's sync, and a chain of those has
      // no end.
      trace(
        'sync',
        { 'autopilot.resource': key, 'autopilot.phase': phase },
        async (span) => {
          const ended = await sync(resource, this.#ports, memory, reading, this.#stop.signal);
          span.set({ 'autopilot.outcome': ended.outcome.kind });
          if (ended.error !== undefined || resultOf(ended) === 'error') {
            span.fail(ended.error ?? 'it could not be ended, and comes again');
          }
          return ended;
        },
        'root',
      ),
    );
    const again = this.#waking.end(key, reading, end.complete === true);
    // Of the resource as the worker saw it: what has changed since is still to be acted on.
    memory.stalled = end.stalled === true && !again ? stallMark(resource, scheduler) : undefined;
    if (end.stuck !== undefined) {
      this.#isolate(key, memory, end.stuck);
    }
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
  if (outcome.kind === 'failed' || stalled === true) {
    return 'error';
  }
  return outcome.kind === 'after'
    ? 'requeue_after'
    : outcome.kind === 'again'
      ? 'requeue'
      : 'success';
}
