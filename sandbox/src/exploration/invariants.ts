/**
 * What must hold at every instant of every flight, whatever goes wrong. Hears of each call, each
 * request and each change.
 */
import type { KubeObject, Scheduler } from 'autopilot-runtime/internal';
import {
  finalizerName,
  findWeightProblems,
  keyString,
  MANAGED_BY_LABEL,
  ownerLabel,
} from 'autopilot-runtime/internal';
import type { VirtualClock } from '../virtual-clock.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { OperatorProcess } from './operator-process.ts';
import type { ClusterSnapshot, Scenario } from './scenario.ts';
import { StepIntervals } from './step-intervals.ts';
import { objectName } from './run-trace.ts';

/** A promise that was not kept. */
export interface Violation {
  /** The promise, as a sentence; failures of one promise are one finding. */
  readonly invariant: string;
  readonly detail: string;
  readonly at: number;
}

export interface WritingProcess {
  readonly process: OperatorProcess;
  readonly verb: string;
}

interface WorkerCall {
  readonly process: OperatorProcess;
  readonly signal: AbortSignal;
  readonly phase: string;
}

interface PhaseStatus {
  readonly phase?: string;
}

export interface InvariantCheckerOptions {
  readonly scheduler: Scheduler;
  readonly scenario: Scenario;
  readonly cluster: Cluster;
  readonly clock: VirtualClock;
  readonly snapshot: ClusterSnapshot;
  readonly hasElection: boolean;
  /** The closest that two steps of a phase may be, in milliseconds; none: only recorded. */
  readonly minStepIntervals: ReadonlyMap<string, number> | undefined;
}

export class InvariantChecker {
  readonly violations: Violation[] = [];
  readonly stepIntervals: StepIntervals;
  /**
   * Requests of the operator that changed something, and ones that turned out to change nothing.
   */
  writes = 0;
  needlessWrites = 0;
  readonly #options: InvariantCheckerOptions;
  readonly #calls = new Map<string, Set<WorkerCall>>();
  /** Resources whose worker has returned after its time and was not called again since. */
  readonly #overdueResults = new Set<string>();
  readonly #uids = new Set<string>();
  /** Versions that the process itself wrote and was told of, by process and resource. */
  readonly #lastOwnVersions = new Map<string, string>();
  #writer: WritingProcess | undefined;
  #changed = false;

  constructor(options: InvariantCheckerOptions) {
    this.#options = options;
    this.stepIntervals = new StepIntervals(options.minStepIntervals);
  }

  report(invariant: string, detail: string): void {
    if (this.violations.length < 20) {
      this.violations.push({ invariant, detail, at: this.#options.clock.monotonic() });
    }
  }

  /** A worker is called. `returned` is to be called when its promise settles. */
  recordCall(
    process: OperatorProcess,
    phase: string,
    resource: KubeObject,
    signal: AbortSignal,
  ): { returned(): void } {
    const { uid = '' } = resource.metadata;
    const call: WorkerCall = { process, signal, phase };
    const calls = this.#calls.get(uid) ?? new Set();
    this.#calls.set(uid, calls);
    if (!this.#isLeader(process)) {
      this.report(
        'no reconcile begins without the lease',
        `${phase} is called for ${objectName(resource)} by ${process.name}; the lease is held by ${this.#leaseHolder() ?? 'nobody'}`,
      );
    }
    for (const other of calls) {
      if (
        other.process === process ||
        (other.process.isAlive &&
          !other.process.isFrozen &&
          !other.signal.aborted &&
          this.#isLeader(other.process))
      ) {
        this.report(
          'no resource is in two reconciles at once',
          `${phase} is called for ${objectName(resource)} by ${process.name} while ${other.phase} is under way in ${other.process.name}`,
        );
      }
    }
    calls.add(call);
    this.#overdueResults.delete(`${process.name} ${uid}`);
    const lastOwnVersion = this.#lastOwnVersions.get(`${process.name} ${uid}`);
    if (
      lastOwnVersion !== undefined &&
      BigInt(resource.metadata.resourceVersion ?? '0') < BigInt(lastOwnVersion)
    ) {
      this.report(
        'a reconcile starts from a state at least as new as its own last write',
        `${phase} is called with version ${resource.metadata.resourceVersion} of ${objectName(resource)}; the operator had written ${lastOwnVersion} itself`,
      );
    }
    const { clock } = this.#options;
    let abortedAt: number | undefined;
    signal.addEventListener('abort', () => (abortedAt = clock.monotonic()), { once: true });
    return {
      returned: () => {
        calls.delete(call);
        if (abortedAt !== undefined && clock.monotonic() - abortedAt > 5_000) {
          this.#overdueResults.add(`${process.name} ${uid}`);
        }
      },
    };
  }

  /** A write leaves a process. */
  recordSend(process: OperatorProcess): void {
    if (!this.#isLeader(process)) {
      this.report(
        'only the leader writes',
        `${process.name} sends a write while the lease is held by ${this.#leaseHolder() ?? 'nobody'}`,
      );
    }
  }

  /**
   * A call that was under way when its process lost the lease can do no harm: its writes count, not
   * it.
   */
  #isLeader(process: OperatorProcess): boolean {
    return !this.#options.hasElection || this.#leaseHolder() === process.name;
  }

  #leaseHolder(): string | undefined {
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
  async attributeWrites<T>(writer: WritingProcess, run: () => Promise<T>): Promise<T> {
    this.#writer = writer;
    this.#changed = false;
    const response = run();
    this.#writer = undefined;
    const changed = this.#changed;
    const result = await response;
    if (!changed && writer.verb !== 'delete') {
      this.needlessWrites++;
    }
    return result;
  }

  /** The answer to a write has reached the process. */
  recordResponse(process: OperatorProcess, { kind, metadata }: KubeObject): void {
    if (kind === this.#options.scheduler.resource.kind) {
      this.#lastOwnVersions.set(
        `${process.name} ${metadata.uid ?? ''}`,
        metadata.resourceVersion ?? '0',
      );
    }
  }

  /** Something has changed in the cluster. */
  checkChange(before: KubeObject | undefined, after: KubeObject | undefined): void {
    const object = after ?? before;
    if (object === undefined) {
      return;
    }
    const { scheduler, scenario, snapshot } = this.#options;
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
      this.#checkSeenVersion(writer, before);
      if (isResource) {
        this.#checkResource(before, after);
      } else {
        this.#checkOutput(writer, before, after);
      }
    }
    for (const [sentence, holds] of Object.entries(scenario.invariants ?? {})) {
      if (this.violations.some(({ invariant }) => invariant === sentence)) {
        continue;
      }
      if (!isTrue(() => holds(snapshot))) {
        this.report(sentence, `it does not hold after a change of ${objectName(object)}`);
      }
    }
  }

  /** Nothing is overwritten or deleted that the writer has not seen. */
  #checkSeenVersion({ process, verb }: WritingProcess, before: KubeObject | undefined): void {
    if (before === undefined) {
      return;
    }
    const known = process.seenVersion(before.kind, keyString(before.metadata));
    if (known !== before.metadata.resourceVersion) {
      this.report(
        'nothing is changed or deleted in a state that the operator has not seen',
        `${verb} of ${objectName(before)}, which is at version ${before.metadata.resourceVersion}; ${process.name} has seen ${known ?? 'none'}`,
      );
    }
  }

  #checkResource(before: KubeObject | undefined, after: KubeObject | undefined): void {
    const { scheduler } = this.#options;
    const from = phaseStatusOf(before).phase;
    const to = phaseStatusOf(after).phase;
    if (before === undefined) {
      return;
    }
    if (
      after !== undefined &&
      to !== undefined &&
      to !== from &&
      !isAllowedTransition(scheduler, from, to)
    ) {
      this.report(
        'phases change only along `next`',
        `${objectName(after)} went from ${from ?? 'no phase'} to ${to}`,
      );
    }
    if (after !== undefined) {
      this.stepIntervals.recordStatus(before, after, (detail) =>
        this.report('steps keep their minimum interval', detail),
      );
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
        .filter((object) => isBeyondGarbageCollection(object, before, scheduler.resource.group));
      if (left.length > 0) {
        this.report(
          'the finalizer stays until everything is cleaned up',
          `${left.map(objectName).join(', ')} of ${objectName(before)} are still there`,
        );
      }
    }
  }

  #checkOutput(
    { process, verb }: WritingProcess,
    before: KubeObject | undefined,
    after: KubeObject | undefined,
  ): void {
    const { group } = this.#options.scheduler.resource;
    const object = after ?? before;
    if (object === undefined) {
      return;
    }
    if (before !== undefined && verb !== 'patch' && !this.#isOwned(before, group)) {
      this.report(
        "no object of somebody else's is touched",
        `${verb} of ${objectName(before)}, which belongs to ${formatOwner(before)}`,
      );
    }
    const uid = object.metadata.labels?.[ownerLabel(group)];
    if (
      uid !== undefined &&
      this.#overdueResults.has(`${process.name} ${uid}`) &&
      !this.#isBeingDeleted(uid)
    ) {
      this.report(
        'a result returned after the worker timeout is discarded',
        `${verb} of ${objectName(object)} follows from it`,
      );
    }
    const [problem] = after === undefined ? [] : findWeightProblems(after);
    if (problem !== undefined) {
      this.report('the weights of a route sum to 100', `${objectName(object)}: ${problem}`);
    }
  }

  /** A resource that is being deleted is cleaned up after without a call of a worker. */
  #isBeingDeleted(uid: string): boolean {
    return (
      this.#options.cluster.objects().find(({ metadata }) => metadata.uid === uid)?.metadata
        .deletionTimestamp !== undefined
    );
  }

  #isOwned({ metadata }: KubeObject, group: string): boolean {
    const uid = metadata.labels?.[ownerLabel(group)];
    return (
      (uid !== undefined && this.#uids.has(uid)) ||
      (metadata.ownerReferences ?? []).some(
        (owner) => owner.controller === true && this.#uids.has(owner.uid),
      )
    );
  }
}

function isTrue(condition: () => boolean): boolean {
  try {
    return condition();
  } catch {
    return false;
  }
}

/** An output that no owner reference leads to: garbage collection will not take it away. */
function isBeyondGarbageCollection(
  { metadata }: KubeObject,
  resource: KubeObject,
  group: string,
): boolean {
  const { uid } = resource.metadata;
  return (
    metadata.labels?.[ownerLabel(group)] === uid &&
    metadata.ownerReferences?.some((owner) => owner.uid === uid) !== true
  );
}

function formatOwner({ metadata }: KubeObject): string {
  return metadata.labels?.[MANAGED_BY_LABEL] ?? 'nobody this operator knows';
}

function phaseStatusOf(object: KubeObject | undefined): PhaseStatus {
  return (object?.status ?? {}) as PhaseStatus;
}

function isAllowedTransition({ phases }: Scheduler, from: string | undefined, to: string): boolean {
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
