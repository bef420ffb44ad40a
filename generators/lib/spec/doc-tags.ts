/**
 * The tags in doc comments of src/spec.ts, with their meaning. The reference page is made from this
 * table. apply-tags.ts and kind-tags.ts apply them.
 */
import { splitNames } from '../util/text.ts';

/** A tag as the reference page shows it. */
export interface TagDefinition {
  /** Placeholder of the value after the tag. Empty: the tag has no value. */
  readonly value: string;
  readonly group: 'Values' | 'Lists and maps' | 'Rules' | 'Structure' | 'Printing' | 'The kind';
  readonly meaning: string;
  /** A field of an interface, or a whole interface. */
  readonly example: string;
}

const exampleField = (tags: string, declaration: string): string =>
  `/** ${tags} */\nreadonly ${declaration};`;

/** All tags by name. */
export const docTags = {
  default: {
    value: 'VALUE',
    group: 'Values',
    meaning:
      'Default that the API server sets. A field with a default need not be optional in TypeScript: users may leave the field out, and workers always see a value. Write strings without quotes and all other values as JSON. `null` is no default.',
    example: exampleField('@default {"steps": 5}', 'canary: Steps'),
  },
  minimum: {
    value: 'NUMBER',
    group: 'Values',
    meaning: 'Smallest allowed number.',
    example: exampleField('@minimum 1', 'replicas?: Int32'),
  },
  maximum: {
    value: 'NUMBER',
    group: 'Values',
    meaning: 'Largest allowed number.',
    example: exampleField('@maximum 100', 'weight?: Int32'),
  },
  exclusiveMinimum: {
    value: 'NUMBER',
    group: 'Values',
    meaning: 'Lower limit. The limit itself is not allowed.',
    example: exampleField('@exclusiveMinimum 0', 'ratio?: number'),
  },
  exclusiveMaximum: {
    value: 'NUMBER',
    group: 'Values',
    meaning: 'Upper limit. The limit itself is not allowed.',
    example: exampleField('@exclusiveMaximum 1', 'ratio?: number'),
  },
  multipleOf: {
    value: 'NUMBER',
    group: 'Values',
    meaning: 'The number must be a multiple of this one.',
    example: exampleField('@multipleOf 5', 'step?: Int32'),
  },
  minLength: {
    value: 'COUNT',
    group: 'Values',
    meaning: 'Smallest number of characters.',
    example: exampleField('@minLength 1', 'host: string'),
  },
  maxLength: {
    value: 'COUNT',
    group: 'Values',
    meaning: 'Largest number of characters.',
    example: exampleField('@maxLength 63', 'host: string'),
  },
  pattern: {
    value: 'REGEXP',
    group: 'Values',
    meaning:
      'Regular expression that must match. It may match any part of the string; write `^` and `$` to match the whole string. The syntax is RE2: no look-around, no back references.',
    example: exampleField('@pattern ^[a-z0-9.-]+$', 'host: string'),
  },
  format: {
    value: 'NAME',
    group: 'Values',
    meaning:
      'Format that the API server checks: `date`, `date-time`, `duration`, `email`, `hostname`, `ipv4`, `ipv6`, `cidr`, `mac`, `uri`, `uuid`, `byte` …',
    example: exampleField('@format ipv4', 'address?: string'),
  },
  minItems: {
    value: 'COUNT',
    group: 'Lists and maps',
    meaning: 'Smallest number of items.',
    example: exampleField('@minItems 1', 'hosts: readonly string[]'),
  },
  maxItems: {
    value: 'COUNT',
    group: 'Lists and maps',
    meaning:
      'Largest number of items. Rules on the list or on its items need this tag, because the API server refuses rules whose cost has no limit.',
    example: exampleField('@maxItems 16', 'hosts: readonly string[]'),
  },
  minProperties: {
    value: 'COUNT',
    group: 'Lists and maps',
    meaning: 'Smallest number of entries of a map.',
    example: exampleField('@minProperties 1', 'labels: Readonly<Record<string, string>>'),
  },
  maxProperties: {
    value: 'COUNT',
    group: 'Lists and maps',
    meaning: 'Largest number of entries of a map.',
    example: exampleField('@maxProperties 16', 'labels: Readonly<Record<string, string>>'),
  },
  keyedBy: {
    value: 'FIELD, …',
    group: 'Lists and maps',
    meaning:
      'Fields that identify an item of the list. Two items cannot have the same values, and several field managers can each apply their own items. The fields must be required or have a default.',
    example: exampleField('@keyedBy name', 'backends?: readonly Backend[]'),
  },
  set: {
    value: '',
    group: 'Lists and maps',
    meaning: 'List without duplicates. Several field managers can each apply their own items.',
    example: exampleField('@set', 'hosts?: readonly string[]'),
  },
  atomic: {
    value: '',
    group: 'Lists and maps',
    meaning: 'List or object that a field manager replaces as a whole.',
    example: exampleField('@atomic', 'selector?: Readonly<Record<string, string>>'),
  },
  rule: {
    value: 'CEL // MESSAGE',
    group: 'Rules',
    meaning:
      'Validation rule in the Common Expression Language (CEL). `self` is the value that the comment describes, `oldSelf` the value before the change. The part after `//` is the error message. The tag can be repeated. On an interface, the rule is about the whole object.',
    example:
      '/** @rule self.min <= self.max // min must not be above max */\nexport interface Range {\n  readonly min: Int32;\n  readonly max: Int32;\n}',
  },
  immutable: {
    value: '',
    group: 'Rules',
    meaning:
      'The value cannot be changed, added or removed after the resource is created. In lists the tag needs `@keyedBy` on the list.',
    example: exampleField('@immutable', 'className?: string'),
  },
  preserve: {
    value: '',
    group: 'Structure',
    meaning:
      'The type is for workers only. The API server does not check the field and keeps all values. Use the tag for recursive types and for large types of other packages, such as a Deployment, whose schemas would not fit into a CRD.',
    example: exampleField('@preserve', 'template?: IPodTemplateSpec'),
  },
  column: {
    value: '[NAME]',
    group: 'Printing',
    meaning:
      'Column of `kubectl get`, between Ready and Age. Default of the name: the name of the field.',
    example: exampleField('@column Weight', 'weight?: Int32'),
  },
  wideColumn: {
    value: '[NAME]',
    group: 'Printing',
    meaning: 'Column of `kubectl get --output wide`.',
    example: exampleField('@wideColumn', 'host?: string'),
  },
  printerColumn: {
    value: 'JSON',
    group: 'The kind',
    meaning:
      'On the Spec interface: a column with any path, as in `additionalPrinterColumns` of a CustomResourceDefinition.',
    example:
      '/** @printerColumn {"name": "Host", "type": "string", "jsonPath": ".spec.hosts[0]"} */\nexport interface CanarySpec {\n  readonly hosts?: readonly string[];\n}',
  },
  shortName: {
    value: 'NAME, …',
    group: 'The kind',
    meaning: 'On the Spec interface: short name of the kind, for example for `kubectl get cn`.',
    example: '/** @shortName cn */\nexport interface CanarySpec {}',
  },
  category: {
    value: 'NAME, …',
    group: 'The kind',
    meaning:
      'On the Spec interface: group of kinds. `kubectl get mesh` lists the resources of all kinds in the category `mesh`; `kubectl get all` lists those in `all`.',
    example: '/** @category mesh */\nexport interface CanarySpec {}',
  },
  scale: {
    value: 'spec.FIELD status.FIELD [status.FIELD]',
    group: 'The kind',
    meaning:
      'On the Spec interface: the scale subresource. `kubectl scale` and HorizontalPodAutoscalers write the first field and read the second; both are integers. The optional third field is the label selector of the Pods, a string.',
    example:
      '/** @scale spec.replicas status.replicas */\nexport interface CanarySpec {\n  readonly replicas?: Int32;\n}',
  },
  deprecated: {
    value: '[TEXT]',
    group: 'The kind',
    meaning:
      'On the Spec interface: the API server sends a warning to clients that use this version. On a field: the text becomes part of the description.',
    example: '/** @deprecated use Rollout */\nexport interface CanarySpec {}',
  },
  'x-kubernetes-validations': {
    value: 'JSON',
    group: 'Rules',
    meaning:
      'Validation rules in JSON with all fields of a CustomResourceDefinition, such as `messageExpression`, `reason`, `fieldPath` and `optionalOldSelf`.',
    example: exampleField(
      '@x-kubernetes-validations [{"rule": "self > 0", "messageExpression": "\'not \' + string(self)"}]',
      'weight?: Int32',
    ),
  },
} as const satisfies Readonly<Record<string, TagDefinition>>;

/** Name of a tag. */
export type TagName = keyof typeof docTags;

/** Tags of JSDoc and TSDoc that have no meaning here and are ignored. */
const COMMON_TAGS = new Set(
  splitNames(`
    alpha author beta copyright decorator defaultValue eventProperty example experimental file
    fileoverview internal license link module namespace override packageDocumentation
    privateRemarks public readonly remarks sealed see since summary template throws todo type
    typeParam version virtual
  `),
);

/** Whether a tag has a meaning in src/spec.ts. */
export function isKnownTag(name: string): name is TagName {
  return Object.hasOwn(docTags, name);
}

/** Whether a tag is a common one of JSDoc or TSDoc that is ignored here. */
export function isCommonTag(name: string): boolean {
  return COMMON_TAGS.has(name);
}
