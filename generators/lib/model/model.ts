/**
 * The model of a project: autopilot.yaml after loading, validation and defaults. Everything that
 * render/ turns into files.
 * Plain data, no Yeoman, no file system.
 */
import type { StructuralSchema } from '../util/structural-schema.ts';
import type { CrdRequest } from '../kinds/foreign-crd.ts';

export interface KindDefinition {
  /** Name in autopilot.yaml: `virtualservices`. */
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Of the project's own parameter: made into an interface beside the phases' types. */
  readonly schema?: { readonly of: StructuralSchema; readonly from: string };
  /** Where workers get the TypeScript interface from; absent: `KubeObject`. */
  readonly module?: { readonly package: string; readonly path: string; readonly name: string };
}

export interface ModelInput {
  readonly kind: KindDefinition;
  readonly namespace: 'own' | 'all';
  /** Label selector in the wire form. */
  readonly selector?: string;
  readonly optional: boolean;
}

export interface ModelOutput {
  readonly kind: KindDefinition;
  readonly namespace: 'own' | 'all';
  readonly prune: boolean;
  readonly optional: boolean;
}

export interface ModelPhase {
  readonly name: string;
  /**
   * `virtual-services`-free: the lower-cased name, base of src/workers/<file>.ts and
   * src/generated/<file>.ts.
   */
  readonly file: string;
  readonly description?: string;
  readonly initial: boolean;
  readonly final: boolean;
  readonly ready: boolean;
  /** Resolved: phases this one may go to, itself included, in order of the file. */
  readonly next: readonly string[];
  /** Whether autopilot.yaml says `next` (else any phase is allowed). */
  readonly nextDeclared: boolean;
  readonly interval?: string;
  readonly timeout?: string;
  readonly onTimeout?: string;
  readonly onSpecChange?: string;
  readonly approval: boolean;
  readonly formerly: readonly string[];
  /** Has the pseudo-input `metrics`. */
  readonly metrics: boolean;
  readonly inputs: readonly ModelInput[];
  readonly outputs: readonly ModelOutput[];
  /** Line in autopilot.yaml, from 1. */
  readonly line: number;
}

export interface ModelFinalizer {
  readonly metrics: boolean;
  readonly inputs: readonly ModelInput[];
  readonly outputs: readonly ModelOutput[];
  readonly timeout?: string;
  /** Line in autopilot.yaml, from 1. */
  readonly line: number;
}

export interface ModelQuery {
  /** As in autopilot.yaml: `istio-success-rate`. */
  readonly name: string;
  /** Method on `metrics`: `istioSuccessRate`. */
  readonly method: string;
  readonly template: string;
  readonly parameters: readonly string[];
  /** Parameters with a fixed choice; the first is the default. */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
}

/** Only kinds that the same phase reads can be edited in place. */
export function isClaimable(
  { inputs }: Pick<ModelPhase | ModelFinalizer, 'inputs'>,
  output: ModelOutput,
): boolean {
  return inputs.some(
    ({ kind }) => kind.group === output.kind.group && kind.plural === output.kind.plural,
  );
}

export interface Model {
  readonly kind: string;
  readonly group: string;
  readonly version: string;
  /** Lower-case plural of the kind, as in the CRD's name. */
  readonly plural: string;
  readonly singular: string;
  readonly operatorName: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly phases: readonly ModelPhase[];
  readonly queries: readonly ModelQuery[];
  /** All parameters that some phase or the finalizer names, without `metrics`, sorted by name. */
  readonly kinds: readonly KindDefinition[];
  readonly finalizer?: ModelFinalizer;
  /** Names of the project's own parameters, used or not, that no built-in one has. */
  readonly customParameters: readonly string[];
  /** Those of them that name a CRD. */
  readonly crds: readonly CrdRequest[];
  readonly extraRules: readonly unknown[];
  /** Sentences for the user that do not stop anything. */
  readonly warnings: readonly string[];
}

/** Who owns a file of the generated project (docs/design.md). */
export type Ownership = 'user-owned' | 'generated' | 'merged';

export interface ProjectFile {
  /** Relative to the project, with forward slashes. */
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly ownership: Ownership;
  /**
   * Of a file that is the user's: the part of its text that follows the machine, brought up to
   * date.
   */
  readonly refresh?: (text: string) => string;
}
