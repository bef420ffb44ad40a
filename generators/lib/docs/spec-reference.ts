/** docs/reference/spec-ts.md: what src/spec.ts can say, from the tables that make it so. */
import { runtimeTypes } from '../spec/runtime-types.ts';
import { docTags } from '../spec/doc-tags.ts';
import type { TagDefinition } from '../spec/doc-tags.ts';

const TAG_GROUPS: Readonly<Record<TagDefinition['group'], string>> = {
  Values: 'What a text or number may be.',
  'Lists and maps':
    'Limits for items: put them on an alias, `/** @maxLength 63 */ type Host = string;`, and write `readonly Host[]`.',
  Rules:
    'The API server checks them at every write. Its limit for their cost counts the longest value that could be: give texts, lists and maps limits.',
  Structure: '',
  Printing: '',
  'The kind': 'In the comment of the Spec interface.',
};

const TYPE_MAPPINGS: readonly (readonly [typescript: string, schema: string])[] = [
  ['`string`, `number`, `boolean`', 'the same'],
  ["`'a' \\| 'b'`, `1 \\| 5`", 'an enum'],
  ['`` `${number}%` ``', 'a text with a pattern'],
  ['`number \\| string`', 'int-or-string: a whole number or a text'],
  ['`T \\| null`', 'nullable'],
  ['`field?: T`', 'not required; neither is a field with `@default`'],
  ['`readonly T[]`', 'a list; atomic unless `@set` or `@keyedBy` says otherwise'],
  ['`Readonly<Record<string, T>>`, `{ [name: string]: T }`', 'a map'],
  [
    'interfaces, object types, `Pick`, `Partial`, generics that are filled in',
    'an object; fields that are not named are refused',
  ],
  [
    "`{ kind: 'a'; … } \\| { kind: 'b'; … }`",
    'an object with the fields of all, of which only those of one may be there together',
  ],
  [
    '`{ a: … } \\| { b: … }`',
    'an object with the fields of all, those of at least one of which must be there',
  ],
  ['`unknown`', 'anything'],
  ['`object`, `Record<string, unknown>`, an interface without fields', 'an object with any fields'],
  [
    'types of other packages, such as `kubernetes-models`',
    'their structure, without their descriptions',
  ],
];

const UNSUPPORTED_TYPES: readonly (readonly [typescript: string, instead: string])[] = [
  ['a tuple', 'an object with named fields'],
  ['`Date`', '`Timestamp`'],
  ['`bigint`', '`Int64`'],
  ['`Map`, `Set`, classes', '`Record<string, T>`, a list with `@set`, interfaces'],
  ['functions and methods', 'leave them out'],
  ['a type that contains itself', '`@preserve` on the field'],
  ['named fields beside an index signature', 'the map in a field of its own'],
  ['a field with different types in the shapes of a union', 'different names'],
  ['a text or an object', 'an object with a field for each'],
  ['a type parameter that nothing has been filled in for', 'the type that is meant'],
  [
    'more than 256 KiB in all, the limit of `kubectl apply`',
    '`@preserve`, or `Pick` of what is needed',
  ],
];

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

What users of a kind write, and what its status tells them: \`export interface <Kind>Spec\` and \`<Kind>StatusInfo\`, plain TypeScript.
\`yo autopilot:generate\` makes the schema of the CustomResourceDefinition from them, \`autopilot crd\` prints it. Comments become descriptions;
JSDoc tags say what TypeScript cannot. Tags stand at the start of a line, or after the text on it; unknown ones are errors.

A field of StatusInfo lies directly in \`status\`, beside \`phase\`, \`observedGeneration\`, \`conditions\` and \`autopilot\`, whose names are
taken. At its top level nothing is required.

## TypeScript

| TypeScript | schema |
|---|---|
${TYPE_MAPPINGS.map(([typescript, schema]) => `| ${typescript} | ${schema} |`).join('\n')}

Not possible, with file and line in the message:

| TypeScript | instead |
|---|---|
${UNSUPPORTED_TYPES.map(([typescript, instead]) => `| ${typescript} | ${instead} |`).join('\n')}

## Types of autopilot-runtime

| type | meaning | example |
|---|---|---|
${types.join('\n')}
| \`LabelSelector\` | Labels that objects must carry, as in Kubernetes. | \`readonly selector: LabelSelector;\` |

${byGroup.join('\n')}`;
}
