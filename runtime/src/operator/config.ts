/**
 * How the operator runs: autopilot-operator.yaml over the original's defaults, field by field, and
 * the environment over both.
 */
import { readFile } from 'node:fs/promises';
import type { Level } from '../observe/log.ts';
import type { MetricsAccess } from '../queries/types.ts';
import type { ConfigSchema } from '../user-config.ts';
import { userConfig } from '../user-config.ts';
import type { FileFields } from './fields.ts';
import { namespaces, readFields, url } from './fields.ts';

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
  readonly metrics: MetricsAccess;
  /** `:9091`; empty: no endpoints. */
  readonly metricsAddr: string;
  readonly logLevel: Level;
}

/** Settings that take effect in a running operator; the others need a new process. */
export const LIVE = [
  'workIntervalMs',
  'workerTimeoutMs',
  'paused',
  'config',
  'metrics',
  'logLevel',
] as const;
export type LiveConfig = Pick<OperatorConfig, (typeof LIVE)[number]>;

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

export const DEFAULT_CONFIG: OperatorConfig = merged({}, {});

/**
 * @param file path; an absent file means the defaults.
 * @throws Error with file, line and column of everything that is wrong.
 */
export async function loadConfig(file: string, environment: Environment): Promise<OperatorConfig> {
  return configOf((await readConfig(file)) ?? '', file, environment);
}

/** The text of the file; undefined when there is none. @throws Error when it cannot be read */
export async function readConfig(file: string): Promise<string | undefined> {
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
export function configOf(
  text: string,
  file: string,
  environment: Environment,
  type?: ConfigSchema,
): OperatorConfig {
  const config = merged(readFields(text, file), environment);
  try {
    return { ...config, config: userConfig(type, config.config) };
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message.replaceAll('\n', `\n${file}: `)}`, {
      cause: error,
    });
  }
}

function merged(fields: FileFields, environment: Environment): OperatorConfig {
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
        : inEnvironment('WATCH_NAMESPACE', watched, namespaces),
    leaderElection: fields.enableLeaderElection ?? true,
    leaderElectionNamespace: fields.leaderElectionNamespace,
    paused: fields.paused ?? false,
    config: fields.config ?? {},
    metrics: {
      address: server
        ? inEnvironment('METRICS_SERVER', server, url)
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

function inEnvironment<T>(name: string, value: string, read: (value: unknown) => T): T {
  try {
    return read(value);
  } catch (error) {
    throw new Error(`the environment variable ${name} ${(error as Error).message}`, {
      cause: error,
    });
  }
}
