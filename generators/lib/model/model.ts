/**
 * The model of a project: autopilot.yaml after loading, validation and defaults. All generated
 * files are rendered from the model. Plain data, without Yeoman and without the file system.
 */
import type { KindDefinition } from '../kinds/built-in-kinds.ts';
import type { CrdRequest } from '../kinds/foreign-crd.ts';
import type { ModelQuery } from '../kinds/prometheus-queries.ts';

export type { KindDefinition } from '../kinds/built-in-kinds.ts';
export type { ModelQuery } from '../kinds/prometheus-queries.ts';
export type { Ownership, ProjectFile } from '../util/project-file.ts';

/** An input of a phase or of the finalizer: a kind that the worker reads. */
export interface ModelInput {
  /** The kind that is read. */
  readonly kind: KindDefinition;
  /** Namespaces that are read: the resource's own one, or all that the operator watches. */
  readonly namespace: 'own' | 'all';
  /**
   * Label selector in the form of the Kubernetes API, for example `app=web`. Default: all objects.
   */
  readonly selector?: string;
  /** Whether the kind may be absent from the cluster. */
  readonly optional: boolean;
}

/** An output of a phase or of the finalizer: a kind that the worker writes. */
export interface ModelOutput {
  /** The kind that is written. */
  readonly kind: KindDefinition;
  /** Namespaces that are written: the resource's own one, or any. */
  readonly namespace: 'own' | 'all';
  /** Whether objects that the worker no longer returns are deleted. */
  readonly prune: boolean;
  /** What happens when another client changes an object: `giveUp` or a phase. Default: repair. */
  readonly whenUndone?: string;
  /** Whether the kind may be absent from the cluster. */
  readonly optional: boolean;
}

/** A phase of the state machine. */
export interface ModelPhase {
  /** Value of `status.phase`. */
  readonly name: string;
  /**
   * Lower-cased name of the phase: the base name of src/workers/<file>.ts and
   * src/generated/<file>.ts.
   */
  readonly file: string;
  /** Description from autopilot.yaml. Default: none. */
  readonly description?: string;
  /** Whether new resources start in this phase. */
  readonly initial: boolean;
  /** Whether the phase is an end: no worker is called and nothing is watched. */
  readonly final: boolean;
  /** Whether the phase is an end with a worker, which is not polled. Default: false. */
  readonly resting?: true;
  /** Whether a resource in this phase has the condition Ready=True. */
  readonly ready: boolean;
  /** Names of the phases that may follow, in the order of the file. Includes the phase itself. */
  readonly next: readonly string[];
  /** Whether autopilot.yaml restricts `next`. If not, each phase may follow. */
  readonly nextDeclared: boolean;
  /**
   * Longest time between two reconciles, as a duration. Default: `workInterval` of
   * autopilot-operator.yaml.
   */
  readonly interval?: string;
  /** Longest time in the phase, as a duration. Default: no limit. */
  readonly timeout?: string;
  /** Phase that follows when the timeout has passed. Present when `timeout` is. */
  readonly onTimeout?: string;
  /**
   * Phase that follows when the spec changes, or `ignore`. Default: the initial phase for final
   * phases, `ignore` for others.
   */
  readonly onSpecChange?: string;
  /** Whether a transition into this phase waits for an approval. */
  readonly approval: boolean;
  /** What a pause does with field claims and prunable outputs. Default: `keep`. */
  readonly whilePaused?: 'keep' | 'release';
  /** Earlier names of the phase, which stored resources may still have in `status.phase`. */
  readonly formerly: readonly string[];
  /** Whether the worker gets queries to Prometheus (the input `metrics`). */
  readonly metrics: boolean;
  /** Kinds that the worker reads, without `metrics`. */
  readonly inputs: readonly ModelInput[];
  /** Kinds that the worker writes, in the order in which they are applied. */
  readonly outputs: readonly ModelOutput[];
  /** Line of the phase in autopilot.yaml. The first line is 1. */
  readonly line: number;
}

/** The finalizer: work before a resource is deleted. */
export interface ModelFinalizer {
  /** Whether the finalizer gets queries to Prometheus (the input `metrics`). */
  readonly metrics: boolean;
  /** Kinds that the finalizer reads, without `metrics`. */
  readonly inputs: readonly ModelInput[];
  /** Kinds that the finalizer writes, in the order in which they are applied. */
  readonly outputs: readonly ModelOutput[];
  /**
   * Longest time of one call, as a duration. Default: `workerTimeout` of autopilot-operator.yaml.
   */
  readonly timeout?: string;
  /** Line of the finalizer in autopilot.yaml. The first line is 1. */
  readonly line: number;
}

/** Inputs and outputs of a phase or of the finalizer. */
export type KindUses = Pick<ModelPhase | ModelFinalizer, 'inputs' | 'outputs'>;

/**
 * Whether a worker can claim fields of existing objects of an output. That needs the kind among the
 * inputs too, because a field claim starts from the object that the worker has read.
 */
export function isClaimable({ inputs }: Pick<KindUses, 'inputs'>, output: ModelOutput): boolean {
  return inputs.some(
    ({ kind }) => kind.group === output.kind.group && kind.plural === output.kind.plural,
  );
}

/** All users of kinds in a model: the phases, and the finalizer if there is one. */
export function kindUses(model: Pick<Model, 'phases' | 'finalizer'>): readonly KindUses[] {
  return [...model.phases, ...(model.finalizer === undefined ? [] : [model.finalizer])];
}

/** An earlier version of the kind that the CRD keeps. */
export interface ModelFormerVersion {
  /** Name of the version, for example `v1alpha1`. */
  readonly name: string;
  /** Whether the API server answers requests for the version. */
  readonly served: boolean;
  /**
   * Text of the warning for clients of the version. Empty: the API server's own text. Default: no
   * warning.
   */
  readonly deprecated?: string;
}

/** A whole project. */
export interface Model {
  /** Kind of the resource in Pascal case, for example `AutoRoute`. */
  readonly kind: string;
  /** API group of the kind, for example `examples.io`. */
  readonly group: string;
  /** API version of the kind, for example `v1`. */
  readonly version: string;
  /** Earlier versions of the kind that the CRD keeps, in the order of autopilot.yaml. */
  readonly formerVersions: readonly ModelFormerVersion[];
  /** Lower-case plural of the kind, as in the name of the CRD. */
  readonly plural: string;
  /** Lower-case singular of the kind. */
  readonly singular: string;
  /** Name of the operator and of its chart. */
  readonly operatorName: string;
  /** Whether resources are in namespaces. */
  readonly scope: 'Namespaced' | 'Cluster';
  /** All phases, in the order of autopilot.yaml. */
  readonly phases: readonly ModelPhase[];
  /** The project's queries, then the built-in ones that they do not replace. */
  readonly queries: readonly ModelQuery[];
  /** Kinds that a phase or the finalizer uses, sorted by name, without `metrics`. */
  readonly kinds: readonly KindDefinition[];
  /** The finalizer. Default: none. */
  readonly finalizer?: ModelFinalizer;
  /** Names in `customParameters` that are not names of built-in kinds, used or not. */
  readonly customParameters: readonly string[];
  /** CRDs that entries of `customParameters` ask for. */
  readonly crds: readonly CrdRequest[];
  /** PolicyRules of `rbac.extraRules`, as written. */
  readonly extraRules: readonly unknown[];
  /** Messages for the user about questionable settings. Warnings stop nothing. */
  readonly warnings: readonly string[];
}
