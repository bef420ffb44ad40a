/** Reference pages of autopilot.yaml and autopilot-operator.yaml, from their schemas. */
import { z } from 'zod';
import { builtInKinds, METRICS_INPUT } from '../kinds/built-in-kinds.ts';
import type { JsonSchema } from '../model/editor-schema.ts';
import { LIVE_KEYS, operatorConfigJsonSchema } from '../model/operator-config.ts';
import {
  DURATION_PATTERN,
  finalizerSchema,
  inputSchema,
  outputSchema,
  customParameterSchema,
  phaseSchema,
  projectSchema,
  querySchema,
} from '../model/project-schema.ts';

/** docs/reference/autopilot-yaml.md. */
export function referencePage(): string {
  const sections: readonly (readonly [title: string, text: string, schema: z.ZodType])[] = [
    ['The file', 'Fields at the top of autopilot.yaml.', projectSchema],
    ['phases[]', 'One state of the machine each.', phaseSchema],
    [
      'inputs[]',
      'A plain name, or a mapping:',
      (inputSchema.options as readonly z.ZodType[])[1] ?? inputSchema,
    ],
    [
      'outputs[]',
      'A plain name, or a mapping:',
      (outputSchema.options as readonly z.ZodType[])[1] ?? outputSchema,
    ],
    ['finalizer', 'Work to do before a resource may go.', finalizerSchema],
    ['customParameters[]', 'A kind that is not built in.', customParameterSchema],
    ['queries[]', 'A query to Prometheus that is not built in.', querySchema],
  ];
  const tables = sections.map(
    ([title, text, schema]) =>
      `## ${title}\n\n${text}\n\n${fieldTable(z.toJSONSchema(schema, { target: 'draft-7', io: 'input' }) as JsonSchema)}\n`,
  );
  const kinds = [...builtInKinds.values()].map(
    ({ name, group, version, kind }) =>
      `| \`${name}\` | ${kind} | \`${group === '' ? version : `${group}/${version}`}\` |`,
  );
  return `# autopilot.yaml

<!-- Made by scripts/reference.ts from generators/lib/model/project-schema.ts. Do not edit. -->

The state machine of a project: the only source of what \`yo autopilot:generate\` writes. Unknown fields are errors.

${tables.join('\n')}
## Built-in parameters

| name | kind | apiVersion |
|---|---|---|
${kinds.join('\n')}

\`${METRICS_INPUT}\` is an input that gives the worker queries to Prometheus. \`gateways\` is Istio's Gateway, \`k8sgateways\` that of the Gateway API.
`;
}

/** docs/reference/autopilot-operator-yaml.md. */
export function operatorReferencePage(): string {
  const schema = operatorConfigJsonSchema() as JsonSchema;
  const live = LIVE_KEYS.map((key) => `\`${key}\``).join(', ');
  return `# autopilot-operator.yaml

<!-- Made by scripts/reference.ts from generators/lib/model/operator-config.ts. Do not edit. -->

How the operator runs. Environment over file over default, field by field; unknown fields are errors. \`yo autopilot:generate\` checks it and
copies it into the values of the chart.

A running operator reads the file again every five seconds: ${live} take effect at once, of others the log says that they need a restart.

${fieldTable(schema)}

## metrics

${fieldTable(schema.properties?.['metrics'] ?? {})}
`;
}

function fieldTable({ properties = {}, required = [] }: JsonSchema): string {
  const rows = Object.entries(properties).map(
    ([field, schema]) =>
      `| \`${field}\`${required.includes(field) ? ' (required)' : ''} | ${formatType(schema)} | ${fieldDescription(schema).replaceAll('|', '\\|')} |`,
  );
  return ['| field | type | meaning |', '|---|---|---|', ...rows].join('\n');
}

function fieldDescription({ description = '', default: value }: JsonSchema): string {
  return value === undefined
    ? description
    : `${description} Default: \`${JSON.stringify(value).replaceAll('"', '')}\`.`;
}

function formatType(schema: JsonSchema): string {
  if (schema.const !== undefined) {
    return `\`${JSON.stringify(schema.const).replaceAll('"', '')}\``;
  }
  if (schema.enum !== undefined) {
    return schema.enum.map((value) => `\`${String(value)}\``).join(' or ');
  }
  if (schema.type === 'array') {
    return `list of ${schema.items?.type === 'string' ? 'names' : 'mappings'}`;
  }
  if (schema.anyOf !== undefined) {
    return schema.anyOf.map(formatType).join(' or ');
  }
  if (schema['pattern'] === DURATION_PATTERN) {
    return 'duration';
  }
  return schema.type === 'object'
    ? 'mapping'
    : schema.type === 'string'
      ? 'text'
      : (schema.type ?? '');
}
