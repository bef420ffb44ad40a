/**
 * How the operator runs. Three layers, field by field: environment variables over
 * autopilot-operator.yaml over the original's defaults.
 */
import type { Duration } from '../api/spec-types.ts';
import type { ConfigSchema } from '../api/config-schema.ts';
import { validateUserConfig } from '../api/config-schema.ts';
import type { LogLevel } from '../observability/logger.ts';
import type { PrometheusSettings } from '../queries/prometheus-client.ts';
import { parseConfigFile, readConfigFile } from './config-file.ts';
import type { ConfigValues } from './config-fields.ts';
import { readConfigObject, readNamespaces, readUrl } from './config-fields.ts';

/**
 * The fields of autopilot-operator.yaml, as the file has them. Every field is optional. Tests give
 * the same fields to the sandbox.
 */
export interface OperatorConfig {
  /** Version of the original's file format. Ignored. */
  readonly version?: string;
  /** The mesh, which decides the default of `metrics.address`. Default: `Istio`. */
  readonly meshProvider?: 'Istio' | 'Custom';
  /** Namespace of the mesh's control plane. Default: `istio-system`. */
  readonly controlPlaneNs?: string;
  /**
   * Longest time between two reconciles of a resource that stays in a phase. `interval` of a phase
   * and `requeueAfter` of a worker override it. Default: `5s`.
   */
  readonly workInterval?: Duration;
  /** Time that a worker may take before its signal is aborted. Default: `60s`. */
  readonly workerTimeout?: Duration;
  /** Maximum of reconciles at once. Default: 10. */
  readonly maxConcurrentReconciles?: number;
  /**
   * Address of `/metrics`, `/healthz` and `/readyz`: `:9091` or `127.0.0.1:9091`. An empty string
   * disables them. Default: `:9091`.
   */
  readonly metricsAddr?: string;
  /**
   * Whether `/metrics` needs a bearer token of a user who may get this path. The operator then
   * needs the permission to create TokenReviews and SubjectAccessReviews. Default: false.
   */
  readonly secureMetrics?: boolean;
  /**
   * Whether replicas elect a leader and only the leader reconciles. Default: true; in the sandbox
   * and in `startOperator`, false.
   */
  readonly enableLeaderElection?: boolean;
  /** Namespaces to watch, separated by commas. Default: an empty string, the whole cluster. */
  readonly watchNamespace?: string;
  /** Namespace of the Lease. Default: the Pod's namespace. */
  readonly leaderElectionNamespace?: string;
  /** Least severe level that is logged. Default: `Info`. */
  readonly logLevel?: 'Debug' | 'Info' | 'Warn' | 'Error';
  /**
   * Whether the whole operator is paused: no worker is called, and only the condition Paused is
   * written. Deletion continues. Default: false.
   */
  readonly paused?: boolean;
  /** Access to Prometheus, for the queries of workers. */
  readonly metrics?: {
    /**
     * URL of Prometheus; a path is kept. Default: `http://prometheus.<controlPlaneNs>:9090`, with
     * `meshProvider: Custom` none.
     */
    readonly address?: string;
    /** File with a bearer token, read again for each query. Default: none. */
    readonly bearerTokenFile?: string;
    /** File with the CA certificates to trust, in PEM. Default: those of Node. */
    readonly caFile?: string;
    /** HTTP headers of each query, without secrets. Default: none. */
    readonly headers?: Readonly<Record<string, string>>;
    /**
     * Files with the values of HTTP headers, by name of the header. Read again for each query, and
     * taken before `headers`. Default: none.
     */
    readonly headerFiles?: Readonly<Record<string, string>>;
    /** Time that one query may take. Default: `10s`. */
    readonly timeout?: Duration;
  };
  /** The user's own section, `context.config` of workers. Default: an empty mapping. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** The configuration with defaults filled in and durations in milliseconds. */
export interface OperatorSettings {
  readonly workIntervalMs: number;
  readonly maxConcurrentReconciles: number;
  /** Time that a worker may take before its signal is aborted. */
  readonly workerTimeoutMs: number;
  /** Namespaces to watch. Empty: the whole cluster. */
  readonly watchNamespaces: readonly string[];
  readonly leaderElection: boolean;
  /** Namespace of the Lease. Undefined: the Pod's namespace. */
  readonly leaderElectionNamespace: string | undefined;
  /** Whether the whole operator is paused. */
  readonly paused: boolean;
  /** The user's own section. */
  readonly config: unknown;
  readonly metrics: PrometheusSettings;
  /** Address of the endpoints. Empty: no endpoints. */
  readonly metricsAddr: string;
  /** Whether `/metrics` needs a bearer token of a user who may get this path. */
  readonly secureMetrics: boolean;
  readonly logLevel: LogLevel;
}

/** Settings that take effect in a running operator; the others need a restart. */
export const LIVE_SETTINGS = [
  'workIntervalMs',
  'workerTimeoutMs',
  'paused',
  'config',
  'metrics',
  'logLevel',
] as const;

/** The settings that a running operator accepts. */
export type LiveSettings = Pick<OperatorSettings, (typeof LIVE_SETTINGS)[number]>;

/** Names of the settings in autopilot-operator.yaml. */
export const FIELD_NAMES: Readonly<Record<keyof OperatorSettings, keyof OperatorConfig>> = {
  workIntervalMs: 'workInterval',
  maxConcurrentReconciles: 'maxConcurrentReconciles',
  workerTimeoutMs: 'workerTimeout',
  watchNamespaces: 'watchNamespace',
  leaderElection: 'enableLeaderElection',
  leaderElectionNamespace: 'leaderElectionNamespace',
  paused: 'paused',
  config: 'config',
  metrics: 'metrics',
  metricsAddr: 'metricsAddr',
  secureMetrics: 'secureMetrics',
  logLevel: 'logLevel',
};

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings of an empty configuration. */
export const DEFAULT_SETTINGS: OperatorSettings = mergeSettings({}, {});

/**
 * Reads autopilot-operator.yaml.
 *
 * @param file path of the file; a file that does not exist is an empty configuration.
 * @throws Error with file, line and column of every problem.
 */
export async function loadConfig(file: string): Promise<OperatorConfig> {
  return parseConfigFile((await readConfigFile(file)) ?? '', file);
}

/**
 * Fills in defaults and converts durations.
 *
 * @param userSchema the schema of the user's section `config`. Absent: every value is valid.
 * @throws Error with the fields that are unknown or have wrong values.
 */
export function settingsOf(config: OperatorConfig, userSchema?: ConfigSchema): OperatorSettings {
  const settings = mergeSettings(readConfigObject(config), {});
  return { ...settings, config: validateUserConfig(userSchema, settings.config) };
}

/**
 * Reads the settings from the text of autopilot-operator.yaml and from the environment.
 *
 * @param source the text of the file, and the file name in messages.
 * @param environment `METRICS_SERVER` overrides `metrics.address`, and `WATCH_NAMESPACE` overrides
 * `watchNamespace`.
 * @param userSchema the schema of the user's section `config`. Absent: every value is valid.
 * @throws Error with file, line and column of every problem.
 */
export function parseSettings(
  source: { readonly text: string; readonly file: string },
  environment: Environment,
  userSchema?: ConfigSchema,
): OperatorSettings {
  const { text, file } = source;
  const settings = mergeSettings(readConfigObject(parseConfigFile(text, file)), environment);
  try {
    return { ...settings, config: validateUserConfig(userSchema, settings.config) };
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message.replaceAll('\n', `\n${file}: `)}`, {
      cause: error,
    });
  }
}

function mergeSettings(values: ConfigValues, environment: Environment): OperatorSettings {
  const { WATCH_NAMESPACE: watched } = environment;
  return {
    workIntervalMs: values.workInterval ?? 5_000,
    maxConcurrentReconciles: values.maxConcurrentReconciles ?? 10,
    workerTimeoutMs: values.workerTimeout ?? 60_000,
    // The chart sets WATCH_NAMESPACE to an empty string for the whole cluster.
    watchNamespaces:
      watched === undefined
        ? (values.watchNamespace ?? [])
        : readVariable('WATCH_NAMESPACE', watched, readNamespaces),
    leaderElection: values.enableLeaderElection ?? true,
    leaderElectionNamespace: values.leaderElectionNamespace,
    paused: values.paused ?? false,
    config: values.config ?? {},
    metrics: prometheusSettings(values, environment),
    metricsAddr: values.metricsAddr ?? ':9091',
    secureMetrics: values.secureMetrics ?? false,
    logLevel: values.logLevel ?? 'info',
  };
}

function prometheusSettings(values: ConfigValues, environment: Environment): PrometheusSettings {
  const { metrics = {}, meshProvider, controlPlaneNs = 'istio-system' } = values;
  const { METRICS_SERVER: server } = environment;
  const defaultAddress =
    meshProvider === 'Custom' ? undefined : `http://prometheus.${controlPlaneNs}:9090`;
  return {
    address: server
      ? readVariable('METRICS_SERVER', server, readUrl)
      : (metrics.address ?? defaultAddress),
    ...(metrics.bearerTokenFile !== undefined && { bearerTokenFile: metrics.bearerTokenFile }),
    ...(metrics.caFile !== undefined && { caFile: metrics.caFile }),
    headers: metrics.headers ?? {},
    ...(metrics.headerFiles !== undefined && { headerFiles: metrics.headerFiles }),
    timeoutMs: metrics.timeout ?? 10_000,
  };
}

function readVariable<T>(name: string, value: string, read: (value: unknown) => T): T {
  try {
    return read(value);
  } catch (error) {
    throw new Error(`the environment variable ${name} ${(error as Error).message}`, {
      cause: error,
    });
  }
}
