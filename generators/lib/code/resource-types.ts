/** src/generated/<kind>.ts: the types of the operator's own kind, and what all phases share. */
import type { Model, ModelPhase } from '../model/model.ts';
import { docComment, GENERATED_HEADER, quoteString, unionType } from '../util/typescript-text.ts';

/**
 * Renders the types. All names that are not made from the kind are lower-case, behind a namespace,
 * or get an underscore when the kind has the name. No kind can collide with them.
 *
 * @param typedConfig true when src/spec.ts has an interface `<Kind>Config` for `config:`
 */
export function renderResourceTypes(model: Model, typedConfig: boolean): string {
  const { kind, group, version, phases } = model;
  const phaseDocs = docComment(phases.map(describePhase).join('\n'));
  const phaseNames = unionType(phases.map(({ name }) => name));
  const config = typedConfig ? `runtime.DeepReadonly<spec.${kind}Config>` : 'unknown';
  const condition = freeName('Condition', kind);
  const context = phaseContextName(model);
  const info = `runtime.DeepReadonly<spec.${kind}StatusInfo>`;
  return `${GENERATED_HEADER}
import type * as runtime from 'autopilot-runtime/generated';
import type * as spec from '../spec.ts';

${phaseDocs}export type ${kind}Phase = ${phaseNames};

export interface ${condition} {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

/** Fields of \`status\` that the runtime writes. ${kind}StatusInfo has the other ones. */
export interface ${kind}RuntimeStatus {
  readonly phase?: ${kind}Phase;
  readonly observedGeneration?: number;
  readonly conditions?: readonly ${condition}[];
  readonly autopilot?: { readonly [name: string]: unknown };
}

export interface ${kind} {
  readonly apiVersion: ${quoteString(`${group}/${version}`)};
  readonly kind: ${quoteString(kind)};
  readonly metadata: runtime.ObjectMeta;
  readonly spec: runtime.DeepReadonly<spec.${kind}Spec>;
  readonly status?: ${kind}RuntimeStatus & globalThis.Partial<${info}>;
}

/**
 * What the workers of all phases and the finalizer are called with: resource, config, log, signal,
 * now and so on. A function that takes a \`${context}\` can be called by every worker.
 */
export type ${context}<inputs = unknown> = runtime.BaseContext<${kind}, inputs, ${config}>;
`;
}

/** Name of the type that is the context of every phase: `PhaseContext`. */
export function phaseContextName({ kind }: Model): string {
  return freeName('PhaseContext', kind);
}

/** A name that is not the kind, which has no underscore. */
function freeName(name: string, kind: string): string {
  return name === kind ? `${name}_` : name;
}

function describePhase({ name, description }: ModelPhase): string {
  return description === undefined ? name : `${name}: ${description.trim()}`;
}
