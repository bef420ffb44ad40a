/**
 * The shape of autopilot.yaml: one definition types it, validates it, and is the JSON Schema for
 * editors and the reference page.
 * Everything that needs knowledge of other places is in check.ts.
 */
import { z } from 'zod';

/** Of every duration that a user writes. */
export const DURATION_PATTERN = '^(\\d+(\\.\\d+)?(ms|s|m|h))+$';

/** A duration as autopilot.yaml and autopilot-operator.yaml have it. */
export const durationSchema = z
  .string()
  .regex(new RegExp(DURATION_PATTERN), "must be a duration such as '10s', '1m30s' or '500ms'");
const nameSchema = z.string().min(1);

const labelSelectorSchema = z.union([z.string().min(1), z.record(z.string(), z.string())]);

const KIND_NAME_HELP = 'Name of a parameter: one of the built-in kinds, or of customParameters.';
const NAMESPACE_HELP =
  "`own`: the resource's own namespace (default; a cluster-scoped resource has none); `all`: every namespace that the operator watches.";
const OPTIONAL_HELP = 'The kind may be absent from the cluster.';

export const inputSchema = z.union([
  nameSchema.describe(
    `${KIND_NAME_HELP} \`metrics\` gives the worker queries to Prometheus instead of objects.`,
  ),
  z.strictObject({
    name: nameSchema.describe(KIND_NAME_HELP),
    selector: labelSelectorSchema
      .optional()
      .describe(
        'Labels that objects must carry: `app=web,tier in (a,b)`, or a mapping of labels to values.',
      ),
    namespace: z.enum(['own', 'all']).optional().describe(NAMESPACE_HELP),
    optional: z
      .boolean()
      .optional()
      .describe(`${OPTIONAL_HELP} \`inputs.<name>.available\` is false then.`),
  }),
]);

export const outputSchema = z.union([
  nameSchema.describe(KIND_NAME_HELP),
  z.strictObject({
    name: nameSchema.describe(KIND_NAME_HELP),
    namespace: z.enum(['own', 'all']).optional().describe(NAMESPACE_HELP),
    prune: z
      .boolean()
      .optional()
      .describe(
        'What the worker returns is the complete set: what it leaves out is deleted. Default: false.',
      ),
    optional: z.boolean().optional().describe(OPTIONAL_HELP),
  }),
]);

export const phaseSchema = z.strictObject({
  name: nameSchema.describe(
    'Letters and digits: the value of status.phase, and the base of the file of the worker.',
  ),
  description: z
    .string()
    .optional()
    .describe(
      'What happens in this phase; shown in types, in the README and in the Ready condition.',
    ),
  initial: z
    .boolean()
    .optional()
    .describe('A new resource starts here. Exactly one phase is initial.'),
  final: z.boolean().optional().describe('The resource is done: no worker, nothing is watched.'),
  inputs: z
    .array(inputSchema)
    .optional()
    .describe('What the worker reads. A change of what it has read wakes the resource.'),
  outputs: z
    .array(outputSchema)
    .optional()
    .describe('What the worker writes, in the order in which it is applied.'),
  next: z
    .array(nameSchema)
    .optional()
    .describe('Phases this one may go to; itself is always allowed. Default: any.'),
  ready: z
    .boolean()
    .optional()
    .describe(
      'Whether a resource here counts as ready. Default: true for final phases, false for others. One with outputs is ready with its first sync that goes well. `false` on a final phase: it ended badly.',
    ),
  interval: durationSchema
    .optional()
    .describe(
      'The latest next sync while the resource stays. Default: workInterval of autopilot-operator.yaml. Less than 100ms counts as 100ms.',
    ),
  timeout: durationSchema
    .optional()
    .describe('How long a resource may stay; then it goes to onTimeout.'),
  onTimeout: nameSchema.optional().describe('The phase to go to when the timeout is over.'),
  onSpecChange: nameSchema
    .optional()
    .describe(
      'The phase to go to when the spec changes, or `ignore`. Default: the initial one for final phases, `ignore` for others.',
    ),
  approval: z
    .literal('required')
    .optional()
    .describe(
      'The transition into this phase waits for a person: held, with its outputs applied, until somebody sets the annotation that the condition AwaitingApproval names.',
    ),
  formerly: z
    .array(nameSchema)
    .optional()
    .describe('Old names: a resource found in one of them is taken as being here.'),
});

export const customParameterSchema = z.strictObject({
  lowerName: nameSchema.describe('Its name in inputs and outputs: lower-case letters and digits.'),
  singleName: nameSchema.describe('The kind, in Pascal case.'),
  pluralName: nameSchema
    .optional()
    .describe('Of the original: plural of the kind in Pascal case. Not used.'),
  importPrefix: z.string().optional().describe('Of the original: Go import alias. Not used.'),
  package: z
    .string()
    .optional()
    .describe(
      'Of the original: Go import path. A version at its end is used when `version` is absent.',
    ),
  apiGroup: z.string().optional().describe('Default: that of the CRD; without one the core group.'),
  isCrd: z.boolean().optional().describe('Of the original. Not used.'),
  version: nameSchema
    .optional()
    .describe('Default: the newest one that the CRD serves; without a CRD `v1`.'),
  scope: z
    .enum(['Namespaced', 'Cluster'])
    .optional()
    .describe('Default: as in the CRD; without one Namespaced.'),
  plural: nameSchema
    .optional()
    .describe('The plural in API paths. Default: as in the CRD; without one lowerName.'),
  crd: nameSchema
    .optional()
    .describe(
      'Where its CustomResourceDefinition is, so that inputs and outputs are typed: a YAML or JSON file of the project, or `cluster` for that of the current kubeconfig (read once with kubectl, kept in `.autopilot/crds`, read again by `generate --refresh`).',
    ),
});

export const querySchema = z.strictObject({
  name: nameSchema.describe(
    'Words joined by dashes; the method on `metrics` is its camelCase form.',
  ),
  queryTemplate: nameSchema.describe('PromQL with `{{ .Parameter }}` placeholders.'),
  parameters: z
    .array(nameSchema)
    .optional()
    .describe(
      "The placeholders. `namespace` need not be listed: it is the resource's own unless said.",
    ),
});

export const finalizerSchema = z.strictObject({
  inputs: z.array(inputSchema).optional().describe('What the finalizer reads.'),
  outputs: z.array(outputSchema).optional().describe('What the finalizer writes.'),
  timeout: durationSchema
    .optional()
    .describe(
      'How long one call may take before its signal is aborted; it is called again then. Default: workerTimeout.',
    ),
});

export const projectSchema = z.strictObject({
  kind: nameSchema.describe('Kind of the resource, in Pascal case.'),
  apiVersion: nameSchema.describe('`group/version`, such as `examples.io/v1`.'),
  operatorName: nameSchema
    .optional()
    .describe('Name of the operator and its chart. Default: `<kind>-operator`.'),
  scope: z
    .enum(['Namespaced', 'Cluster'])
    .optional()
    .describe('Whether resources lie in namespaces. Default: Namespaced.'),
  phases: z
    .array(phaseSchema)
    .min(1, 'must have at least one phase')
    .describe('The state machine.'),
  enableFinalizer: z.boolean().optional().describe('The empty form of `finalizer`.'),
  finalizer: finalizerSchema
    .optional()
    .describe('Work to do before a resource may go: src/finalizer.ts.'),
  customParameters: z
    .array(customParameterSchema)
    .optional()
    .describe('Kinds beside the built-in ones.'),
  queries: z.array(querySchema).optional().describe('Queries beside the built-in ones.'),
  rbac: z
    .strictObject({
      extraRules: z
        .array(z.looseObject({}))
        .optional()
        .describe('PolicyRules for calls that workers make themselves.'),
    })
    .optional()
    .describe('Rights beyond those of the inputs and outputs.'),
});

export type ProjectDocument = z.infer<typeof projectSchema>;
export type PhaseDocument = z.infer<typeof phaseSchema>;
export type InputDocument = z.infer<typeof inputSchema>;
export type OutputDocument = z.infer<typeof outputSchema>;

/** Known keys by the kind of mapping, for "did you mean". */
export const knownKeys = {
  project: Object.keys(projectSchema.shape),
  phases: Object.keys(phaseSchema.shape),
  customParameters: Object.keys(customParameterSchema.shape),
  queries: Object.keys(querySchema.shape),
  inputs: ['name', 'selector', 'namespace', 'optional'],
  outputs: ['name', 'namespace', 'prune', 'optional'],
  finalizer: Object.keys(finalizerSchema.shape),
  rbac: ['extraRules'],
} as const;
