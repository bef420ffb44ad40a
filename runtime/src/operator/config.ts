/**
 * autopilot-operator.yaml: the original's fields with the original's defaults, merged field by field; environment over file over default.
 */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { parseDuration } from '../duration.ts';
import type { Level } from '../observe/log.ts';

export interface OperatorConfig {
  readonly workIntervalMs: number;
  readonly maxConcurrentSyncs: number;
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
  /** Base address of Prometheus. */
  readonly metricsServer: string;
  /** `:9091`; empty: no endpoints. */
  readonly metricsAddr: string;
  readonly logLevel: Level;
}

export const DEFAULT_CONFIG: OperatorConfig = {
  workIntervalMs: 5_000,
  maxConcurrentSyncs: 10,
  workerTimeoutMs: 60_000,
  watchNamespaces: [],
  leaderElection: true,
  leaderElectionNamespace: undefined,
  paused: false,
  config: {},
  metricsServer: 'http://prometheus.istio-system:9090',
  metricsAddr: ':9091',
  logLevel: 'info',
};

/** Numbers as the original counted them. */
const LEVELS: Readonly<Record<string, Level>> = {
  '0': 'debug',
  '1': 'info',
  '2': 'warn',
  '3': 'error',
  '4': 'error',
  '5': 'error',
  '6': 'error',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
};

type Field = (value: unknown, config: { -readonly [K in keyof OperatorConfig]: OperatorConfig[K] }) => void;

const FIELDS: Readonly<Record<string, Field>> = {
  version: () => undefined,
  meshProvider: () => undefined,
  controlPlaneNs: (value, config) => void (config.metricsServer = `http://prometheus.${text(value, 'controlPlaneNs')}:9090`),
  workInterval: (value, config) => void (config.workIntervalMs = parseDuration(text(value, 'workInterval'))),
  workerTimeout: (value, config) => void (config.workerTimeoutMs = parseDuration(text(value, 'workerTimeout'))),
  maxConcurrentSyncs: (value, config) => void (config.maxConcurrentSyncs = count(value, 'maxConcurrentSyncs')),
  metricsAddr: (value, config) => void (config.metricsAddr = text(value, 'metricsAddr')),
  enableLeaderElection: (value, config) => void (config.leaderElection = flag(value, 'enableLeaderElection')),
  watchNamespace: (value, config) => void (config.watchNamespaces = names(text(value, 'watchNamespace'))),
  leaderElectionNamespace: (value, config) => void (config.leaderElectionNamespace = text(value, 'leaderElectionNamespace')),
  logLevel: (value, config) => void (config.logLevel = level(value)),
  paused: (value, config) => void (config.paused = flag(value, 'paused')),
  config: (value, config) => void (config.config = value ?? {}),
  metrics: (value, config) => {
    const address = (value as { address?: unknown } | null)?.address;
    if (address !== undefined) config.metricsServer = text(address, 'metrics.address');
  },
};

/**
 * @param file path; an absent file means the defaults.
 * @throws Error that names the file and the field.
 */
export async function loadConfig(file: string, environment: Readonly<Record<string, string | undefined>>): Promise<OperatorConfig> {
  const content = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw new Error(`cannot read ${file}: ${error.message}`, { cause: error });
  });
  try {
    return configOf(parse(content) ?? {}, environment);
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
}

export function configOf(fields: unknown, environment: Readonly<Record<string, string | undefined>>): OperatorConfig {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new Error('must be a map of fields');
  const config = { ...DEFAULT_CONFIG };
  for (const [name, value] of Object.entries(fields)) {
    const field = FIELDS[name];
    if (field === undefined) throw new Error(`unknown field '${name}'; known are ${Object.keys(FIELDS).join(', ')}`);
    if (value !== null && value !== undefined) field(value, config);
  }
  if (environment['WATCH_NAMESPACE'] !== undefined) config.watchNamespaces = names(environment['WATCH_NAMESPACE']);
  if (environment['METRICS_SERVER']) config.metricsServer = environment['METRICS_SERVER'];
  return config;
}

function names(list: string): readonly string[] {
  return [...new Set(list.split(',').map((name) => name.trim()))].filter((name) => name !== '');
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new Error(`${name} must be a text, found ${JSON.stringify(value)}`);
  return value;
}

function flag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw new Error(`${name} must be true or false, found ${JSON.stringify(value)}`);
  return value;
}

function count(value: unknown, name: string): number {
  if (!Number.isInteger(value) || (value as number) < 1) throw new Error(`${name} must be a whole number from 1, found ${JSON.stringify(value)}`);
  return value as number;
}

function level(value: unknown): Level {
  const found = LEVELS[String(value).toLowerCase()];
  if (found === undefined) throw new Error(`logLevel must be debug, info, warn, error or the original's 0 to 6, found ${JSON.stringify(value)}`);
  return found;
}
