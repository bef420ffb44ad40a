import { runtimeTypes } from '../spec/runtime-types.ts';
import { docTags } from '../spec/doc-tags.ts';
import type { TagDefinition } from '../spec/doc-tags.ts';

const TAG_GROUPS: Readonly<Record<TagDefinition['group'], string>> = {
  Values: 'Limits of a string or number.',
  'Lists and maps':
    'To limit items, put the tags on a type alias, `/** @maxLength 63 */ type Host = string;`, and use `readonly Host[]`.',
  Rules:
    'The API server checks rules at every write. It estimates the cost of a rule from the longest possible value, so limit strings, lists and maps.',
  Structure: '',
  Printing: '',
  'The kind': 'Tags in the comment of the Spec interface.',
};

const TYPE_MAPPINGS: readonly (readonly [typescript: string, schema: string])[] = [
  ['`string`, `number`, `boolean`', 'the same type'],
  ["`'a' \\| 'b'`, `1 \\| 5`", 'an enum'],
  ['`` `${number}%` ``', 'a string with a pattern'],
  ['`number \\| string`', 'int-or-string: an integer or a string'],
  ['`T \\| null`', 'nullable'],
  ['`field?: T`', 'an optional field. A field with `@default` is optional too'],
  ['`readonly T[]`', 'a list; atomic unless `@set` or `@keyedBy` says otherwise'],
  ['`Readonly<Record<string, T>>`, `{ [name: string]: T }`', 'a map'],
  [
    'interfaces, object types, `Pick`, `Partial`, generics that are filled in',
    'an object without other fields',
  ],
  [
    "`{ kind: 'a'; … } \\| { kind: 'b'; … }`",
    'an object with the fields of all shapes, but only the fields of one shape at a time',
  ],
  [
    '`{ a: … } \\| { b: … }`',
    'an object with the fields of all shapes, and all required fields of at least one shape',
  ],
  ['`unknown`', 'any value'],
  ['`object`, `Record<string, unknown>`, an interface without fields', 'an object with any fields'],
  ['types of other packages, such as `kubernetes-models`', 'their structure, without descriptions'],
];

const UNSUPPORTED_TYPES: readonly (readonly [typescript: string, instead: string])[] = [
  ['a tuple', 'an object with named fields'],
  ['`Date`', '`Timestamp`'],
  ['`bigint`', '`Int64`'],
  ['`Map`, `Set`, classes', '`Record<string, T>`, a list with `@set`, interfaces'],
  ['functions and methods', 'omit them'],
  ['a type that contains itself', '`@preserve` on the field'],
  ['named fields beside an index signature', 'a separate field for the map'],
  ['a field with different types in the shapes of a union', 'different names'],
  ['a string or an object', 'an object with a field for each'],
  ['a type parameter without argument', 'a concrete type'],
  [
    'a schema of more than 256 KiB, the limit of `kubectl apply`',
    '`@preserve`, or `Pick` with the needed fields',
  ],
];

/** Text of docs/reference/spec-ts.md. */
export function specReferencePage(): string {
  const byGroup = Object.entries(TAG_GROUPS).map(([group, text]) => {
    const rows = Object.entries<TagDefinition>(docTags)
      .filter(([, tag]) => tag.group === group)
      .map(
        ([name, tag]) =>
          `### @${name}${tag.value === '' ? '' : ` ${tag.value}`}\n\n${tag.meaning}\n\n\`\`\`ts\n${tag.example}\n\`\`\`\n`,
      );
    return `## ${group}\n${text === '' ? '' : `\n${text}\n`}\n${rows.join('\n')}`;
  });
  const types = Object.entries(runtimeTypes).map(
    ([name, { meaning, example }]) =>
      `| \`${name}\` | ${meaning.replaceAll('|', '\\|')} | \`${example.replaceAll(/\s+/g, ' ')}\` |`,
  );
  return `# src/spec.ts

<!-- Made by scripts/reference.ts from generators/lib/spec. Do not edit. -->

src/spec.ts declares the fields of a kind in TypeScript: \`export interface <Kind>Spec\` for
\`spec\`, and \`<Kind>StatusInfo\` for \`status\`. \`yo autopilot:generate\` makes the schema of the
CustomResourceDefinition from both interfaces, and \`autopilot crd\` prints it.

- Comments become descriptions. JSDoc tags add what TypeScript cannot express.
- A tag starts a line, or follows the description on the same line. Unknown tags are errors.
- Fields of StatusInfo are stored directly in \`status\`. The names \`phase\`, \`observedGeneration\`, \`conditions\` and
  \`autopilot\` are reserved. All top-level fields are optional.

## TypeScript

| TypeScript | schema |
|---|---|
${TYPE_MAPPINGS.map(([typescript, schema]) => `| ${typescript} | ${schema} |`).join('\n')}

Not supported. The error shows file and line:

| TypeScript | instead |
|---|---|
${UNSUPPORTED_TYPES.map(([typescript, instead]) => `| ${typescript} | ${instead} |`).join('\n')}

## Types of autopilot-runtime

| type | meaning | example |
|---|---|---|
${types.join('\n')}
| \`LabelSelector\` | Label selector, as in Kubernetes. | \`readonly selector: LabelSelector;\` |

${byGroup.join('\n')}`;
}
