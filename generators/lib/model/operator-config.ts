/**
 * autopilot-operator.yaml: how the operator runs. One definition checks it, and is the JSON Schema
 * of editors and of the chart's `config:`,
 * and the reference page. The operator reads the file without this definition
 * (runtime/src/operator/config-fields.ts: it knows no generators, and
 * keeps its dependencies few); test/runtime/operator/config.test.ts holds the two to the same
 * fields, defaults and list of cases.
 */
import { z } from 'zod';
import { sortProblems, formatProblem } from '../util/problems.ts';
import type { ProblemPath } from '../util/problems.ts';
import { durationSchema } from './project-schema.ts';
import { parseYaml, validateYaml } from '../util/yaml-file.ts';

/** A field with what it means, and what it is where the file says nothing. */
function configField<T extends z.ZodType>(
  type: T,
  description: string,
  value?: unknown,
): z.ZodOptional<T> {
  return type.optional().meta({ description, ...(value !== undefined && { default: value }) });
}

const nonEmptyString = z.string().min(1);
const positiveDuration = durationSchema.refine(
  (text) => /[1-9]/.test(text),
  'must be longer than 0',
);
const NAMESPACE = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const LOG_LEVELS = [
  'Debug',
  'Info',
  'Warn',
  'Error',
  'DPanic',
  'Panic',
  'Fatal',
  'debug',
  'info',
  'warn',
  'error',
] as const;

const metricsSchema = z.strictObject({
  address: configField(
    z
      .string()
      .regex(/^https?:\/\/./, 'must be an address such as http://prometheus.monitoring:9090'),
    'Where Prometheus is. METRICS_SERVER in the environment wins. Default: `http://prometheus.<controlPlaneNs>:9090`, with `meshProvider: Custom` none.',
  ),
  bearerTokenFile: configField(
    nonEmptyString,
    'File with a token that is sent along; read again when it changes.',
  ),
  caFile: configField(nonEmptyString, 'File with the certificates to trust, in PEM.'),
  headers: configField(
    z.record(z.string(), z.string()),
    'Headers to send along, such as `X-Scope-OrgID`.',
  ),
  timeout: configField(positiveDuration, 'How long one query may take.', '10s'),
});

export const operatorConfigSchema = z.strictObject({
  version: configField(z.string(), 'Of the original. Not used.'),
  meshProvider: configField(
    z.union([z.enum(['Istio', 'Custom']), z.literal(0), z.literal(1)]),
    'The mesh: decides where Prometheus is looked for.',
    'Istio',
  ),
  controlPlaneNs: configField(
    nonEmptyString,
    "The namespace of the mesh's control plane.",
    'istio-system',
  ),
  workInterval: configField(
    positiveDuration,
    'The latest next sync while a resource stays in a phase.',
    '5s',
  ),
  workerTimeout: configField(
    positiveDuration,
    'How long a worker may take before its signal is aborted.',
    '60s',
  ),
  maxConcurrentReconciles: configField(
    z.number().int().min(1),
    'How many resources are worked on at the same time.',
    10,
  ),
  metricsAddr: configField(
    z.string().regex(/^(|.*:\d+)$/, 'must be an address such as :9091, or "" for no endpoints'),
    'Where /metrics, /healthz and /readyz are served; empty: nowhere.',
    ':9091',
  ),
  enableLeaderElection: configField(
    z.boolean(),
    'Of several processes one works, the others stand by.',
    true,
  ),
  watchNamespace: configField(
    z
      .string()
      .regex(
        new RegExp(`^\\s*(${NAMESPACE}\\s*(,\\s*|$))*$`),
        'must be names of namespaces with commas between them',
      ),
    'Namespaces, separated by commas. WATCH_NAMESPACE in the environment wins. Default: the whole cluster.',
  ),
  leaderElectionNamespace: configField(
    nonEmptyString,
    "Where the Lease is. Default: the Pod's namespace.",
  ),
  logLevel: configField(
    z.union([z.number().int().min(0).max(6), z.enum(LOG_LEVELS)]),
    "Debug, Info, Warn or Error; the original's other names and its numbers are understood.",
    'Info',
  ),
  paused: configField(
    z.boolean(),
    'The stop switch: no worker is called, nothing is written but the condition Paused. Deletion goes on.',
    false,
  ),
  metrics: configField(metricsSchema, 'Access to Prometheus.'),
  config: configField(
    z.record(z.string(), z.unknown()),
    'Your own section: workers see it as context.config. The interface `<Kind>Config` of src/spec.ts types it.',
  ),
});

/**
 * Fields whose change the running operator takes from the file: no new Pods for them. LIVE in
 * runtime/src/operator/config.ts.
 */
export const LIVE_KEYS = [
  'workInterval',
  'workerTimeout',
  'paused',
  'config',
  'metrics',
  'logLevel',
] as const;

export type OperatorConfigDocument = z.infer<typeof operatorConfigSchema>;

/** Where editors find the schema, from autopilot-operator.yaml. */
export const OPERATOR_SCHEMA_FILE = '.autopilot/autopilot-operator.schema.json';

const MODELINE = `# yaml-language-server: $schema=${OPERATOR_SCHEMA_FILE}\n`;

export const operatorConfigText = `${MODELINE}# How the operator runs. What is left out has the default shown; environment variables win over this file.
# 'autopilot generate' copies it into the values of the chart.
version: 0.0.1
meshProvider: Istio
controlPlaneNs: istio-system
# The latest time of the next sync while a resource stays in a phase.
workInterval: 5s
metricsAddr: ":9091"
enableLeaderElection: true
# Debug, Info, Warn or Error.
logLevel: Info
`;

/** The file as it goes into the chart: what it says to editors means nothing there. */
export function withoutModeline(text: string): string {
  return text.replace(/^# yaml-language-server:.*\r?\n/m, '');
}

/**
 * JSON Schema (draft-07) of the file: for editors, and for the chart's `config:`.
 * @param userConfig of the section `config` within it, which is the user's own
 */
export function operatorConfigJsonSchema(userConfig?: object): Readonly<Record<string, unknown>> {
  const { $schema: _, ...schema } = z.toJSONSchema(operatorConfigSchema, {
    target: 'draft-7',
    io: 'input',
  });
  if (userConfig === undefined) {
    return schema;
  }
  return { ...schema, properties: { ...schema.properties, config: withoutExtensions(userConfig) } };
}

/** Kubernetes' own keywords mean nothing to Helm and editors. */
function withoutExtensions(schema: unknown): unknown {
  if (Array.isArray(schema)) {
    return schema.map(withoutExtensions);
  }
  if (typeof schema !== 'object' || schema === null) {
    return schema;
  }
  const kept = Object.entries(schema).filter(
    ([key]) => !key.startsWith('x-kubernetes-') && key !== 'nullable',
  );
  return Object.fromEntries(
    kept.map(([key, value]) => [
      key,
      key === 'default' || key === 'enum' ? value : withoutExtensions(value),
    ]),
  );
}

/** @throws Error that lists every problem of the text. */
export function parseOperatorConfig(text: string, file: string): OperatorConfigDocument {
  const yaml = parseYaml(text, file);
  const keysAt = ([key]: ProblemPath): readonly string[] =>
    Object.keys((key === 'metrics' ? metricsSchema : operatorConfigSchema).shape);
  const { value, problems } =
    yaml.problems.length > 0 ? yaml : validateYaml(yaml, operatorConfigSchema, file, keysAt);
  if (problems.length > 0) {
    throw new Error(sortProblems(problems).map(formatProblem).join('\n'));
  }
  return value as OperatorConfigDocument;
}
