/**
 * The CustomResourceDefinition of a project: the user's types for spec and status from src/spec.ts,
 * and the runtime's fields of status.
 */
import type { Model } from '../model/model.ts';
import { readSpec } from '../spec/read-spec.ts';
import type { ParsedSpec } from '../spec/read-spec.ts';
import type { PrinterColumn } from '../spec/read-context.ts';
import { orderKeywords } from '../util/structural-schema.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';
import { validateValue } from '../util/validate-value.ts';

/**
 * Largest CRD in bytes. `kubectl apply` stores the whole object in an annotation, and all
 * annotations of an object together have at most 256 KiB.
 */
const MAX_CRD_BYTES = 262_144 - 1024;

/**
 * Builds the CRD of a project.
 * @param specFile absolute path of src/spec.ts, which exports `<Kind>Spec` and `<Kind>StatusInfo`
 * @throws Error whose message lists all problems of the file, with line and column
 */
export function buildCrd(model: Model, specFile: string): object {
  return compileSpec(model, specFile).crd;
}

/** Result of `compileSpec`. */
export interface CompiledSpec {
  /** The CustomResourceDefinition. */
  readonly crd: object;
  /** Schema of the section `config:` in autopilot-operator.yaml. Default: no `<Kind>Config`. */
  readonly config?: StructuralSchema;
}

/**
 * Builds the CRD of a project, and the schema of the user's section `config:`.
 * @param specFile absolute path of src/spec.ts, which exports `<Kind>Spec` and `<Kind>StatusInfo`,
 * and optionally `<Kind>Config`
 * @throws Error whose message lists all problems of the file, with line and column
 */
export function compileSpec(model: Model, specFile: string): CompiledSpec {
  const parsed = readSpec(specFile, model.kind);
  const crd = crdFromSpec(model, parsed);
  refuseTooLarge(crd, parsed.spec, specFile);
  return { crd, ...(parsed.config && { config: parsed.config }) };
}

function crdFromSpec(model: Model, parsed: ParsedSpec): object {
  const { kind, group, plural, singular, scope, formerVersions } = model;
  const { shortNames, categories } = parsed.kind;
  return {
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
      versions: crdVersions(model, parsed),
      ...(formerVersions.length > 0 && { conversion: { strategy: 'None' } }),
    },
  };
}

/**
 * The version that is stored, then the former ones. All have the present schema: the API server
 * converts nothing but the apiVersion, it drops the fields that the schema of a request's version
 * lacks, and it gives a stored resource the defaults of the version in which it is stored.
 */
function crdVersions(model: Model, parsed: ParsedSpec): readonly object[] {
  const { version, formerVersions } = model;
  const present = { name: version, served: true, deprecated: parsed.kind.deprecated };
  const shape = versionShape(model, parsed);
  return [present, ...formerVersions].map(({ name, served, deprecated }) => ({
    name,
    served,
    storage: name === version,
    ...deprecation(model, name, deprecated),
    ...shape,
  }));
}

/** What versions have in common: schema, subresources and columns. */
function versionShape(model: Model, parsed: ParsedSpec): object {
  const { spec, status, columns } = parsed;
  const { scale } = parsed.kind;
  const isRequired = isSpecRequired(spec);
  return {
    schema: {
      openAPIV3Schema: {
        type: 'object',
        ...(isRequired && { required: ['spec'] }),
        properties: {
          apiVersion: { type: 'string' },
          kind: { type: 'string' },
          metadata: { type: 'object' },
          spec: isRequired ? spec : orderKeywords({ ...spec, default: {} }),
          status: statusSchema(model, status),
        },
      },
    },
    subresources: { status: {}, ...(scale && { scale }) },
    additionalPrinterColumns: printerColumns(columns),
  };
}

/** Longest deprecationWarning that the API server accepts. */
const MAX_WARNING_LENGTH = 256;

/**
 * The fields of a deprecated version.
 * @param message undefined: not deprecated. Empty: with the API server's own warning.
 */
function deprecation({ group, kind }: Model, version: string, message: string | undefined): object {
  if (message === undefined) {
    return {};
  }
  if (message === '') {
    return { deprecated: true };
  }
  const warning = `${group}/${version} ${kind} is deprecated: ${message}`;
  return { deprecated: true, deprecationWarning: warning.slice(0, MAX_WARNING_LENGTH) };
}

/**
 * Whether users must write a spec. A spec that may be empty gets the default `{}` instead, so that
 * workers always see a spec with its defaults, and so that rules about changes are evaluated.
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
  const largest = largestFields(spec, 'spec');
  throw new Error(
    `${specFile}: the CRD has ${formatKilobytes(size)}, but 'kubectl apply' accepts at most ${formatKilobytes(MAX_CRD_BYTES)}; most of it is ${largest}: put @preserve on such a field, or use only the needed part of its type (Pick<…>)`,
  );
}

/**
 * The fields with the largest schemas, for example `spec.template (300 kB)`. The search goes down
 * as long as one field has more than 70 % of the size.
 */
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
 * Schema of the status: the runtime's fields and the user's.
 *
 * The default shows a phase in `kubectl get` before the first reconcile. Its observedGeneration of
 * -1 keeps tools that wait for readiness from taking a new resource for a finished one. No field is
 * required at the top level, because the API server refuses a default without a required field.
 */
function statusSchema(model: Model, userStatus: StructuralSchema): object {
  const initial = model.phases.find((phase) => phase.initial)?.name ?? '';
  const names = model.phases.flatMap((phase) => [phase.name, ...phase.formerly]);
  return {
    type: 'object',
    default: { observedGeneration: -1, phase: initial },
    properties: {
      phase: {
        type: 'string',
        enum: [...new Set(names)],
        description: 'The phase that the resource is in.',
      },
      observedGeneration: {
        type: 'integer',
        format: 'int64',
        description:
          'The generation of the spec that the phase is based on. -1: not reconciled yet.',
      },
      conditions: CONDITIONS,
      autopilot: RUNTIME_STATE,
      ...userStatus.properties,
    },
  };
}

const TIME = { type: 'string', format: 'date-time' };

/** The conditions of Kubernetes (meta/v1 Condition). */
const CONDITIONS = {
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
      lastTransitionTime: TIME,
      reason: { type: 'string', minLength: 1, maxLength: 1024 },
      message: { type: 'string', maxLength: 32768 },
    },
  },
};

/** State that the runtime keeps between reconciles. */
const RUNTIME_STATE = {
  type: 'object',
  description: 'Internal state of the operator.',
  'x-kubernetes-preserve-unknown-fields': true,
  properties: {
    phaseStartedAt: TIME,
    lastStep: TIME,
    history: {
      type: 'array',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        properties: {
          from: { type: 'string' },
          to: { type: 'string' },
          at: TIME,
          reason: { type: 'string' },
        },
      },
    },
  },
};
