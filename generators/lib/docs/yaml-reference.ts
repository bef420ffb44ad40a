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

/** Text of docs/reference/autopilot-yaml.md, from the schema of autopilot.yaml. */
export function referencePage(): string {
  const sections: readonly (readonly [title: string, text: string, schema: z.ZodType])[] = [
    ['The file', 'Top-level fields of autopilot.yaml.', projectSchema],
    ['phases[]', 'The phases of the state machine.', phaseSchema],
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
    ['finalizer', 'Custom clean-up before a resource is deleted.', finalizerSchema],
    ['customParameters[]', 'A kind that is not built in.', customParameterSchema],
    ['queries[]', 'A Prometheus query that is not built in.', querySchema],
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

autopilot.yaml declares the state machine of a project. \`yo autopilot:generate\` makes all
generated files from it and from src/spec.ts. Unknown fields are errors.

${tables.join('\n')}
## Built-in kinds

| name | kind | apiVersion |
|---|---|---|
${kinds.join('\n')}

The input \`${METRICS_INPUT}\` gives a worker access to Prometheus queries. \`gateways\` is the Gateway of Istio,
\`k8sgateways\` the Gateway of the Gateway API.
`;
}

/** Text of docs/reference/autopilot-operator-yaml.md, from the schema of the file. */
export function operatorReferencePage(): string {
  const schema = operatorConfigJsonSchema() as JsonSchema;
  const live = LIVE_KEYS.map((key) => `\`${key}\``).join(', ');
  return `# autopilot-operator.yaml

<!-- Made by scripts/reference.ts from generators/lib/model/operator-config.ts. Do not edit. -->

autopilot-operator.yaml configures the operator process. For each field, an environment variable
takes precedence over the file, and the file over the default. Unknown fields are errors.
\`yo autopilot:generate\` validates the file and copies it into the values of the chart.

The operator reloads the file every 5 seconds. Changes of ${live} take effect
immediately. For other fields the operator logs that a restart is needed.

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
  const names: Readonly<Record<string, string>> = { object: 'mapping', string: 'string' };
  const type = schema.type ?? '';
  return names[type] ?? type;
}
