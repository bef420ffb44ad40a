/**
 * The fields of autopilot-operator.yaml, each with what it may be. Reading is strict and finds
 * everything at once: a sentence with file,
 * line and column for each unknown field and each value that cannot be.
 * generators/lib/model/operator-config.ts checks the same file when
 * a project is generated; a test holds the two to one list of cases.
 */
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { YAMLMap } from 'yaml';
import { parseDuration } from '../api/duration.ts';
import type { LogLevel } from '../observability/logger.ts';

/** Reads a value. @throws Error with the rest of a sentence that begins with the field's name. */
type FieldReader<T> = (value: unknown) => T;
type FieldReaders = Readonly<Record<string, FieldReader<unknown>>>;
type ValuesOf<F extends FieldReaders> = { readonly [K in keyof F]?: ReturnType<F[K]> };

const METRICS_FIELDS = {
  address: readUrl,
  bearerTokenFile: readNonEmptyString,
  caFile: readNonEmptyString,
  headers: readHeaders,
  timeout: readDuration,
};

const FIELDS = {
  version: readString,
  meshProvider: readMeshProvider,
  controlPlaneNs: readNonEmptyString,
  workInterval: readDuration,
  workerTimeout: readDuration,
  maxConcurrentReconciles: readCount,
  metricsAddr: readListenAddress,
  enableLeaderElection: readBoolean,
  watchNamespace: readNamespaces,
  leaderElectionNamespace: readNonEmptyString,
  logLevel: readLogLevel,
  paused: readBoolean,
  metrics: (value: unknown): ValuesOf<typeof METRICS_FIELDS> => readMapping(value),
  config: readMapping,
};

/** What a file says; what it leaves out, or leaves empty, is not there. */
export type FileFields = ValuesOf<typeof FIELDS>;

/**
 * @param file the name that problems carry. @throws Error with one line for each problem, in the
 * order of the file
 */
export function readConfigFields(content: string, file: string): FileFields {
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines, prettyErrors: false });
  const problems: { readonly at: number; readonly sentence: string }[] = [];
  const problem = (at: number | undefined, sentence: string): void =>
    void problems.push({ at: at ?? 0, sentence });

  const members = (map: YAMLMap, known: FieldReaders, path: string): Record<string, unknown> => {
    const values: Record<string, unknown> = {};
    for (const { key, value } of map.items) {
      const name = isScalar(key) ? String(key.value) : '';
      const read = Object.hasOwn(known, name) ? known[name] : undefined;
      const start = (key as { range?: readonly number[] }).range?.[0];
      if (read === undefined) {
        problem(
          start,
          `${path}${name} is not a known field${suggestion(name, Object.keys(known))}`,
        );
        continue;
      }
      try {
        const plain: unknown = (value as { toJS(of: unknown): unknown } | null)?.toJS(document);
        if (plain === null || plain === undefined) {
          continue;
        }
        values[name] =
          read === FIELDS.metrics && isMap(value)
            ? members(value, METRICS_FIELDS, 'metrics.')
            : read(plain);
      } catch (error) {
        problem(
          (value as { range?: readonly number[] } | null)?.range?.[0] ?? start,
          `${path}${name} ${(error as Error).message}`,
        );
      }
    }
    return values;
  };

  for (const error of document.errors) {
    problem(error.pos[0], error.message.split('\n')[0] ?? '');
  }
  let fields: FileFields = {};
  if (problems.length === 0) {
    const top = document.contents;
    if (isMap(top)) {
      fields = members(top, FIELDS, '');
    } else if (top !== null && !(isScalar(top) && top.value === null)) {
      problem(0, 'must be a mapping of fields');
    }
  }
  if (problems.length === 0) {
    return fields;
  }
  const sentences = problems
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, sentence }) => {
      const { line, col } = lines.linePos(at);
      return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}: ${sentence}`;
    });
  throw new Error(sentences.join('\n'));
}

/** ", did you mean 'x'?" or, with nothing near, what there is. */
function suggestion(wrong: string, known: readonly string[]): string {
  const [nearest] = known
    .map((name) => ({ name, steps: editDistance(wrong.toLowerCase(), name.toLowerCase()) }))
    .toSorted((a, b) => a.steps - b.steps);
  if (nearest !== undefined && nearest.steps <= Math.max(1, Math.floor(nearest.name.length / 3))) {
    return `, did you mean '${nearest.name}'?`;
  }
  return `; known: ${known.join(', ')}`;
}

/** Insertions, deletions and replacements that lead from one word to the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(
        Math.min(
          (row[j] ?? 0) + (letter === b[j] ? 0 : 1),
          (row[j + 1] ?? 0) + 1,
          (next[j] ?? 0) + 1,
        ),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function describeFound(value: unknown): string {
  return `, found ${JSON.stringify(value)}`;
}

function readString(value: unknown): string {
  if (typeof value !== 'string') {
    throw new Error(
      `must be a text${typeof value === 'object' ? '' : ' (put it in quotes)'}${describeFound(value)}`,
    );
  }
  return value;
}

function readNonEmptyString(value: unknown): string {
  if (readString(value) === '') {
    throw new Error('must not be empty');
  }
  return value as string;
}

function readBoolean(value: unknown): boolean {
  if (typeof value !== 'boolean') {
    throw new Error(`must be true or false${describeFound(value)}`);
  }
  return value;
}

function readCount(value: unknown): number {
  if (!Number.isInteger(value) || (value as number) < 1) {
    throw new Error(`must be a whole number from 1${describeFound(value)}`);
  }
  return value as number;
}

/** Milliseconds. */
function readDuration(value: unknown): number {
  try {
    const ms = parseDuration(String(value));
    if (ms > 0) {
      return ms;
    }
  } catch {
    // One sentence for both.
  }
  throw new Error(
    `must be a duration longer than 0, such as 500ms, 10s, 1m30s or 2h${describeFound(value)}`,
  );
}

function readMapping(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`must be a mapping${describeFound(value)}`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function readMeshProvider(value: unknown): 'Istio' | 'Custom' {
  if (value === 'Istio' || value === 0) {
    return 'Istio';
  }
  if (value === 'Custom' || value === 1) {
    return 'Custom';
  }
  throw new Error(`must be Istio or Custom${describeFound(value)}`);
}

export function readUrl(value: unknown): string {
  const { protocol } = URL.parse(String(value)) ?? {};
  if (protocol !== 'http:' && protocol !== 'https:') {
    // Without the user and password of an address that is nearly one: errors are logged.
    const shown = typeof value === 'string' ? value.replace(/[^/]*@/, '') : value;
    throw new Error(
      `must be an address such as http://prometheus.monitoring:9090${describeFound(shown)}`,
    );
  }
  return String(value);
}

/** Empty: no endpoints. */
function readListenAddress(value: unknown): string {
  if (typeof value !== 'string' || !/^(|.*:\d+)$/.test(value)) {
    throw new Error(
      `must be an address such as :9091, or "" for no endpoints${describeFound(value)}`,
    );
  }
  return value;
}

export function readNamespaces(value: unknown): readonly string[] {
  const names = [...new Set(readString(value).split(','))]
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const wrong = names.find((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name));
  if (wrong !== undefined) {
    throw new Error(`must be names of namespaces with commas between them, found '${wrong}'`);
  }
  return [...new Set(names)];
}

/** Errors are logged, and headers are where tokens stand: none shows a value. */
function readHeaders(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('must be a mapping of names to texts');
  }
  for (const [name, content] of Object.entries(value)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
      throw new Error(`has '${name}', which is no name of an HTTP header`);
    }
    if (typeof content !== 'string' || /[\r\n\0]/.test(content)) {
      throw new Error(`must have one line of text for '${name}'`);
    }
  }
  return value as Readonly<Record<string, string>>;
}

/**
 * The original's names, its numbers from 0, and our own names in small letters; beyond Error there
 * is nothing here to leave out.
 */
const LEVEL_BY_NAME: Readonly<Record<string, LogLevel>> = {
  Debug: 'debug',
  Info: 'info',
  Warn: 'warn',
  Error: 'error',
  DPanic: 'error',
  Panic: 'error',
  Fatal: 'error',
};

function readLogLevel(value: unknown): LogLevel {
  const named =
    typeof value === 'number' ? Object.values(LEVEL_BY_NAME)[value] : LEVEL_BY_NAME[String(value)];
  const level = named ?? Object.values(LEVEL_BY_NAME).find((own) => own === value);
  if (level === undefined) {
    throw new Error(`must be Debug, Info, Warn or Error${describeFound(value)}`);
  }
  return level;
}
