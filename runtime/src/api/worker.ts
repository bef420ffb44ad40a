/**
 * What a worker takes and returns. Generated code narrows these for each phase, so that a wrong
 * phase name, an undeclared input
 * or an undeclared output is a compile error.
 */
import type { KubeObject, ObjectMeta } from '../client/object.ts';
import type { MetricsQueries } from '../queries/query-types.ts';
import type { Duration } from './spec-types.ts';
import type { FieldClaim } from './field-claim.ts';

/** All levels frozen: workers describe changes, they never make them in place. */
export type DeepReadonly<T> = T extends (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** Equality-based and set-based requirements, as in Kubernetes' LabelSelector. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

export interface ReadOptions {
  /**
   * Default: the resource's own namespace; another one only when the input says `namespace: all`.
   */
  readonly namespace?: string;
}

/**
 * A phase's view of one kind. Reading is recorded; a change of what was read wakes the resource.
 * Objects are frozen.
 */
export interface InputView<T extends { metadata: { name: string } }> {
  /** False only for an `optional` input whose kind the API server does not serve. */
  readonly available: boolean;
  get(name: string, options?: ReadOptions): T | undefined;
  /** Like `get`; an absent object makes the sync end and come again later (RetryLater). */
  require(name: string, options?: ReadOptions): T;
  /** Sorted by namespace and name. */
  list(options?: ReadOptions & { readonly selector?: LabelSelector }): readonly T[];
}

export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface BaseContext<Resource, Inputs, Config> {
  readonly resource: Resource;
  readonly inputs: Inputs;
  /** The `config:` section of autopilot-operator.yaml. */
  readonly config: Config;
  readonly log: Logger;
  /** Aborted when the worker's time is up, at shutdown and when the lease is lost. */
  readonly signal: AbortSignal;
  /** The time of this sync. */
  readonly now: Date;
  /**
   * When the resource entered this phase, later by the time it was paused since. In the finalizer:
   * when it was first called with success; now until then.
   */
  readonly phaseStartedAt: Date;
  /**
   * When a worker of this phase last returned `step: true`, later by the time the resource was
   * paused since.
   */
  readonly lastStep: Date | undefined;
}

/**
 * Changes of a StatusInfo by top-level field. A field that is left out stays as it is stored; `null`
 * removes the field. A given object or list replaces the stored one as a whole.
 */
export type StatusInfoPatch<StatusInfo> = {
  readonly [Field in keyof StatusInfo]?: StatusInfo[Field] | null;
};

export interface BaseResult<Phase extends string, Outputs, StatusInfo> {
  /** The phase to be in: itself to stay. */
  readonly next: Phase;
  /** Objects to apply, by output name, in the order autopilot.yaml declares. */
  readonly outputs?: Outputs;
  /**
   * Changes of the user's fields in `status`, merged by top-level field: a given field replaces the
   * stored one, `null` removes it, a field that is left out stays. Default: every field stays.
   */
  readonly statusInfo?: StatusInfoPatch<StatusInfo>;
  /** The latest time of the next sync when staying. Less than 100 ms counts as 100 ms. */
  readonly requeueAfter?: Duration;
  /** Stores `lastStep` = now. */
  readonly step?: true;
  /** Shown in the Ready condition. */
  readonly message?: string;
}

/** What a finalizer returns. */
export interface FinalizeResult<Outputs> {
  /**
   * True: nothing is left to do, the resource may go. False: called again after `requeueAfter`, or
   * when something that was read changes.
   */
  readonly done: boolean;
  /** Objects to apply, by output name, in the order autopilot.yaml declares. */
  readonly outputs?: Outputs;
  /**
   * The latest time of the next call when not done. Default: `workInterval`. Less than 100 ms
   * counts as 100 ms.
   */
  readonly requeueAfter?: Duration;
  /** Shown in the Ready condition while not done. */
  readonly message?: string;
}

/** An object of an output: identity, and the fields to set. */
export type OutputObject = Pick<KubeObject, 'apiVersion' | 'kind'> & {
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'labels' | 'annotations'>;
};

export type AnyContext = BaseContext<
  KubeObject,
  Readonly<Record<string, InputView<KubeObject>>>,
  unknown
> & { readonly metrics?: MetricsQueries };
export type AnyOutputs = Readonly<
  Record<string, readonly (OutputObject | FieldClaim)[] | undefined>
>;
export type AnyResult = BaseResult<string, AnyOutputs, Readonly<Record<string, unknown>>>;
/** A worker of any phase. Generated code casts its typed workers to it in one place. */
export type AnyWorker = (context: AnyContext) => Promise<AnyResult> | AnyResult;
/** As `AnyWorker`, for the finalizer. */
export type AnyFinalizer = (
  context: AnyContext,
) => Promise<FinalizeResult<AnyOutputs>> | FinalizeResult<AnyOutputs>;

/**
 * Try again after `delay` (less than 100 ms counts as 100 ms); not an error. The phase is kept,
 * nothing is written.
 */
export class RetryLater extends Error {
  override readonly name = 'RetryLater';
  readonly delay: Duration;
  constructor(delay: Duration, message = 'waiting') {
    super(message);
    this.delay = delay;
  }
}

/**
 * No retry can help until the spec, an input that was read, or the retry annotation changes. The
 * resource becomes Stalled.
 */
export class PermanentError extends Error {
  override readonly name = 'PermanentError';
  /** The reason of the Stalled condition: one CamelCase word. */
  readonly reason: string;
  constructor(message: string, reason = 'PermanentError') {
    super(message);
    this.reason = reason;
  }
}

/**
 * What a generated stub calls until its worker is written: the resource becomes Stalled with this
 * sentence, the operator stays up.
 */
export function notImplemented(what: string, file: string): never {
  throw new PermanentError(`${what} is not implemented yet: edit ${file}`, 'NotImplemented');
}
