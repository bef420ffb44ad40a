/**
 * What must hold at every instant of every flight, whatever goes wrong. Hears of each call, each
 * request and each change.
 */
import type { KubeObject, Scheduler } from 'autopilot-runtime/ports';
import { finalizerName, keyString, MANAGED_BY_LABEL, ownerLabel } from 'autopilot-runtime/ports';
import type { VirtualClock } from '../clock.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Process } from './process.ts';
import { weightProblem } from './routes.ts';
import type { Look, Scenario } from './scenario.ts';
import { Steps } from './steps.ts';
import { objectName } from './trace.ts';

/** A promise that was not kept. */
export interface Violation {
  /** The promise, as a sentence; failures of one promise are one finding. */
  readonly promise: string;
  readonly detail: string;
  readonly at: number;
}

export interface Writer {
  readonly process: Process;
  readonly verb: string;
}

interface Call {
  readonly process: Process;
  readonly signal: AbortSignal;
  readonly phase: string;
}

interface Status {
  readonly phase?: string;
}

export interface OracleOptions {
  readonly scheduler: Scheduler;
  readonly scenario: Scenario;
  readonly cluster: Cluster;
  readonly clock: VirtualClock;
  readonly look: Look;
  readonly election: boolean;
  /** The closest that two steps of a phase may be, in milliseconds; none: only recorded. */
  readonly pace: ReadonlyMap<string, number> | undefined;
}

export class Oracle {
  readonly violations: Violation[] = [];
  readonly steps: Steps;
  /**
   * Requests of the operator that changed something, and ones that turned out to change nothing.
   */
  writes = 0;
  needless = 0;
  readonly #options: OracleOptions;
  readonly #calls = new Map<string, Set<Call>>();
  /** Resources whose worker has returned after its time and was not called again since. */
  readonly #late = new Set<string>();
  readonly #uids = new Set<string>();
  /** Versions that the process itself wrote and was told of, by process and resource. */
  readonly #own = new Map<string, string>();
  #writer: Writer | undefined;
  #changed = false;

  constructor(options: OracleOptions) {
    this.#options = options;
    this.steps = new Steps(options.pace);
  }

  say(promise: string, detail: string): void {
    if (this.violations.length < 20) {
      this.violations.push({ promise, detail, at: this.#options.clock.monotonic() });
    }
  }

  /** A worker is called. `returned` is to be called when its promise settles. */
  called(
    process: Process,
    phase: string,
    resource: KubeObject,
    signal: AbortSignal,
  ): { returned(): void } {
    const { uid = '' } = resource.metadata;
    const call: Call = { process, signal, phase };
    const calls = this.#calls.get(uid) ?? new Set();
    this.#calls.set(uid, calls);
    if (!this.#leads(process)) {
      this.say(
        'no sync begins without the lease',
        `${phase} is called for ${objectName(resource)} by ${process.name}; the lease is held by ${this.#holder() ?? 'nobody'}`,
      );
    }
    for (const other of calls) {
      if (
        other.process === process ||
        (other.process.alive &&
          !other.process.frozen &&
          !other.signal.aborted &&
          this.#leads(other.process))
      ) {
        this.say(
          'no resource is in two syncs at once',
          `${phase} is called for ${objectName(resource)} by ${process.name} while ${other.phase} is under way in ${other.process.name}`,
        );
      }
    }
    calls.add(call);
    this.#late.delete(`${process.name} ${uid}`);
    const own = this.#own.get(`${process.name} ${uid}`);
    if (own !== undefined && BigInt(resource.metadata.resourceVersion ?? '0') < BigInt(own)) {
      this.say(
        'a sync starts from a state at least as new as its own last write',
        `${phase} is called with version ${resource.metadata.resourceVersion} of ${objectName(resource)}; the operator had written ${own} itself`,
      );
    }
    const { clock } = this.#options;
    let aborted: number | undefined;
    signal.addEventListener('abort', () => (aborted = clock.monotonic()), { once: true });
    return {
      returned: () => {
        calls.delete(call);
        if (aborted !== undefined && clock.monotonic() - aborted > 5_000) {
          this.#late.add(`${process.name} ${uid}`);
        }
      },
    };
  }

  /** A write leaves a process. */
  handedOver(process: Process): void {
    if (!this.#leads(process)) {
      this.say(
        'only the leader writes',
        `${process.name} sends a write while the lease is held by ${this.#holder() ?? 'nobody'}`,
      );
    }
  }

  /**
   * A call that was under way when its process lost the lease can do no harm: its writes count, not
   * it.
   */
  #leads(process: Process): boolean {
    return !this.#options.election || this.#holder() === process.name;
  }

  #holder(): string | undefined {
    const lease = this.#options.cluster
      .objects()
      .find(
        ({ kind, apiVersion }) => kind === 'Lease' && apiVersion.startsWith('coordination.k8s.io/'),
      );
    return (
      ((lease?.spec ?? {}) as { readonly holderIdentity?: string }).holderIdentity || undefined
    );
  }

  /** Runs a request; the changes that it makes while it is started are the writer's. */
  async attribute<T>(writer: Writer, run: () => Promise<T>): Promise<T> {
    this.#writer = writer;
    this.#changed = false;
    const answer = run();
    this.#writer = undefined;
    const changed = this.#changed;
    const result = await answer;
    if (!changed && writer.verb !== 'delete') {
      this.needless++;
    }
    return result;
  }

  /** The answer to a write has reached the process. */
  answered(process: Process, { kind, metadata }: KubeObject): void {
    if (kind === this.#options.scheduler.resource.kind) {
      this.#own.set(`${process.name} ${metadata.uid ?? ''}`, metadata.resourceVersion ?? '0');
    }
  }

  /** Something has changed in the cluster. */
  changed(before: KubeObject | undefined, after: KubeObject | undefined): void {
    const object = after ?? before;
    if (object === undefined) {
      return;
    }
    const { scheduler, scenario, look } = this.#options;
    const isResource =
      object.kind === scheduler.resource.kind &&
      object.apiVersion.startsWith(`${scheduler.resource.group}/`);
    if (isResource) {
      this.#uids.add(object.metadata.uid ?? '');
    }
    const writer = this.#writer;
    if (writer !== undefined) {
      this.#changed = true;
      this.writes++;
      this.#checkKnowledge(writer, before);
      if (isResource) {
        this.#checkResource(before, after);
      } else {
        this.#checkOutput(writer, before, after);
      }
    }
    for (const [sentence, holds] of Object.entries(scenario.invariants ?? {})) {
      if (this.violations.some(({ promise }) => promise === sentence)) {
        continue;
      }
      if (!held(() => holds(look))) {
        this.say(sentence, `it does not hold after a change of ${objectName(object)}`);
      }
    }
  }

  /** Nothing is overwritten or deleted that the writer has not seen. */
  #checkKnowledge({ process, verb }: Writer, before: KubeObject | undefined): void {
    if (before === undefined) {
      return;
    }
    const known = process.known(before.kind, keyString(before.metadata));
    if (known !== before.metadata.resourceVersion) {
      this.say(
        'nothing is changed or deleted in a state that the operator has not seen',
        `${verb} of ${objectName(before)}, which is at version ${before.metadata.resourceVersion}; ${process.name} has seen ${known ?? 'none'}`,
      );
    }
  }

  #checkResource(before: KubeObject | undefined, after: KubeObject | undefined): void {
    const { scheduler } = this.#options;
    const from = statusOf(before).phase;
    const to = statusOf(after).phase;
    if (before === undefined) {
      return;
    }
    if (after !== undefined && to !== undefined && to !== from && !mayGo(scheduler, from, to)) {
      this.say(
        'phases change only along `next`',
        `${objectName(after)} went from ${from ?? 'no phase'} to ${to}`,
      );
    }
    if (after !== undefined) {
      this.steps.seen(before, after, (detail) => this.say('steps keep their pace', detail));
    }
    const finalizer = finalizerName(scheduler.resource.group, scheduler.operatorName);
    const had = before.metadata.finalizers?.includes(finalizer) === true;
    if (
      before.metadata.deletionTimestamp !== undefined &&
      had &&
      after?.metadata.finalizers?.includes(finalizer) !== true
    ) {
      const left = this.#options.cluster
        .objects()
        .filter((object) => outOfReach(object, before, scheduler.resource.group));
      if (left.length > 0) {
        this.say(
          'the finalizer stays until everything is cleaned up',
          `${left.map(objectName).join(', ')} of ${objectName(before)} are still there`,
        );
      }
    }
  }

  #checkOutput(
    { process, verb }: Writer,
    before: KubeObject | undefined,
    after: KubeObject | undefined,
  ): void {
    const { group } = this.#options.scheduler.resource;
    const object = after ?? before;
    if (object === undefined) {
      return;
    }
    if (before !== undefined && verb !== 'patch' && !this.#isOurs(before, group)) {
      this.say(
        "no object of somebody else's is touched",
        `${verb} of ${objectName(before)}, which belongs to ${ownerOf(before)}`,
      );
    }
    const uid = object.metadata.labels?.[ownerLabel(group)];
    if (uid !== undefined && this.#late.has(`${process.name} ${uid}`) && !this.#isGoing(uid)) {
      this.say(
        'what a worker returns after its time is thrown away',
        `${verb} of ${objectName(object)} follows from it`,
      );
    }
    const problem = after === undefined ? undefined : weightProblem(after);
    if (problem !== undefined) {
      this.say('the weights of a route sum to 100', `${objectName(object)}: ${problem}`);
    }
  }

  /** A resource that is being deleted is cleaned up after without a call of a worker. */
  #isGoing(uid: string): boolean {
    return (
      this.#options.cluster.objects().find(({ metadata }) => metadata.uid === uid)?.metadata
        .deletionTimestamp !== undefined
    );
  }

  #isOurs({ metadata }: KubeObject, group: string): boolean {
    const uid = metadata.labels?.[ownerLabel(group)];
    return (
      (uid !== undefined && this.#uids.has(uid)) ||
      (metadata.ownerReferences ?? []).some(
        (owner) => owner.controller === true && this.#uids.has(owner.uid),
      )
    );
  }
}

function held(holds: () => boolean): boolean {
  try {
    return holds();
  } catch {
    return false;
  }
}

/** An output that no owner reference leads to: garbage collection will not take it away. */
function outOfReach({ metadata }: KubeObject, resource: KubeObject, group: string): boolean {
  const { uid } = resource.metadata;
  return (
    metadata.labels?.[ownerLabel(group)] === uid &&
    metadata.ownerReferences?.some((owner) => owner.uid === uid) !== true
  );
}

function ownerOf({ metadata }: KubeObject): string {
  return metadata.labels?.[MANAGED_BY_LABEL] ?? 'nobody this operator knows';
}

function statusOf(object: KubeObject | undefined): Status {
  return (object?.status ?? {}) as Status;
}

function mayGo({ phases }: Scheduler, from: string | undefined, to: string): boolean {
  const current = phases.find(
    ({ name, formerly }) =>
      name === from || (from !== undefined && formerly?.includes(from) === true),
  );
  const initial = phases.find((phase) => phase.initial);
  const origin = current ?? initial;
  if (origin === undefined || to === origin.name) {
    return true;
  }
  const onSpecChange = origin.onSpecChange ?? (origin.final === true ? initial?.name : undefined);
  return (
    origin.next === undefined ||
    origin.next.includes(to) ||
    to === onSpecChange ||
    to === origin.onTimeout
  );
}
