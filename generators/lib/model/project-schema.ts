/**
 * The shape of autopilot.yaml. This one definition types the file, validates it, and is the source
 * of the JSON Schema for editors and of docs/reference/autopilot-yaml.md. Checks across several
 * fields are in validate-project.ts.
 */
import { z } from 'zod';
import { customParameterFieldsOf2019, enableFinalizerField } from './compat-2019.ts';

/** Regular expression of all durations that users write. Units: ms, s, m and h. */
export const DURATION_PATTERN = '^(\\d+(\\.\\d+)?(ms|s|m|h))+$';

/** A duration in autopilot.yaml and autopilot-operator.yaml. */
export const durationSchema = z
  .string()
  .regex(new RegExp(DURATION_PATTERN), "must be a duration such as '10s', '1m30s' or '500ms'");

const nameSchema = z.string().min(1);

const labelSelectorSchema = z.union([z.string().min(1), z.record(z.string(), z.string())]);

const KIND_NAME_HELP =
  'Name of a kind: a built-in one, or the `lowerName` of an entry of customParameters.';
const OPTIONAL_HELP = 'Whether the kind may be absent from the cluster. Default: false.';

const inputNamespace = z
  .enum(['own', 'all'])
  .optional()
  .describe(
    "Namespaces that are read. `own`: the resource's namespace. `all`: all namespaces that the operator watches. Default: `own`; `all` for a cluster-scoped resource.",
  );

/** An entry of `inputs`. */
export const inputSchema = z.union([
  nameSchema.describe(
    `${KIND_NAME_HELP} \`metrics\` gives the worker queries to Prometheus in place of objects.`,
  ),
  z.strictObject({
    name: nameSchema.describe(KIND_NAME_HELP),
    selector: labelSelectorSchema
      .optional()
      .describe(
        'Label selector of the objects to read: `app=web,tier in (a,b)`, or a mapping of labels to values. Default: all objects.',
      ),
    namespace: inputNamespace,
    optional: z
      .boolean()
      .optional()
      .describe(
        `${OPTIONAL_HELP} If the kind is absent, \`inputs.<name>.available\` is false in the worker.`,
      ),
  }),
]);

/** An entry of `outputs`. */
export const outputSchema = z.union([
  nameSchema.describe(KIND_NAME_HELP),
  z.strictObject({
    name: nameSchema.describe(KIND_NAME_HELP),
    namespace: z
      .enum(['own', 'all'])
      .optional()
      .describe(
        "Namespaces that are written. `own`: the resource's namespace. `all`: any namespace. Default: `own`; `all` for a cluster-scoped resource.",
      ),
    prune: z
      .boolean()
      .optional()
      .describe(
        'Whether objects that the worker no longer returns are deleted. The worker then always returns the complete list. Default: false.',
      ),
    whenUndone: nameSchema
      .optional()
      .describe(
        'What happens when another client changes or deletes an object of the output, or changes a field that the worker claimed in it. `repair`: it is set again, the first two times at once, then after delays of 1 s to 1 min. `giveUp`: it stays as it is until the worker wants something else. Name of a phase: the resource goes to that phase without a call of the worker. Default: `repair`.',
      ),
    optional: z.boolean().optional().describe(OPTIONAL_HELP),
  }),
]);

/** An entry of `phases`. */
export const phaseSchema = z.strictObject({
  name: nameSchema.describe(
    'Letters and digits, beginning with a letter. Value of `status.phase`. Its lower-case form names the file of the worker.',
  ),
  description: z
    .string()
    .optional()
    .describe(
      'What happens in the phase. Shown in the generated types, in the README and in the Ready condition.',
    ),
  initial: z
    .boolean()
    .optional()
    .describe('Whether new resources start in this phase. Exactly one phase is initial.'),
  final: z
    .boolean()
    .optional()
    .describe(
      'Whether the phase is an end: no worker is called and nothing is watched. Default: false.',
    ),
  resting: z
    .boolean()
    .optional()
    .describe(
      'Whether the phase is an end with a worker, which keeps its outputs and field claims as they are. It is ready by default, and a changed spec leads to the initial phase. Without `interval`, only changes of what it reads and writes call the worker. Default: false.',
    ),
  inputs: z
    .array(inputSchema)
    .optional()
    .describe(
      'Kinds that the worker reads. A change of an object that the worker has read enqueues the resource.',
    ),
  outputs: z
    .array(outputSchema)
    .optional()
    .describe('Kinds that the worker writes, in the order in which they are applied.'),
  next: z
    .array(nameSchema)
    .optional()
    .describe('Phases that may follow. The phase itself is always allowed. Default: each phase.'),
  ready: z
    .boolean()
    .optional()
    .describe(
      'Whether a resource in this phase has the condition Ready=True. Default: true for final and resting phases, false for others. A phase with outputs becomes ready after its first successful reconcile. On a final phase, `false` marks a failed end (Ready=False).',
    ),
  interval: durationSchema
    .optional()
    .describe(
      'Longest time between two reconciles in this phase. Values below 100ms count as 100ms. Default: `workInterval` of autopilot-operator.yaml; a resting phase is not polled.',
    ),
  timeout: durationSchema
    .optional()
    .describe(
      'Longest time in this phase. Afterwards the resource goes to `onTimeout`. Default: no limit.',
    ),
  onTimeout: nameSchema
    .optional()
    .describe('Phase that follows when `timeout` has passed. Set both or neither.'),
  onSpecChange: nameSchema
    .optional()
    .describe(
      'Phase that follows when the spec changes, or `ignore`. Default: the initial phase for final and resting phases, `ignore` for others.',
    ),
  approval: z
    .literal('required')
    .optional()
    .describe(
      '`required`: a transition into this phase waits for an approval. The resource stays in its phase with the outputs applied, until a user sets the annotation that the condition AwaitingApproval names. Default: no approval.',
    ),
  whilePaused: z
    .enum(['keep', 'release'])
    .optional()
    .describe(
      'What a pause does with the field claims of the resource and with the outputs of the phase that have `prune: true`. `keep`: they stay as they are. `release`: the claims are given back and those outputs are deleted; the worker makes them again when the resource is resumed. Default: `keep`.',
    ),
  formerly: z
    .array(nameSchema)
    .optional()
    .describe(
      'Earlier names of the phase. A resource whose `status.phase` is one of them is treated as being in this phase.',
    ),
});

/** An entry of `formerVersions`. */
export const formerVersionSchema = z.strictObject({
  name: nameSchema.describe('Name of the version, for example `v1alpha1`.'),
  served: z
    .boolean()
    .optional()
    .describe('Whether the API server answers requests for the version. Default: true.'),
  deprecated: z
    .union([z.boolean(), z.string().min(1)])
    .optional()
    .describe(
      "Whether clients of the version get a warning. A string is the text of the warning, `true` stands for the API server's own text. Default: false.",
    ),
});

/** An entry of `customParameters`. */
export const customParameterSchema = z.strictObject({
  lowerName: nameSchema.describe('Name in inputs and outputs: lower-case letters and digits.'),
  singleName: nameSchema.describe('Kind, as the API server spells it.'),
  pluralName: customParameterFieldsOf2019.pluralName,
  importPrefix: customParameterFieldsOf2019.importPrefix,
  package: customParameterFieldsOf2019.package,
  apiGroup: z
    .string()
    .optional()
    .describe('API group. Default: the group of the CRD; without `crd` the core group.'),
  isCrd: customParameterFieldsOf2019.isCrd,
  version: nameSchema
    .optional()
    .describe('API version. Default: the newest version that the CRD serves; without `crd` `v1`.'),
  scope: z
    .enum(['Namespaced', 'Cluster'])
    .optional()
    .describe(
      'Whether objects are in namespaces. Default: the scope of the CRD; without `crd` `Namespaced`.',
    ),
  plural: nameSchema
    .optional()
    .describe('Plural in API paths. Default: the plural of the CRD; without `crd` `lowerName`.'),
  crd: nameSchema
    .optional()
    .describe(
      'Source of the CustomResourceDefinition from which types are generated: the path of a YAML or JSON file relative to the project, or `cluster` for the cluster of the current kubeconfig. A file may have several documents; other objects in it are skipped. Files are read as kubectl reads them. A patch of kustomize or a template of Helm must be rendered first. The cluster is read once with kubectl; the copy in `.autopilot/crds` is used until `generate --refresh`. Default: no types.',
    ),
});

/** An entry of `queries`. */
export const querySchema = z.strictObject({
  name: nameSchema.describe(
    'Words joined by dashes. The camelCase form is the method on `metrics` in workers.',
  ),
  queryTemplate: nameSchema.describe('PromQL with placeholders such as `{{ .Name }}`.'),
  parameters: z
    .array(nameSchema)
    .optional()
    .describe(
      "Names of the placeholders. `namespace` need not be listed; its default is the resource's namespace.",
    ),
});

/** The section `finalizer`. */
export const finalizerSchema = z.strictObject({
  inputs: z.array(inputSchema).optional().describe('Kinds that the finalizer reads.'),
  outputs: z
    .array(outputSchema)
    .optional()
    .describe('Kinds that the finalizer writes, in the order in which they are applied.'),
  timeout: durationSchema
    .optional()
    .describe(
      'Longest time of one call. Afterwards its AbortSignal fires, and the finalizer is called again. Default: `workerTimeout` of autopilot-operator.yaml.',
    ),
});

/** The whole autopilot.yaml. */
export const projectSchema = z.strictObject({
  kind: nameSchema.describe('Kind of the resource in Pascal case.'),
  plural: nameSchema
    .optional()
    .describe(
      'Plural of the kind in API paths and in the name of the CRD. Default: the English plural in lower case. A change makes another CRD, without the stored resources.',
    ),
  apiVersion: nameSchema.describe('API group and version, for example `examples.io/v1`.'),
  formerVersions: z
    .array(formerVersionSchema)
    .optional()
    .describe(
      'Earlier versions of the kind that the CRD keeps. They have the schema of the present version: resources are stored in the version of `apiVersion`, and no field is converted. Default: none.',
    ),
  operatorName: nameSchema
    .optional()
    .describe('Name of the operator and of its chart. Default: `<kind>-operator` in lower case.'),
  scope: z
    .enum(['Namespaced', 'Cluster'])
    .optional()
    .describe('Whether resources are in namespaces. Default: Namespaced.'),
  phases: z
    .array(phaseSchema)
    .min(1, 'must have at least one phase')
    .describe('The phases of the state machine.'),
  enableFinalizer: enableFinalizerField,
  finalizer: finalizerSchema
    .optional()
    .describe('Adds a finalizer: work in src/finalizer.ts before a resource is deleted.'),
  customParameters: z
    .array(customParameterSchema)
    .optional()
    .describe('Kinds that are not built in.'),
  queries: z.array(querySchema).optional().describe('Queries to Prometheus that are not built in.'),
  rbac: z
    .strictObject({
      extraRules: z
        .array(z.looseObject({}))
        .optional()
        .describe('PolicyRules for requests that workers send with a client of their own.'),
    })
    .optional()
    .describe('RBAC rules beyond the ones that follow from inputs and outputs.'),
});

/** autopilot.yaml after the check of its shape. */
export type ProjectDocument = z.infer<typeof projectSchema>;
/** An entry of `phases` in autopilot.yaml. */
export type PhaseDocument = z.infer<typeof phaseSchema>;
/** An entry of `formerVersions` in autopilot.yaml. */
export type FormerVersionDocument = z.infer<typeof formerVersionSchema>;
/** An entry of `inputs` in autopilot.yaml. */
export type InputDocument = z.infer<typeof inputSchema>;
/** An entry of `outputs` in autopilot.yaml. */
export type OutputDocument = z.infer<typeof outputSchema>;
/** An entry of `customParameters` in autopilot.yaml. */
export type CustomParameterDocument = z.infer<typeof customParameterSchema>;

/** Name of the kind that an input or an output uses. */
export function kindNameOf(use: InputDocument | OutputDocument): string {
  return typeof use === 'string' ? use : use.name;
}

const knownFields: Readonly<Record<string, readonly string[]>> = {
  phases: Object.keys(phaseSchema.shape),
  customParameters: Object.keys(customParameterSchema.shape),
  formerVersions: Object.keys(formerVersionSchema.shape),
  queries: Object.keys(querySchema.shape),
  inputs: Object.keys(inputSchema.options[1].shape),
  outputs: Object.keys(outputSchema.options[1].shape),
  finalizer: Object.keys(finalizerSchema.shape),
  rbac: ['extraRules'],
};

/**
 * Known fields of a mapping, for suggestions.
 * @param section nearest named part of the path. Default: the top of autopilot.yaml.
 */
export function knownFieldsOf(section: string | undefined): readonly string[] {
  if (section === undefined) {
    return Object.keys(projectSchema.shape);
  }
  return Object.hasOwn(knownFields, section) ? (knownFields[section] ?? []) : [];
}
