/**
 * A project that is still to be written, as options and dialogue name it, and what is taken where
 * nothing is said. Imports nothing: it is there before the first question.
 */

export interface NewPhase {
  readonly name: string;
  readonly description?: string;
  readonly initial?: boolean;
  readonly final?: boolean;
  /** Default: as `final`. */
  readonly ready?: boolean;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  /** Default: anywhere. */
  readonly next?: readonly string[];
}

export interface NewFinalizer {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
}

export interface NewProject {
  readonly kind: string;
  readonly apiVersion: string;
  readonly operatorName: string;
  readonly phases: readonly NewPhase[];
  readonly finalizer?: NewFinalizer;
}

export const DEFAULT_API_VERSION = 'examples.io/v1';

export function defaultOperatorName(kind: string): string {
  return `${kind.toLowerCase()}-operator`;
}

/** The original's first project: Initializing, Processing, Finished. */
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
