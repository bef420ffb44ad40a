/**
 * A project that is not written yet, as options and prompts describe it, and its defaults. Imports
 * nothing, because it is loaded before the first prompt.
 */

/** A phase that is not written yet. */
export interface NewPhase {
  readonly name: string;
  readonly description?: string;
  readonly initial?: boolean;
  readonly final?: boolean;
  /** Whether the phase is an end with a worker. Default: false. */
  readonly resting?: boolean;
  /** Whether a resource in the phase is ready. Default: whether the phase is final or resting. */
  readonly ready?: boolean;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  /** Phases that may follow. Default: each phase. */
  readonly next?: readonly string[];
  /** What a pause does with field claims and prunable outputs. Default: `keep`. */
  readonly whilePaused?: 'keep' | 'release';
}

/** A finalizer that is not written yet. */
export interface NewFinalizer {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
}

/** A project that is not written yet. */
export interface NewProject {
  readonly kind: string;
  readonly apiVersion: string;
  readonly operatorName: string;
  readonly phases: readonly NewPhase[];
  readonly finalizer?: NewFinalizer;
}

/** API group and version of a new project when none are given. */
export const DEFAULT_API_VERSION = 'examples.io/v1';

/** Name of the operator of a kind when none is given. */
export function defaultOperatorName(kind: string): string {
  return `${kind.toLowerCase()}-operator`;
}

/** Phases of a new project when none are given: Initializing, Processing and Finished. */
export function defaultPhases(kind: string): NewPhase[] {
  return [
    {
      name: 'Initializing',
      description: `${kind} has begun initializing`,
      initial: true,
      outputs: ['virtualservices'],
      next: ['Processing'],
    },
    {
      name: 'Processing',
      description: `${kind} has begun processing`,
      inputs: ['metrics'],
      outputs: ['virtualservices'],
      next: ['Finished'],
    },
    { name: 'Finished', description: `${kind} has finished`, final: true },
  ];
}
