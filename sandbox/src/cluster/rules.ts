/** Rules in CEL (`x-kubernetes-validations`). */
import type { KubeObject } from 'autopilot-runtime/ports';
import type { Cause } from './errors.ts';
import type { Kind } from './kinds.ts';

export interface Rules {
  problemsOf(kind: Kind, object: KubeObject, before: KubeObject | undefined): readonly Cause[];
}

export const NO_RULES: Rules = { problemsOf: () => [] };
