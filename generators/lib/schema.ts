/** The shape of autopilot.yaml: one definition types it and validates it. Everything that needs knowledge of other places is in check.ts. */
import { z } from 'zod';

const duration = z.string().regex(/^(\d+(\.\d+)?(ms|s|m|h))+$/, "must be a duration such as '10s', '1m30s' or '500ms'");
const name = z.string().min(1);

const labelSelector = z.union([z.string().min(1), z.record(z.string(), z.string())]);

export const inputSchema = z.union([
  name,
  z.strictObject({ name, selector: labelSelector.optional(), namespace: z.enum(['own', 'all']).optional(), optional: z.boolean().optional() }),
]);

export const outputSchema = z.union([
  name,
  z.strictObject({ name, namespace: z.enum(['own', 'all']).optional(), prune: z.boolean().optional(), optional: z.boolean().optional() }),
]);

export const phaseSchema = z.strictObject({
  name,
  description: z.string().optional(),
  initial: z.boolean().optional(),
  final: z.boolean().optional(),
  inputs: z.array(inputSchema).optional(),
  outputs: z.array(outputSchema).optional(),
  next: z.array(name).optional(),
  ready: z.boolean().optional(),
  interval: duration.optional(),
  timeout: duration.optional(),
  onTimeout: name.optional(),
  onSpecChange: name.optional(),
  approval: z.literal('required').optional(),
  formerly: z.array(name).optional(),
});

export const parameterSchema = z.strictObject({
  lowerName: name,
  singleName: name,
  pluralName: name.optional(),
  /** The original's Go import alias and path; a version in the path is used, the rest has no meaning here. */
  importPrefix: z.string().optional(),
  package: z.string().optional(),
  apiGroup: z.string().optional(),
  isCrd: z.boolean().optional(),
  version: name.optional(),
  scope: z.enum(['Namespaced', 'Cluster']).optional(),
  plural: name.optional(),
});

export const querySchema = z.strictObject({ name, queryTemplate: name, parameters: z.array(name).optional() });

export const projectSchema = z.strictObject({
  kind: name,
  apiVersion: name,
  operatorName: name.optional(),
  scope: z.enum(['Namespaced', 'Cluster']).optional(),
  phases: z.array(phaseSchema).min(1, 'must have at least one phase'),
  enableFinalizer: z.boolean().optional(),
  finalizer: z.strictObject({ inputs: z.array(inputSchema).optional(), outputs: z.array(outputSchema).optional(), timeout: duration.optional() }).optional(),
  customParameters: z.array(parameterSchema).optional(),
  queries: z.array(querySchema).optional(),
  rbac: z.strictObject({ extraRules: z.array(z.looseObject({})).optional() }).optional(),
});

export type ProjectDocument = z.infer<typeof projectSchema>;
export type PhaseDocument = z.infer<typeof phaseSchema>;
export type InputDocument = z.infer<typeof inputSchema>;
export type OutputDocument = z.infer<typeof outputSchema>;

/** Known keys by the kind of mapping, for "did you mean". */
export const knownKeys = {
  project: Object.keys(projectSchema.shape),
  phases: Object.keys(phaseSchema.shape),
  customParameters: Object.keys(parameterSchema.shape),
  queries: Object.keys(querySchema.shape),
  inputs: ['name', 'selector', 'namespace', 'optional'],
  outputs: ['name', 'namespace', 'prune', 'optional'],
  finalizer: ['inputs', 'outputs', 'timeout'],
  rbac: ['extraRules'],
} as const;
