/**
 * The invariants: what must hold at every instant of every run, whatever faults are injected. The
 * checker observes each call of a worker, each request and each change.
 */
import type { KubeObject, Scheduler } from 'autopilot-runtime';
import {
  finalizerName,
  findWeightProblems,
  keyString,
  MANAGED_BY_LABEL,
  ownerLabel,
} from 'autopilot-runtime/internal';
import type { VirtualClock } from '../virtual-clock.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { findClaimsOf, findOwnedFields } from './claim-traces.ts';
import type { OperatorProcess } from './operator-process.ts';
import type { ClusterSnapshot, Scenario } from './scenario.ts';
import { StepIntervals } from './step-intervals.ts';
import { objectName } from './run-trace.ts';

/** An invariant that did not hold. */
export interface Violation {
  /** The invariant, as a sentence. All violations of one invariant are one finding. */
  readonly invariant: string;
  /** What was observed. */
  readonly detail: string;
  /** Milliseconds of virtual time since the run began. */
  readonly at: number;
}

/** The process that makes a write. */
export interface WritingProcess {
  /** The process. */
  readonly process: OperatorProcess;
  /** Verb of the request: `apply`. */
  readonly verb: string;
}

interface WorkerCall {
  readonly process: OperatorProcess;
  readonly signal: AbortSignal;
  readonly phase: string;
}

/** An object before and after a change. */
interface Change {
  /** Undefined: the object was created. */
  readonly before: KubeObject | undefined;
  /** Undefined: the object was deleted. */
  readonly after: KubeObject | undefined;
}

/** What an {@link InvariantChecker} reads. */
export interface InvariantCheckerOptions {
  /** The operator's scheduler. */
  readonly scheduler: Scheduler;
  /** The scenario, for its own invariants. */
  readonly scenario: Scenario;
  /** The cluster. */
  readonly cluster: Cluster;
  /** Virtual time. */
  readonly clock: VirtualClock;
  /** Passed to the scenario's invariants. */
  readonly snapshot: ClusterSnapshot;
  /** True if the run has leader election. */
  readonly hasElection: boolean;
  /** Minimum milliseconds between two steps, by phase. Undefined: intervals are only recorded. */
  readonly minStepIntervals: ReadonlyMap<string, number> | undefined;
}

/** Violations that are kept of one run. */
const MAX_VIOLATIONS = 20;
/** A worker that returns this long after its signal was aborted has returned too late. */
const GRACE_MS = 5_000;

/** Checks the invariants of one run. */
export class InvariantChecker {
  /** The violations so far, in their order. At most 20. */
  readonly violations: Violation[] = [];
  /** Intervals between the steps of resources. */
  readonly stepIntervals: StepIntervals;
  /** Changes that the operator's requests made. */
  writes = 0;
  /** Requests of the operator that changed nothing. */
  needlessWrites = 0;
  /**
   * True after an act of people, or after objects were lost. The scenario's invariants are then
   * violated only by writes of the operator.
   */
  hasForeignFaults = false;
  /** Invariants of the scenario that other clients have violated and that do not hold yet. */
  readonly #excused = new Set<string>();
  readonly #options: InvariantCheckerOptions;
  /** Calls of workers that have not returned, by uid of the resource. */
  readonly #calls = new Map<string, Set<WorkerCall>>();
  /** Processes and resources whose worker returned too late and was not called again since. */
  readonly #overdueResults = new Set<string>();
  /** Uids of all resources, deleted ones included. */
  readonly #uids = new Set<string>();
  /** Versions of a resource from responses to own writes, by process and resource. */
  readonly #lastOwnVersions = new Map<string, string>();
  /** The process whose request is being run. */
  #writer: WritingProcess | undefined;
  #changed = false;

  constructor(options: InvariantCheckerOptions) {
    this.#options = options;
    this.stepIntervals = new StepIntervals(options.minStepIntervals);
  }

  /** Records a violation. */
  report(invariant: string, detail: string): void {
    if (this.violations.length < MAX_VIOLATIONS) {
      this.violations.push({ invariant, detail, at: this.#options.clock.monotonic() });
    }
  }

  /**
   * Records and checks a call of a worker.
   *
   * @param signal the signal that the worker receives.
   * @returns `returned` is to be called when the worker's promise settles.
   */
  recordCall(
    process: OperatorProcess,
    phase: string,
    resource: KubeObject,
    signal: AbortSignal,
  ): { returned(): void } {
    const { uid = '' } = resource.metadata;
    const processAndUid = `${process.name} ${uid}`;
    const call: WorkerCall = { process, signal, phase };
    const calls = this.#calls.get(uid) ?? new Set();
    this.#calls.set(uid, calls);
    this.#checkLease(call, resource);
    this.#checkConcurrentCalls(call, calls, resource);
    calls.add(call);
    this.#overdueResults.delete(processAndUid);
    this.#checkVersionOfCall(call, resource);
    const { clock } = this.#options;
    let abortedAt: number | undefined;
    signal.addEventListener('abort', () => (abortedAt = clock.monotonic()), { once: true });
    return {
      returned: () => {
        calls.delete(call);
        if (abortedAt !== undefined && clock.monotonic() - abortedAt > GRACE_MS) {
          this.#overdueResults.add(processAndUid);
        }
      },
    };
  }

  #checkLease({ process, phase }: WorkerCall, resource: KubeObject): void {
    if (!this.#isLeader(process)) {
      this.report(
        'no reconcile begins without the lease',
        `${phase} is called for ${objectName(resource)} by ${process.name}; the holder of the lease is ${this.#leaseHolder() ?? 'unset'}`,
      );
    }
  }

  #checkConcurrentCalls(
    { process, phase }: WorkerCall,
    calls: ReadonlySet<WorkerCall>,
    resource: KubeObject,
  ): void {
    for (const other of calls) {
      if (other.process === process || this.#canStillWrite(other)) {
        this.report(
          'no resource is in two reconciles at once',
          `${phase} is called for ${objectName(resource)} by ${process.name} while ${other.phase} has not returned in ${other.process.name}`,
        );
      }
    }
  }

  /**
   * A call that began before its process lost the lease does no harm: the lease is checked for each
   * of its writes.
   */
  #canStillWrite({ process, signal }: WorkerCall): boolean {
    return process.isAlive && !process.isFrozen && !signal.aborted && this.#isLeader(process);
  }

  #checkVersionOfCall({ process, phase }: WorkerCall, resource: KubeObject): void {
    const { uid = '', resourceVersion = '0' } = resource.metadata;
    const lastOwnVersion = this.#lastOwnVersions.get(`${process.name} ${uid}`);
    if (lastOwnVersion !== undefined && BigInt(resourceVersion) < BigInt(lastOwnVersion)) {
      this.report(
        'a reconcile starts from a state at least as new as its own last write',
        `${phase} is called with version ${resourceVersion} of ${objectName(resource)}; the operator's own last write has version ${lastOwnVersion}`,
      );
    }
  }

  /** Records and checks that a process sends a write. */
  recordSend(process: OperatorProcess): void {
    if (!this.#isLeader(process)) {
      this.report(
        'only the leader writes',
        `${process.name} sends a write while the holder of the lease is ${this.#leaseHolder() ?? 'unset'}`,
      );
    }
  }

  #isLeader(process: OperatorProcess): boolean {
    return !this.#options.hasElection || this.#leaseHolder() === process.name;
  }

  #leaseHolder(): string | undefined {
    const lease = this.#options.cluster
      .objects()
      .find(
        ({ kind, apiVersion }) => kind === 'Lease' && apiVersion.startsWith('coordination.k8s.io/'),
      );
    const { holderIdentity } = (lease?.spec ?? {}) as { readonly holderIdentity?: string };
    return holderIdentity || undefined;
  }

  /** True while a request of the operator changes an object. */
  get isOperatorWriting(): boolean {
    return this.#writer !== undefined;
  }

  /** Runs a request. Changes that it makes synchronously are attributed to the writer. */
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

  /** Records that a process has received the response to a write. */
  recordResponse(process: OperatorProcess, { kind, metadata }: KubeObject): void {
    if (kind === this.#options.scheduler.resource.kind) {
      this.#lastOwnVersions.set(
        `${process.name} ${metadata.uid ?? ''}`,
        metadata.resourceVersion ?? '0',
      );
    }
  }

  /** Checks a change in the cluster, by the operator or by anything else. */
  checkChange(before: KubeObject | undefined, after: KubeObject | undefined): void {
    const object = after ?? before;
    if (object === undefined) {
      return;
    }
    const { scheduler } = this.#options;
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
        this.#checkResource({ before, after });
      } else {
        this.#checkOutput(writer, { before, after });
      }
    }
    this.#checkScenarioInvariants(object);
  }

  #checkScenarioInvariants(changed: KubeObject): void {
    const { scenario, snapshot } = this.#options;
    for (const [sentence, holds] of Object.entries(scenario.invariants ?? {})) {
      if (this.violations.some(({ invariant }) => invariant === sentence)) {
        continue;
      }
      if (isTrue(() => holds(snapshot))) {
        this.#excused.delete(sentence);
      } else if (this.hasForeignFaults && this.#writer === undefined) {
        this.#excused.add(sentence);
      } else if (!this.#excused.has(sentence)) {
        this.report(sentence, `it does not hold after a change of ${objectName(changed)}`);
      }
    }
  }

  /** The operator overwrites and deletes only states that it has received. */
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

  #checkResource({ before, after }: Change): void {
    if (before === undefined) {
      return;
    }
    if (after !== undefined) {
      this.#checkTransition(before, after);
      this.stepIntervals.recordStatus(before, after, (detail) =>
        this.report('steps keep their minimum interval', detail),
      );
    }
    this.#checkFinalizer(before, after);
  }

  #checkTransition(before: KubeObject, after: KubeObject): void {
    const from = phaseOf(before);
    const to = phaseOf(after);
    if (to === undefined || to === from) {
      return;
    }
    if (!isAllowedTransition(this.#options.scheduler, from, to)) {
      this.report(
        'phases change only along `next`',
        `${objectName(after)} went from ${from ?? 'no phase'} to ${to}`,
      );
    }
  }

  #checkFinalizer(before: KubeObject, after: KubeObject | undefined): void {
    const { scheduler, cluster } = this.#options;
    const { group } = scheduler.resource;
    const finalizer = finalizerName(group, scheduler.operatorName);
    const isRemoved =
      before.metadata.finalizers?.includes(finalizer) === true &&
      after?.metadata.finalizers?.includes(finalizer) !== true;
    if (before.metadata.deletionTimestamp === undefined || !isRemoved) {
      return;
    }
    const left = cluster
      .objects()
      .filter((object) => isBeyondGarbageCollection(object, before, group));
    const claims = findClaimsOf(cluster.objects(), scheduler, before);
    if (claims.length > 0) {
      this.report('the finalizer stays until every field claim is released', claims.join('; '));
    }
    if (left.length > 0) {
      this.report(
        'the finalizer stays until everything is cleaned up',
        `${left.map(objectName).join(', ')} of ${objectName(before)} still exist`,
      );
    }
  }

  /** Checks the objects of other owners at the end of the run. */
  checkEnd(): void {
    const { cluster, scheduler } = this.#options;
    const owned = findOwnedFields(cluster.servedObjects(), scheduler);
    if (owned.length > 0) {
      this.report('field claims take no field ownership', owned.join('; '));
    }
  }

  #checkOutput({ process, verb }: WritingProcess, { before, after }: Change): void {
    const { group } = this.#options.scheduler.resource;
    const object = after ?? before;
    if (object === undefined) {
      return;
    }
    if (before !== undefined && verb !== 'patch' && !this.#isOwned(before, group)) {
      this.report(
        'no foreign object is changed',
        `${verb} of ${objectName(before)}, which is managed by ${formatManager(before)}`,
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
        `${verb} of ${objectName(object)} follows from such a result`,
      );
    }
    const [problem] = after === undefined ? [] : findWeightProblems(after);
    const wasThere = before !== undefined && findWeightProblems(before).length > 0;
    if (problem !== undefined && !wasThere) {
      this.report('the weights of a route sum to 100', `${objectName(object)}: ${problem}`);
    }
  }

  /** Clean-up of a resource that is being deleted needs no call of a worker. */
  #isBeingDeleted(uid: string): boolean {
    const resource = this.#options.cluster.objects().find(({ metadata }) => metadata.uid === uid);
    return resource?.metadata.deletionTimestamp !== undefined;
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

/** A limit of writes that a run has exceeded. */
export interface ExcessWrites {
  /** The invariant that is violated. */
  readonly invariant: string;
  /** What was observed. */
  readonly detail: string;
}

/**
 * Checks that the work of a run is bounded. A fault may cost retries, but no hot loop, and the
 * operator applies no output without need.
 *
 * @param counts writes of the run.
 * @param faults number of faults of the run.
 * @param baselineWrites writes of the baseline run. Undefined: this is the baseline run.
 */
export function findExcessWrites(
  { writes, needlessWrites }: Pick<InvariantChecker, 'writes' | 'needlessWrites'>,
  faults: number,
  baselineWrites: number | undefined,
): readonly ExcessWrites[] {
  const found: ExcessWrites[] = [];
  if (needlessWrites > 3 * faults) {
    found.push({
      invariant: 'no write is made without need',
      detail: `${needlessWrites} writes changed nothing`,
    });
  }
  if (baselineWrites !== undefined && writes > baselineWrites * 2 + 30 * (faults + 1)) {
    found.push({
      invariant: 'work is bounded',
      detail: `${writes} writes; the baseline run needs ${baselineWrites}`,
    });
  }
  return found;
}

/** An invariant of a scenario that throws does not hold. */
function isTrue(condition: () => boolean): boolean {
  try {
    return condition();
  } catch {
    return false;
  }
}

/** @returns true for an output without owner reference: garbage collection does not delete it. */
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

function formatManager({ metadata }: KubeObject): string {
  return metadata.labels?.[MANAGED_BY_LABEL] ?? 'no operator';
}

function phaseOf(object: KubeObject): string | undefined {
  return ((object.status ?? {}) as { readonly phase?: string }).phase;
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
  const isEnd = origin.final === true || origin.resting === true;
  const onSpecChange = origin.onSpecChange ?? (isEnd ? initial?.name : undefined);
  return (
    origin.next === undefined ||
    origin.next.includes(to) ||
    to === onSpecChange ||
    to === origin.onTimeout ||
    origin.outputs.some(({ whenUndone }) => whenUndone === to)
  );
}
