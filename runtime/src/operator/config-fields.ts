/**
 * The fields of autopilot-operator.yaml: which values each may have, and what they are converted
 * to.
 *
 * `generators/lib/model/operator-config.ts` checks the same file when a project is generated. A
 * test runs both checks on one list of cases.
 */
import { parseDuration } from '../api/duration.ts';
import type { LogLevel } from '../observability/logger.ts';
import { isRecord } from '../util/json.ts';
import { logLevelOf, meshProviderOf } from './config-2019.ts';
import type { MeshProvider } from './config-2019.ts';

/**
 * Converts the value of one field.
 *
 * @throws Error whose message continues a sentence that starts with the field's name.
 */
export type FieldReader<T = unknown> = (value: unknown) => T;

/** Readers by field name. */
export type FieldReaders = Readonly<Record<string, FieldReader>>;

/** What the readers return; a field that is absent or null in the file is absent here. */
type ValuesOf<F extends FieldReaders> = { readonly [K in keyof F]?: ReturnType<F[K]> };

/** The fields of the section `metrics`. */
export const METRICS_FIELDS = {
  address: readUrl,
  bearerTokenFile: readNonEmptyString,
  caFile: readNonEmptyString,
  headers: readHeaders,
  headerFiles: readHeaderFiles,
  timeout: readDuration,
};

/** The fields at the top of the file. */
export const CONFIG_FIELDS = {
  version: readString,
  meshProvider: readMeshProvider,
  controlPlaneNs: readNonEmptyString,
  workInterval: readDuration,
  workerTimeout: readDuration,
  maxConcurrentReconciles: readCount,
  metricsAddr: readListenAddress,
  secureMetrics: readBoolean,
  enableLeaderElection: readBoolean,
  watchNamespace: readNamespaces,
  leaderElectionNamespace: readNonEmptyString,
  logLevel: readLogLevel,
  paused: readBoolean,
  metrics: readMapping,
  config: readMapping,
};

/** The values of all fields, converted: durations in milliseconds, names in a list. */
export type ConfigValues = Omit<ValuesOf<typeof CONFIG_FIELDS>, 'metrics'> & {
  readonly metrics?: ValuesOf<typeof METRICS_FIELDS>;
};

/**
 * Converts the values of a configuration that is given as an object.
 *
 * @throws Error that names the first field that is unknown or has a wrong value.
 */
export function readConfigObject(config: object): ConfigValues {
  const { metrics, ...others } = readFields(config, CONFIG_FIELDS, '');
  return {
    ...others,
    ...(metrics !== undefined && { metrics: readFields(metrics, METRICS_FIELDS, 'metrics.') }),
  };
}

function readFields<F extends FieldReaders>(fields: object, readers: F, path: string): ValuesOf<F> {
  const converted: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields) as readonly [string, unknown][]) {
    if (value === undefined || value === null) {
      continue;
    }
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (read === undefined) {
      throw new Error(
        `${path}${name} is not a known field; known: ${Object.keys(readers).join(', ')}`,
      );
    }
    try {
      converted[name] = read(value);
    } catch (error) {
      throw new Error(`${path}${name} ${(error as Error).message}`, { cause: error });
    }
  }
  return converted as ValuesOf<F>;
}

/** Converts an `http:` or `https:` URL. */
export function readUrl(value: unknown): string {
  const { protocol } = URL.parse(String(value)) ?? {};
  if (protocol !== 'http:' && protocol !== 'https:') {
    // The message is logged: leave out a user and password before the `@`.
    const shown = typeof value === 'string' ? value.replace(/[^/]*@/, '') : value;
    throw new Error(
      `must be a URL such as http://prometheus.monitoring:9090${describeFound(shown)}`,
    );
  }
  return String(value);
}

/**
 * Converts names of namespaces, separated by commas, to a list. An empty string is no namespace.
 */
export function readNamespaces(value: unknown): readonly string[] {
  const names = readString(value)
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const wrong = names.find((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name));
  if (wrong !== undefined) {
    throw new Error(`must be namespace names separated by commas, found '${wrong}'`);
  }
  return [...new Set(names)];
}

function readString(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  const advice = typeof value === 'object' ? '' : '; put it in quotes';
  throw new Error(`must be a string${describeFound(value)}${advice}`);
}

function readNonEmptyString(value: unknown): string {
  const text = readString(value);
  if (text === '') {
    throw new Error('must not be empty');
  }
  return text;
}

function readBoolean(value: unknown): boolean {
  if (typeof value !== 'boolean') {
    throw new Error(`must be true or false${describeFound(value)}`);
  }
  return value;
}

function readCount(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw new Error(`must be an integer of at least 1${describeFound(value)}`);
  }
  return value;
}

/** @returns milliseconds. */
function readDuration(value: unknown): number {
  const ms = tryParseDuration(String(value));
  if (ms === undefined || ms <= 0) {
    throw new Error(
      `must be a duration longer than 0, such as 500ms, 10s, 1m30s or 2h${describeFound(value)}`,
    );
  }
  return ms;
}

function tryParseDuration(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}

function readMapping(value: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) {
    throw new Error(`must be a mapping${describeFound(value)}`);
  }
  return value;
}

function readMeshProvider(value: unknown): MeshProvider {
  const provider = meshProviderOf(value);
  if (provider === undefined) {
    throw new Error(`must be Istio or Custom${describeFound(value)}`);
  }
  return provider;
}

function readLogLevel(value: unknown): LogLevel {
  const level = logLevelOf(value);
  if (level === undefined) {
    throw new Error(`must be Debug, Info, Warn or Error${describeFound(value)}`);
  }
  return level;
}

/** Converts `host:port` or `:port`. An empty string disables the endpoints. */
function readListenAddress(value: unknown): string {
  if (typeof value !== 'string' || !/^(|.*:\d+)$/.test(value)) {
    throw new Error(
      `must be an address such as :9091, or "" to disable the endpoints${describeFound(value)}`,
    );
  }
  return value;
}

/** Converts HTTP headers. Messages are logged and headers carry tokens: no message has a value. */
function readHeaders(value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) {
    throw new Error('must be a mapping of header names to strings');
  }
  for (const [name, content] of Object.entries(value)) {
    checkHeaderName(name);
    if (typeof content !== 'string' || /[\r\n\0]/.test(content)) {
      throw new Error(`must have a string of one line for '${name}'`);
    }
  }
  return value as Readonly<Record<string, string>>;
}

/** Converts paths of files by header name. */
function readHeaderFiles(value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) {
    throw new Error('must be a mapping of header names to files');
  }
  for (const [name, file] of Object.entries(value)) {
    checkHeaderName(name);
    if (typeof file !== 'string' || file === '') {
      throw new Error(`must have the path of a file for '${name}'`);
    }
  }
  return value as Readonly<Record<string, string>>;
}

function checkHeaderName(name: string): void {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
    throw new Error(`has '${name}', which is not a valid HTTP header name`);
  }
}

function describeFound(value: unknown): string {
  return `, found ${JSON.stringify(value)}`;
}
