/**
 * What a worker receives and returns. Generated code narrows these types for each phase, so that a
 * wrong phase name, an undeclared input or an undeclared output does not compile.
 */
import type { LabelSelector } from '../client/label-selector.ts';
import type { KubeObject, ObjectMeta } from '../client/object.ts';
import type { MetricsQueries } from './metrics-queries.ts';
import type { Duration } from './spec-types.ts';
import type { FieldClaim } from './field-claim.ts';

/**
 * A type with every level read-only. What workers read is frozen: a worker describes changes in its
 * result and never makes them in place.
 */
export type DeepReadonly<T> = T extends (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** Options of a read through an input. */
export interface ReadOptions {
  /**
   * The namespace to read from. Default for `get` and `require`: the resource's own namespace.
   * Default for `list`: the same, but every watched namespace for an input with `namespace: all`.
   * Another namespace than the resource's own needs an input with `namespace: all`; otherwise the
   * read throws a PermanentError.
   */
  readonly namespace?: string;
}

/**
 * A worker's view of one kind: one declared input.
 *
 * # Guarantees
 *
 * - Reads come from the informer's cache and cost no request.
 * - All reads of one reconcile show the state at its start.
 * - Reads are recorded. A later change of an object that was read, or of the result of a list,
 *   enqueues the resource.
 * - Objects are frozen.
 */
export interface InputView<T extends { metadata: { name: string } }> {
  /**
   * Whether the API server serves the kind. False only for an `optional` input: a worker is not
   * called while another input cannot be read.
   */
  readonly available: boolean;
  /**
   * Reads one object.
   *
   * @returns the object; undefined when it does not exist.
   */
  get(name: string, options?: ReadOptions): T | undefined;
  /**
   * Reads one object that must exist.
   *
   * @throws RetryLater when the object does not exist: the worker is called again after 10 s, or as
   * soon as the object is created.
   */
  require(name: string, options?: ReadOptions): T;
  /** Reads all objects that match, sorted by namespace and name. */
  list(options?: ReadOptions & { readonly selector?: LabelSelector }): readonly T[];
}

/**
 * A logger for JSON lines. Each line carries the resource, the phase and the reconcile's number.
 */
export interface Logger {
  /** Logs details that help to debug. */
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Logs what operators of the operator want to follow. */
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Logs a problem that may pass. */
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Logs a problem that a person must solve. */
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/**
 * An object or a claimed field that another client has changed or deleted since the runtime wrote
 * it, although the worker wanted the same all the time.
 */
export interface UndoneChange {
  /** Kind of the object. */
  readonly kind: string;
  /** Namespace of the object; absent for cluster-scoped objects. */
  readonly namespace?: string;
  /** Name of the object. */
  readonly name: string;
  /** Path of the claimed field; absent for an object of an output. */
  readonly path?: string;
  /** Field manager of the other client, where the managedFields of the object name it. */
  readonly by?: string;
  /** Present when the object was deleted. */
  readonly isDeleted?: true;
}

/** What a worker receives. */
export interface BaseContext<Resource, Inputs, Config> {
  /** The resource, as it was at the start of this reconcile. Frozen. */
  readonly resource: Resource;
  /** The declared inputs by name. Reading an undeclared input throws a PermanentError. */
  readonly inputs: Inputs;
  /** The section `config` of autopilot-operator.yaml, with defaults filled in. Frozen. */
  readonly config: Config;
  /** Logger for this resource and phase. */
  readonly log: Logger;
  /**
   * Aborted when the worker exceeds `workerTimeout`, when the shutdown has waited 30 s, and when
   * the lease is lost. Pass the signal to everything that the worker awaits: a worker that does not
   * end within 5 s after the signal blocks further reconciles of its resource.
   */
  readonly signal: AbortSignal;
  /** Time of this reconcile. Use it in place of `Date.now()`, so that tests control the time. */
  readonly now: Date;
  /**
   * Time at which the resource entered this phase, moved forward by the length of pauses. In the
   * finalizer: time of its first successful call, and `now` before that.
   */
  readonly phaseStartedAt: Date;
  /**
   * Time at which a worker of this phase last returned `step: true`, moved forward by the length of
   * pauses. Undefined before the first step, and in the finalizer.
   */
  readonly lastStep: Date | undefined;
  /**
   * What other clients have undone: what is undone now, and what was found and set again since the
   * last call. What happens to it is declared by `whenUndone` of the output. A worker whose result
   * is worthless without its outputs, such as an experiment, looks here. Empty in the finalizer.
   */
  readonly undone: readonly UndoneChange[];
}

/**
 * Changes of a StatusInfo by top-level field. A field that is left out stays as it is stored;
 * `null` removes the field. A given object or list replaces the stored one as a whole.
 */
export type StatusInfoPatch<StatusInfo> = {
  readonly [Field in keyof StatusInfo]?: StatusInfo[Field] | null;
};

/**
 * What a worker returns: plain JSON. A Date counts as its ISO string. An undefined member counts as
 * absent. A worker that returns anything else, such as NaN, a Map, an instance of a class or
 * undefined in a list, becomes Stalled; the message names the place.
 */
export interface BaseResult<Phase extends string, Outputs, StatusInfo> {
  /**
   * The phase that the resource is in after this reconcile: its own name to stay, another name for
   * a transition. After a transition the next phase's worker is called at once.
   */
  readonly next: Phase;
  /**
   * The objects and field claims to apply, by output name. Outputs are applied in the order in
   * which autopilot.yaml declares them, before the status is written.
   *
   * A given list of an output with `prune: true` is complete: objects of this resource that it does
   * not contain are deleted after all outputs are applied. An empty list deletes all of them. An
   * output without a list is neither applied nor pruned, so `outputs: {}` means the same as no
   * `outputs`.
   */
  readonly outputs?: Outputs;
  /**
   * Changes of the user's fields in `status`, merged by top-level field: a given field replaces the
   * stored one, `null` removes it, a field that is left out stays. Default: every field stays.
   */
  readonly statusInfo?: StatusInfoPatch<StatusInfo>;
  /**
   * Longest time until the next reconcile while the resource stays in this phase; a change of
   * something that was read comes earlier. Less than 100 ms counts as 100 ms. Default: the phase's
   * `interval`, or `workInterval` of autopilot-operator.yaml. Ignored on a transition, unless the
   * transition waits for an approval.
   */
  readonly requeueAfter?: Duration;
  /**
   * Whether this reconcile counts as a step: `lastStep` becomes `now`. See `timeUntil`. On a
   * transition the step counts for the next phase.
   */
  readonly step?: true;
  /**
   * Message of the Ready condition. Default: the phase's description. On a transition, the first
   * reconcile of the next phase replaces the message at once; a final phase always shows its
   * description.
   */
  readonly message?: string;
}

/** What a finalizer returns. */
export interface FinalizeResult<Outputs> {
  /**
   * Whether the clean-up is complete. True: the runtime removes its finalizer and the resource is
   * deleted. False: the finalizer is called again after `requeueAfter`, or when something that it
   * has read changes.
   */
  readonly done: boolean;
  /**
   * The objects to apply, by output name, as in a worker's result. Field claims are not allowed:
   * the runtime releases all field claims of the resource before it calls the finalizer.
   */
  readonly outputs?: Outputs;
  /**
   * Longest time until the next call while `done` is false. Less than 100 ms counts as 100 ms.
   * Default: `workInterval` of autopilot-operator.yaml.
   */
  readonly requeueAfter?: Duration;
  /** Message of the Ready condition while `done` is false. */
  readonly message?: string;
}

/**
 * An object of an output: its identity, and the fields to set. Server-side apply leaves every other
 * field to its owner.
 */
export type OutputObject = Pick<KubeObject, 'apiVersion' | 'kind'> & {
  /** Name, namespace, labels and annotations. Default of the namespace: the resource's own. */
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'labels' | 'annotations'>;
};

/** The context of a worker of any phase. */
export type AnyContext = BaseContext<
  KubeObject,
  Readonly<Record<string, InputView<KubeObject>>>,
  unknown
> & {
  /** Queries of autopilot.yaml by method name. Absent unless `metrics` is an input. */
  readonly metrics?: MetricsQueries;
};

/** The outputs of a worker of any phase. */
export type AnyOutputs = Readonly<
  Record<string, readonly (OutputObject | FieldClaim)[] | undefined>
>;

/** The result of a worker of any phase. */
export type AnyResult = BaseResult<string, AnyOutputs, Readonly<Record<string, unknown>>>;

/** A worker of any phase. Generated code converts its typed workers to this type in one place. */
export type AnyWorker = (context: AnyContext) => Promise<AnyResult> | AnyResult;

/** A finalizer of any kind. */
export type AnyFinalizer = (
  context: AnyContext,
) => Promise<FinalizeResult<AnyOutputs>> | FinalizeResult<AnyOutputs>;

/**
 * Thrown by a worker or finalizer that has to wait: reconcile again after `delay`.
 *
 * This is not a failure: there is no backoff, no Event and no error metric. The phase, the outputs
 * and the user's status fields stay. The Ready condition becomes False with reason `Waiting` and
 * this message. A change of something that was read comes earlier than `delay`.
 *
 * @example
 * ```ts
 * if (license === undefined) {
 *   throw new RetryLater('30s', 'the Secret license has no key yet');
 * }
 * ```
 */
export class RetryLater extends Error {
  /** Name by which the runtime recognizes the error, also from another copy of this package. */
  override readonly name = 'RetryLater';
  /** Time until the next reconcile. */
  readonly delay: Duration;

  /**
   * @param delay time until the next reconcile. Less than 100 ms counts as 100 ms. A value that is
   * not a duration makes this a failure, with backoff.
   * @param message what the worker waits for. Default: `waiting`.
   */
  constructor(delay: Duration, message = 'waiting') {
    super(message);
    this.delay = delay;
  }
}

/**
 * Thrown by a worker or finalizer for a problem that no retry can solve. The resource becomes
 * Stalled, and the message is in its conditions and in an Event.
 *
 * The resource is reconciled again when its spec, its phase, its retry annotation or something that
 * was read changes, when it is deleted, when the phase times out, and after a restart of the
 * operator.
 *
 * @example
 * ```ts
 * if (resource.spec.min > resource.spec.max) {
 *   throw new PermanentError('spec.min is greater than spec.max', 'InvalidRange');
 * }
 * ```
 */
export class PermanentError extends Error {
  /** Name by which the runtime recognizes the error, also from another copy of this package. */
  override readonly name = 'PermanentError';
  /** Reason of the Stalled condition and of the Event. */
  readonly reason: string;

  /**
   * @param message what is wrong, and what the user has to change.
   * @param reason one CamelCase word for the condition. Default: `PermanentError`.
   */
  constructor(message: string, reason = 'PermanentError') {
    super(message);
    this.reason = reason;
  }
}

/**
 * Body of a generated stub until its worker is written.
 *
 * @param name the phase, or `The finalizer`.
 * @param file the file to edit.
 * @throws PermanentError always: the resource becomes Stalled and the operator keeps running.
 */
export function notImplemented(name: string, file: string): never {
  throw new PermanentError(`${name} is not implemented yet: edit ${file}`, 'NotImplemented');
}
