/**
 * autopilot-operator.yaml: the settings of the operator. This one definition validates the file in
 * `autopilot generate`, and is the source of the JSON Schema for editors, of the chart's `config:`
 * and of docs/reference/autopilot-operator-yaml.md.
 *
 * The operator reads the file with a reader of its own (runtime/src/operator/config-fields.ts),
 * because the runtime does not depend on the generators. test/runtime/operator/config.test.ts
 * checks that both accept the same fields and values and have the same defaults.
 */
import { z } from 'zod';
import { formatProblem, sortProblems } from '../util/problems.ts';
import type { ProblemPath } from '../util/problems.ts';
import { renderTemplate } from '../util/template.ts';
import { isRecord } from '../util/values.ts';
import { parseYaml, validateYaml } from '../util/yaml-file.ts';
import {
  logLevelNamesOf2019,
  logLevelNumber,
  meshProviderNumbers,
  operatorConfigVersion,
} from './compat-2019.ts';
import { durationSchema } from './project-schema.ts';

/** An optional field with its description and its default. */
function configField<T extends z.ZodType>(
  type: T,
  description: string,
  value?: unknown,
): z.ZodOptional<T> {
  return type.optional().meta({ description, ...(value !== undefined && { default: value }) });
}

const nonEmptyString = z.string().min(1);
const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'must be a name of an HTTP header');
const positiveDuration = durationSchema.refine(
  (text) => /[1-9]/.test(text),
  'must be longer than 0',
);
const NAMESPACE = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const NAMESPACE_LIST = new RegExp(`^\\s*(${NAMESPACE}\\s*(,\\s*|$))*$`);
const LOG_LEVELS = [
  'Debug',
  'Info',
  'Warn',
  'Error',
  ...logLevelNamesOf2019,
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
    'Address of Prometheus. The environment variable METRICS_SERVER takes precedence. Default: `http://prometheus.<controlPlaneNs>:9090`; none with `meshProvider: Custom`.',
  ),
  bearerTokenFile: configField(
    nonEmptyString,
    'File with a bearer token for Prometheus. Read again when it changes. Default: no token.',
  ),
  caFile: configField(
    nonEmptyString,
    'PEM file with the CA certificates to trust. Default: those of Node.js.',
  ),
  headers: configField(
    z.record(headerName, z.string()),
    'Headers of requests to Prometheus, for example `X-Scope-OrgID`. The chart puts them into a ConfigMap: secrets belong in `headerFiles`. Default: none.',
  ),
  headerFiles: configField(
    z.record(headerName, nonEmptyString),
    'Files with the values of headers, by name of the header. Read again for each query. Takes precedence over `headers`. Default: none.',
  ),
  timeout: configField(positiveDuration, 'Longest time of one query.', '10s'),
});

/** The whole autopilot-operator.yaml. */
export const operatorConfigSchema = z.strictObject({
  version: configField(operatorConfigVersion.type, operatorConfigVersion.description),
  meshProvider: configField(
    z.union([z.enum(['Istio', 'Custom']), ...meshProviderNumbers]),
    'Service mesh. `Istio` sets the default address of Prometheus; `Custom` sets none.',
    'Istio',
  ),
  controlPlaneNs: configField(
    nonEmptyString,
    "Namespace of the mesh's control plane.",
    'istio-system',
  ),
  workInterval: configField(
    positiveDuration,
    'Longest time between two reconciles while a resource stays in a phase.',
    '5s',
  ),
  workerTimeout: configField(
    positiveDuration,
    'Longest time of one worker call. Afterwards the AbortSignal of the worker fires.',
    '60s',
  ),
  maxConcurrentReconciles: configField(
    z.number().int().min(1),
    'Largest number of resources that are reconciled at the same time.',
    10,
  ),
  metricsAddr: configField(
    z.string().regex(/^(|.*:\d+)$/, 'must be an address such as :9091, or "" for no endpoints'),
    'Address of the endpoints /metrics, /healthz and /readyz. Empty: no endpoints.',
    ':9091',
  ),
  secureMetrics: configField(
    z.boolean(),
    'Whether /metrics needs a bearer token of a user who may get the path /metrics. /healthz and /readyz never do. In the chart, set `metrics.secure`, which also grants the permission to ask the API server.',
    false,
  ),
  enableLeaderElection: configField(
    z.boolean(),
    'Whether only one replica, the leader, reconciles. The others wait until they become leader.',
    true,
  ),
  watchNamespace: configField(
    z.string().regex(NAMESPACE_LIST, 'must be names of namespaces with commas between them'),
    'Namespaces that the operator watches, separated by commas. The environment variable WATCH_NAMESPACE takes precedence. Default: the whole cluster.',
  ),
  leaderElectionNamespace: configField(
    nonEmptyString,
    "Namespace of the Lease for leader election. Default: the Pod's namespace.",
  ),
  logLevel: configField(
    z.union([logLevelNumber, z.enum(LOG_LEVELS)]),
    'Lowest level that is logged: Debug, Info, Warn or Error. Other names and numbers of Autopilot 2019 are accepted.',
    'Info',
  ),
  paused: configField(
    z.boolean(),
    'Pauses the operator: no worker is called, and only the condition Paused is written. Deletions continue.',
    false,
  ),
  metrics: configField(metricsSchema, 'Access to Prometheus.'),
  config: configField(
    z.record(z.string(), z.unknown()),
    'Settings of your own, which workers read as `context.config`. The interface `<Kind>Config` in src/spec.ts gives the type. Default: empty.',
  ),
});

/**
 * Fields that a running operator applies without a restart, so that a change of them needs no new
 * Pods. The same list as LIVE_SETTINGS in runtime/src/operator/config.ts.
 */
export const LIVE_KEYS = [
  'workInterval',
  'workerTimeout',
  'paused',
  'config',
  'metrics',
  'logLevel',
] as const;

/** autopilot-operator.yaml after validation. */
export type OperatorConfigDocument = z.infer<typeof operatorConfigSchema>;

/** Path of the JSON Schema that editors use for autopilot-operator.yaml. */
export const OPERATOR_SCHEMA_FILE = '.autopilot/autopilot-operator.schema.json';

/** Renders autopilot-operator.yaml of a new project from its template. */
export function initialOperatorConfig(): string {
  return renderTemplate('autopilot-operator.yaml', { schemaFile: OPERATOR_SCHEMA_FILE });
}

/** The text of autopilot-operator.yaml without the comment for editors, for the chart. */
export function withoutModeline(text: string): string {
  return text.replace(/^# yaml-language-server:.*\r?\n/m, '');
}

/**
 * JSON Schema (draft-07) of autopilot-operator.yaml, for editors and for the chart's `config:`.
 * @param userConfig schema of the section `config`, which the user defines in src/spec.ts. Default:
 * any mapping.
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

/** A schema without Kubernetes' own keywords, which Helm and editors do not know. */
function withoutExtensions(schema: unknown): unknown {
  if (Array.isArray(schema)) {
    return schema.map(withoutExtensions);
  }
  if (!isRecord(schema)) {
    return schema;
  }
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => !key.startsWith('x-kubernetes-') && key !== 'nullable')
      .map(([key, value]) => [
        key,
        key === 'default' || key === 'enum' ? value : withoutExtensions(value),
      ]),
  );
}

/**
 * Reads autopilot-operator.yaml.
 * @param file name of the file for problems
 * @throws Error whose message lists all problems, one per line. Messages never contain values,
 * which may be secrets.
 */
export function parseOperatorConfig(text: string, file: string): OperatorConfigDocument {
  const yaml = parseYaml(text, file);
  const keysAt = ([key]: ProblemPath): readonly string[] =>
    Object.keys((key === 'metrics' ? metricsSchema : operatorConfigSchema).shape);
  const { value, problems } =
    yaml.problems.length > 0 ? yaml : validateYaml(yaml, operatorConfigSchema, { file, keysAt });
  if (problems.length > 0) {
    throw new Error(sortProblems(problems).map(formatProblem).join('\n'));
  }
  return value as OperatorConfigDocument;
}
