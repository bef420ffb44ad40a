/**
 * The JSDoc tags of src/spec.ts: what each means. The reference page is made from this table; what
 * they do is in facets.ts and kind.ts.
 */

export interface TagDefinition {
  /** What follows the tag; empty: nothing. */
  readonly value: string;
  readonly group: 'Values' | 'Lists and maps' | 'Rules' | 'Structure' | 'Printing' | 'The kind';
  readonly meaning: string;
  /** Part of an interface, or a whole one. */
  readonly example: string;
}

const exampleField = (tags: string, declaration: string): string =>
  `/** ${tags} */\nreadonly ${declaration};`;

export const docTags = {
  default: {
    value: 'VALUE',
    group: 'Values',
    meaning:
      'The API server fills it in. A field with a default need not be optional in TypeScript: users may leave it out, workers always see it. Texts without quotes, everything else as JSON.',
    example: exampleField('@default {"steps": 5}', 'canary: Steps'),
  },
  minimum: {
    value: 'NUMBER',
    group: 'Values',
    meaning: 'The least number.',
    example: exampleField('@minimum 1', 'replicas?: Int32'),
  },
  maximum: {
    value: 'NUMBER',
    group: 'Values',
    meaning: 'The greatest number.',
    example: exampleField('@maximum 100', 'weight?: Int32'),
  },
  exclusiveMinimum: {
    value: 'NUMBER',
    group: 'Values',
    meaning: 'Numbers above this one.',
    example: exampleField('@exclusiveMinimum 0', 'ratio?: number'),
  },
  exclusiveMaximum: {
    value: 'NUMBER',
    group: 'Values',
    meaning: 'Numbers below this one.',
    example: exampleField('@exclusiveMaximum 1', 'ratio?: number'),
  },
  multipleOf: {
    value: 'NUMBER',
    group: 'Values',
    meaning: 'Multiples of this number.',
    example: exampleField('@multipleOf 5', 'step?: Int32'),
  },
  minLength: {
    value: 'COUNT',
    group: 'Values',
    meaning: 'The least number of characters.',
    example: exampleField('@minLength 1', 'host: string'),
  },
  maxLength: {
    value: 'COUNT',
    group: 'Values',
    meaning: 'The greatest number of characters.',
    example: exampleField('@maxLength 63', 'host: string'),
  },
  pattern: {
    value: 'REGEXP',
    group: 'Values',
    meaning:
      'A regular expression that the text matches somewhere; write `^` and `$`. The syntax is RE2: no look-ahead, no back references.',
    example: exampleField('@pattern ^[a-z0-9.-]+$', 'host: string'),
  },
  format: {
    value: 'NAME',
    group: 'Values',
    meaning:
      'A format that the API server checks: `date`, `date-time`, `duration`, `email`, `hostname`, `ipv4`, `ipv6`, `cidr`, `mac`, `uri`, `uuid`, `byte` …',
    example: exampleField('@format ipv4', 'address?: string'),
  },
  minItems: {
    value: 'COUNT',
    group: 'Lists and maps',
    meaning: 'The least number of items.',
    example: exampleField('@minItems 1', 'hosts: readonly string[]'),
  },
  maxItems: {
    value: 'COUNT',
    group: 'Lists and maps',
    meaning:
      'The greatest number of items. Rules on items or on the list need it: the API server refuses rules that could become expensive.',
    example: exampleField('@maxItems 16', 'hosts: readonly string[]'),
  },
  minProperties: {
    value: 'COUNT',
    group: 'Lists and maps',
    meaning: 'The least number of entries of a map.',
    example: exampleField('@minProperties 1', 'labels: Readonly<Record<string, string>>'),
  },
  maxProperties: {
    value: 'COUNT',
    group: 'Lists and maps',
    meaning: 'The greatest number of entries of a map.',
    example: exampleField('@maxProperties 16', 'labels: Readonly<Record<string, string>>'),
  },
  keyedBy: {
    value: 'FIELD, …',
    group: 'Lists and maps',
    meaning:
      'The items of a list are told apart by these fields: none twice, and several writers may each apply their own. The fields are required or have a default.',
    example: exampleField('@keyedBy name', 'backends?: readonly Backend[]'),
  },
  set: {
    value: '',
    group: 'Lists and maps',
    meaning: 'A list without doubles; several writers may each apply their own items.',
    example: exampleField('@set', 'hosts?: readonly string[]'),
  },
  atomic: {
    value: '',
    group: 'Lists and maps',
    meaning: 'A list or an object that one writer replaces as a whole.',
    example: exampleField('@atomic', 'selector?: Readonly<Record<string, string>>'),
  },
  rule: {
    value: 'CEL // MESSAGE',
    group: 'Rules',
    meaning:
      'What must hold, in the Common Expression Language; `self` is the value that the comment belongs to, `oldSelf` the one before. What follows `//` is said to users. May be repeated; on an interface it is a rule for the whole object.',
    example:
      '/** @rule self.min <= self.max // min must not be above max */\nexport interface Range {\n  readonly min: Int32;\n  readonly max: Int32;\n}',
  },
  immutable: {
    value: '',
    group: 'Rules',
    meaning:
      'Can never be changed, nor added to or removed from a resource that exists. In lists only below `@keyedBy`.',
    example: exampleField('@immutable', 'className?: string'),
  },
  preserve: {
    value: '',
    group: 'Structure',
    meaning:
      'The type is for workers only: the API server keeps whatever is there. For recursive types and for large ones of other packages (a Deployment has a schema of several hundred kB with its descriptions, which are left out).',
    example: exampleField('@preserve', 'template?: IPodTemplateSpec'),
  },
  column: {
    value: '[NAME]',
    group: 'Printing',
    meaning:
      'A column of `kubectl get`, beside Phase, Ready and Age. Without a name it has that of the field.',
    example: exampleField('@column Weight', 'weight?: Int32'),
  },
  wideColumn: {
    value: '[NAME]',
    group: 'Printing',
    meaning: 'A column of `kubectl get --output wide`.',
    example: exampleField('@wideColumn', 'host?: string'),
  },
  printerColumn: {
    value: 'JSON',
    group: 'The kind',
    meaning: 'On the Spec interface: any column, as it stands in a CustomResourceDefinition.',
    example:
      '/** @printerColumn {"name": "Host", "type": "string", "jsonPath": ".spec.hosts[0]"} */\nexport interface CanarySpec {\n  readonly hosts?: readonly string[];\n}',
  },
  shortName: {
    value: 'NAME, …',
    group: 'The kind',
    meaning: 'On the Spec interface: `kubectl get cn`.',
    example: '/** @shortName cn */\nexport interface CanarySpec {}',
  },
  category: {
    value: 'NAME, …',
    group: 'The kind',
    meaning:
      'On the Spec interface: `kubectl get mesh` lists it among others; everything in `all` is listed by `kubectl get all`.',
    example: '/** @category mesh */\nexport interface CanarySpec {}',
  },
  scale: {
    value: 'spec.FIELD status.FIELD [status.FIELD]',
    group: 'The kind',
    meaning:
      'On the Spec interface: `kubectl scale` and HorizontalPodAutoscalers set the first field and read the second, both whole numbers; the third is the label selector of the pods, as text.',
    example:
      '/** @scale spec.replicas status.replicas */\nexport interface CanarySpec {\n  readonly replicas?: Int32;\n}',
  },
  deprecated: {
    value: '[TEXT]',
    group: 'The kind',
    meaning:
      'On the Spec interface: the API server warns whoever uses this version. On a field: becomes part of its description.',
    example: '/** @deprecated use Rollout */\nexport interface CanarySpec {}',
  },
  'x-kubernetes-validations': {
    value: 'JSON',
    group: 'Rules',
    meaning:
      'Rules with everything that a CustomResourceDefinition allows: `messageExpression`, `reason`, `fieldPath`, `optionalOldSelf`.',
    example: exampleField(
      '@x-kubernetes-validations [{"rule": "self > 0", "messageExpression": "\'not \' + string(self)"}]',
      'weight?: Int32',
    ),
  },
} as const satisfies Readonly<Record<string, TagDefinition>>;

export type TagName = keyof typeof docTags;

/** Of JSDoc and TSDoc, without a meaning here. */
const COMMON_TAGS = new Set(
  'alpha author beta copyright decorator defaultValue eventProperty example experimental file fileoverview internal license link module namespace override packageDocumentation privateRemarks public readonly remarks sealed see since summary template throws todo type typeParam version virtual'.split(
    ' ',
  ),
);

export function isKnownTag(name: string): name is TagName {
  return Object.hasOwn(docTags, name);
}

export function isCommonTag(name: string): boolean {
  return COMMON_TAGS.has(name);
}
