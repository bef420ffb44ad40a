/**
 * What src/spec.ts may import from autopilot-runtime (runtime/src/api/spec-types.ts), with the schema that
 * each stands for. The project's packages
 * need not be installed to generate: the compiler is shown a module made from this table.
 */
import { DURATION_PATTERN } from '../model/project-schema.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';

interface RuntimeType {
  readonly typescript: string;
  readonly schema: StructuralSchema;
  readonly meaning: string;
  readonly example: string;
}

/** Of k8s.io/apimachinery's resource.Quantity, as its own CRDs spell it. */
const QUANTITY_PATTERN =
  '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$';

const INT_OR_STRING: StructuralSchema = {
  'x-kubernetes-int-or-string': true,
  anyOf: [{ type: 'integer' }, { type: 'string' }],
};

export const runtimeTypes: Readonly<Record<string, RuntimeType>> = {
  Int32: {
    typescript: 'number',
    schema: { type: 'integer', format: 'int32' },
    meaning: 'A whole number of 32 bits.',
    example: 'readonly replicas?: Int32;',
  },
  Int64: {
    typescript: 'number',
    schema: { type: 'integer', format: 'int64' },
    meaning: 'A whole number of 64 bits; JavaScript holds 53 of them exactly.',
    example: 'readonly bytes?: Int64;',
  },
  IntOrString: {
    typescript: 'number | string',
    schema: INT_OR_STRING,
    meaning:
      'A port by number or name, a count or a percentage. Plain `number | string` means the same.',
    example: 'readonly targetPort?: IntOrString;',
  },
  Quantity: {
    typescript: 'number | string',
    schema: { ...INT_OR_STRING, pattern: QUANTITY_PATTERN },
    meaning: 'A quantity of Kubernetes: `500m`, `1Gi`, `2`.',
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
      'A time, as text: `2026-11-24T10:00:00Z`. (A `Date` is no JSON: workers would be given text where the type promises a Date.)',
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
      'A whole Kubernetes object of any kind: apiVersion, kind and metadata are checked, everything else is kept as it is.',
    example: 'readonly template?: EmbeddedResource;',
  },
};

export const RUNTIME_MODULE = 'autopilot-runtime';

/**
 * The property that tells the walker which type of the table it meets, also after generics have
 * been filled in.
 */
export const BRAND = '__autopilot';

/**
 * `toString` is there because TypeScript refuses values that share nothing with an object type
 * whose fields are all optional.
 */
const brandedType = ([name, { typescript, meaning }]: readonly [string, RuntimeType]): string =>
  `/** ${meaning} */\nexport type ${name} = (${typescript}) & { readonly toString?: unknown; readonly ${BRAND}?: '${name}' };\n`;

/** The text of the module `autopilot-runtime` as the compiler sees it. */
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
