/**
 * Types that src/spec.ts can import from autopilot-runtime (runtime/src/api/spec-types.ts), with
 * their schemas. The compiler gets a module that is made from this table, so that generating needs
 * no installed packages.
 */
import { DURATION_PATTERN } from '../model/project-schema.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';

/** A type of autopilot-runtime with its own schema. */
interface RuntimeType {
  readonly typescript: string;
  readonly schema: StructuralSchema;
  readonly meaning: string;
  readonly example: string;
}

/** Pattern of a Quantity, as in the CRDs of Kubernetes' own projects. */
const QUANTITY_PATTERN =
  '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$';

const INT_OR_STRING: StructuralSchema = {
  'x-kubernetes-int-or-string': true,
  anyOf: [{ type: 'integer' }, { type: 'string' }],
};

/** The types by name. The reference page of src/spec.ts is made from this table too. */
export const runtimeTypes: Readonly<Record<string, RuntimeType>> = {
  Int32: {
    typescript: 'number',
    schema: { type: 'integer', format: 'int32' },
    meaning: 'An integer of 32 bits.',
    example: 'readonly replicas?: Int32;',
  },
  Int64: {
    typescript: 'number',
    schema: { type: 'integer', format: 'int64' },
    meaning: 'An integer of 64 bits. JavaScript represents integers up to 53 bits exactly.',
    example: 'readonly bytes?: Int64;',
  },
  IntOrString: {
    typescript: 'number | string',
    schema: INT_OR_STRING,
    meaning: 'A port by number or name, or a count or a percentage. The same as `number | string`.',
    example: 'readonly targetPort?: IntOrString;',
  },
  Quantity: {
    typescript: 'number | string',
    schema: { ...INT_OR_STRING, pattern: QUANTITY_PATTERN },
    meaning: 'A quantity as in Kubernetes: `500m`, `1Gi`, `2`.',
    example: 'readonly memory?: Quantity;',
  },
  Duration: {
    typescript: 'string',
    schema: { type: 'string', pattern: DURATION_PATTERN },
    meaning: 'A duration: `500ms`, `10s`, `1m30s`, `2h`.',
    example: '/** @default 30s */\n  readonly interval: Duration;',
  },
  Timestamp: {
    typescript: 'string',
    schema: { type: 'string', format: 'date-time' },
    meaning:
      'A time as a string: `2026-11-24T10:00:00Z`. (`Date` is not possible: JSON has no dates, so workers would get a string.)',
    example: 'readonly notBefore?: Timestamp;',
  },
  EmbeddedResource: {
    typescript:
      '{ readonly apiVersion: string; readonly kind: string; readonly metadata?: object; readonly [field: string]: unknown }',
    schema: {
      type: 'object',
      'x-kubernetes-embedded-resource': true,
      'x-kubernetes-preserve-unknown-fields': true,
    },
    meaning:
      'A whole Kubernetes object of any kind. The API server checks apiVersion, kind and metadata, and keeps all other fields.',
    example: 'readonly template?: EmbeddedResource;',
  },
};

/** Name of the module that src/spec.ts imports the types from. */
export const RUNTIME_MODULE = 'autopilot-runtime';

/**
 * Property that marks a type of the table. The reader finds the mark also where the name of the
 * type is lost, for example as an argument of a generic type.
 */
export const BRAND = '__autopilot';

/**
 * Declaration of a type with its mark. The property `toString` is needed because TypeScript refuses
 * a value that has no property in common with an object type whose properties are all optional.
 */
const brandedType = ([name, { typescript, meaning }]: readonly [string, RuntimeType]): string =>
  `/** ${meaning} */\nexport type ${name} = (${typescript}) & { readonly toString?: unknown; readonly ${BRAND}?: '${name}' };\n`;

/** Source of the module `autopilot-runtime` for the compiler. */
export const runtimeModule = `${Object.entries(runtimeTypes).map(brandedType).join('')}
/** Labels that objects must carry. @atomic */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  /** @atomic */
  readonly matchExpressions?: readonly LabelSelectorRequirement[];
}
export interface LabelSelectorRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** @atomic */
  readonly values?: readonly string[];
}
`;
