/**
 * How the operator runs: autopilot-operator.yaml over the original's defaults, field by field, and
 * the environment over both.
 */
import { readFile } from 'node:fs/promises';
import type { LogLevel } from '../observability/logger.ts';
import type { PrometheusSettings } from '../queries/query-types.ts';
import type { ConfigSchema } from '../api/config-schema.ts';
import { validateUserConfig } from '../api/config-schema.ts';
import type { FileFields } from './config-fields.ts';
import { readNamespaces, readConfigFields, readUrl } from './config-fields.ts';

export interface OperatorConfig {
  readonly workIntervalMs: number;
  readonly maxConcurrentReconciles: number;
  /** How long a worker may take before its signal is aborted. */
  readonly workerTimeoutMs: number;
  /** Empty: the whole cluster. */
  readonly watchNamespaces: readonly string[];
  readonly leaderElection: boolean;
  /** Default: the Pod's namespace. */
  readonly leaderElectionNamespace: string | undefined;
  /** The stop switch for the whole operator. */
  readonly paused: boolean;
  /** The user's own section, given to workers. */
  readonly config: unknown;
  /** Prometheus. */
  readonly metrics: PrometheusSettings;
  /** `:9091`; empty: no endpoints. */
  readonly metricsAddr: string;
  readonly logLevel: LogLevel;
}

/** Settings that take effect in a running operator; the others need a new process. */
export const LIVE_SETTINGS = [
  'workIntervalMs',
  'workerTimeoutMs',
  'paused',
  'config',
  'metrics',
  'logLevel',
] as const;
export type LiveConfig = Pick<OperatorConfig, (typeof LIVE_SETTINGS)[number]>;

/** As the settings are called in the file. */
export const FIELD_NAMES: Readonly<Record<keyof OperatorConfig, string>> = {
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
  logLevel: 'logLevel',
};

export type Environment = Readonly<Record<string, string | undefined>>;

export const DEFAULT_CONFIG: OperatorConfig = mergeConfig({}, {});

/**
 * @param file path; an absent file means the defaults.
 * @throws Error with file, line and column of everything that is wrong.
 */
export async function loadConfig(file: string, environment: Environment): Promise<OperatorConfig> {
  return parseConfig((await readConfigFile(file)) ?? '', file, environment);
}

/** The text of the file; undefined when there is none. @throws Error when it cannot be read */
export async function readConfigFile(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      return undefined;
    }
    throw new Error(`cannot read ${file}: ${error.message}`, { cause: error });
  });
}

/**
 * @param type what the user's `config:` must be; undefined: anything
 * @throws Error with file, line and column of everything that is wrong.
 */
export function parseConfig(
  text: string,
  file: string,
  environment: Environment,
  type?: ConfigSchema,
): OperatorConfig {
  const config = mergeConfig(readConfigFields(text, file), environment);
  try {
    return { ...config, config: validateUserConfig(type, config.config) };
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message.replaceAll('\n', `\n${file}: `)}`, {
      cause: error,
    });
  }
}

function mergeConfig(fields: FileFields, environment: Environment): OperatorConfig {
  const { metrics = {} } = fields;
  const { METRICS_SERVER: server, WATCH_NAMESPACE: watched } = environment;
  const provided =
    fields.meshProvider === 'Custom'
      ? undefined
      : `http://prometheus.${fields.controlPlaneNs ?? 'istio-system'}:9090`;
  return {
    workIntervalMs: fields.workInterval ?? 5_000,
    maxConcurrentReconciles: fields.maxConcurrentReconciles ?? 10,
    workerTimeoutMs: fields.workerTimeout ?? 60_000,
    // An empty variable means the whole cluster, as the chart says it.
    watchNamespaces:
      watched === undefined
        ? (fields.watchNamespace ?? [])
        : readVariable('WATCH_NAMESPACE', watched, readNamespaces),
    leaderElection: fields.enableLeaderElection ?? true,
    leaderElectionNamespace: fields.leaderElectionNamespace,
    paused: fields.paused ?? false,
    config: fields.config ?? {},
    metrics: {
      address: server
        ? readVariable('METRICS_SERVER', server, readUrl)
        : (metrics.address ?? provided),
      ...(metrics.bearerTokenFile !== undefined && { bearerTokenFile: metrics.bearerTokenFile }),
      ...(metrics.caFile !== undefined && { caFile: metrics.caFile }),
      headers: metrics.headers ?? {},
      timeoutMs: metrics.timeout ?? 10_000,
    },
    metricsAddr: fields.metricsAddr ?? ':9091',
    logLevel: fields.logLevel ?? 'info',
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
