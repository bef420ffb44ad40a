/**
 * The CustomResourceDefinition of a model: the user's types for spec and status, our fields beside
 * them.
 */
import type { Model } from '../model/model.ts';
import { validateValue } from '../util/validate-value.ts';
import { orderKeywords } from '../util/structural-schema.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';
import { readSpec } from '../spec/read-spec.ts';
import type { ParsedSpec } from '../spec/read-spec.ts';
import type { PrinterColumn } from '../spec/read-context.ts';

/**
 * kubectl apply keeps what it was given in an annotation, and all annotations together must fit
 * into this many bytes.
 */
const MAX_CRD_BYTES = 262_144 - 1024;

/**
 * @param specFile absolute path of src/spec.ts, which exports `<Kind>Spec` and `<Kind>StatusInfo`.
 * @throws Error with all that is wrong in that file, each with its line and column
 */
export function buildCrd(model: Model, specFile: string): object {
  return compileSpec(model, specFile).crd;
}

/**
 * As `crdOf`, and the schema of the user's own `config:` of autopilot-operator.yaml when the file
 * has an interface `<Kind>Config`.
 */
export function compileSpec(
  model: Model,
  specFile: string,
): { readonly crd: object; readonly config?: StructuralSchema } {
  const file = readSpec(specFile, model.kind);
  return {
    crd: buildCrdFromSpec(model, file, specFile),
    ...(file.config && { config: file.config }),
  };
}

function buildCrdFromSpec(model: Model, file: ParsedSpec, specFile: string): object {
  const { kind, group, version, plural, singular, scope } = model;
  const { shortNames, categories, scale, deprecated } = file.kind;
  const needed = isSpecRequired(file.spec);
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular,
        ...(shortNames.length > 0 && { shortNames }),
        ...(categories.length > 0 && { categories }),
      },
      scope,
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          ...(deprecated !== undefined && {
            deprecated: true,
            ...(deprecated !== '' && {
              deprecationWarning: `${group}/${version} ${kind} is deprecated: ${deprecated}`.slice(
                0,
                256,
              ),
            }),
          }),
          schema: {
            openAPIV3Schema: {
              type: 'object',
              ...(needed && { required: ['spec'] }),
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: needed ? file.spec : orderKeywords({ ...file.spec, default: {} }),
                status: buildStatusSchema(model, file.status),
              },
            },
          },
          subresources: { status: {}, ...(scale && { scale }) },
          additionalPrinterColumns: printerColumns(file.columns),
        },
      ],
    },
  };
  refuseTooLarge(crd, file.spec, specFile);
  return crd;
}

/**
 * A spec that may be empty is filled in, so that workers always see one, with the defaults inside
 * and with the rules about changes.
 */
function isSpecRequired(spec: StructuralSchema): boolean {
  return (
    validateValue({}, spec) !== undefined ||
    (spec['x-kubernetes-validations'] ?? []).some(({ rule }) => !/\boldSelf\b/.test(rule))
  );
}

function printerColumns(own: readonly PrinterColumn[]): readonly object[] {
  return [
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    ...own,
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      priority: 1,
    },
    {
      name: 'Message',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].message',
      priority: 1,
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ];
}

function refuseTooLarge(crd: object, spec: StructuralSchema, specFile: string): void {
  const size = byteSize(crd);
  if (size <= MAX_CRD_BYTES) {
    return;
  }
  throw new Error(
    `${specFile}: the CRD has ${formatKilobytes(size)}, but 'kubectl apply' takes at most ${formatKilobytes(MAX_CRD_BYTES)}; most of it is ${largestFields(spec, 'spec')}: put @preserve on such a field, or take only what is needed of its type (Pick<…>)`,
  );
}

/** Down to where no field has most of what there is: `spec.template (300 kB)`. */
function largestFields(schema: StructuralSchema, path: string): string {
  const fields = [
    ...Object.entries(schema.properties ?? {}).map(([name, inner]) => ({
      path: `${path}.${name}`,
      inner,
      size: byteSize(inner),
    })),
    ...(schema.items === undefined
      ? []
      : [{ path: `${path}[]`, inner: schema.items, size: byteSize(schema.items) }]),
  ].sort((a, b) => b.size - a.size);
  const [first] = fields;
  if (first !== undefined && first.size > byteSize(schema) * 0.7) {
    return largestFields(first.inner, first.path);
  }
  if (path !== 'spec') {
    return `${path} (${formatKilobytes(byteSize(schema))})`;
  }
  return fields
    .slice(0, 3)
    .map((field) => `${field.path} (${formatKilobytes(field.size)})`)
    .join(', ');
}

function byteSize(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function formatKilobytes(size: number): string {
  return `${Math.round(size / 1000)} kB`;
}

/**
 * The default makes `kubectl get` show a phase at once, and observedGeneration -1 keeps waiting
 * tools from taking an unseen resource for
 * a finished one. Nothing may be required at the top level: the API server refuses a default that
 * lacks a required field.
 */
function buildStatusSchema(model: Model, info: StructuralSchema): object {
  const initial = model.phases.find((phase) => phase.initial)?.name ?? '';
  const names = model.phases.flatMap((phase) => [phase.name, ...phase.formerly]);
  const time = { type: 'string', format: 'date-time' };
  return {
    type: 'object',
    default: { observedGeneration: -1, phase: initial },
    properties: {
      phase: {
        type: 'string',
        enum: [...new Set(names)],
        description: 'The phase the resource is in.',
      },
      observedGeneration: {
        type: 'integer',
        format: 'int64',
        description: 'The generation of the spec that this phase acts on; -1: not seen yet.',
      },
      conditions: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
        items: {
          type: 'object',
          required: ['lastTransitionTime', 'message', 'reason', 'status', 'type'],
          properties: {
            type: { type: 'string', maxLength: 316 },
            status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
            observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
            lastTransitionTime: time,
            reason: { type: 'string', minLength: 1, maxLength: 1024 },
            message: { type: 'string', maxLength: 32768 },
          },
        },
      },
      autopilot: {
        type: 'object',
        description: "The machine's own notes.",
        'x-kubernetes-preserve-unknown-fields': true,
        properties: {
          phaseStartedAt: time,
          lastStep: time,
          history: {
            type: 'array',
            'x-kubernetes-list-type': 'atomic',
            items: {
              type: 'object',
              properties: {
                from: { type: 'string' },
                to: { type: 'string' },
                at: time,
                reason: { type: 'string' },
              },
            },
          },
        },
      },
      ...info.properties,
    },
  };
}
