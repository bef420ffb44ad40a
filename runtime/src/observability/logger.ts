/**
 * A logger that writes JSON lines: time, level, message, the current reconcile (resource, phase,
 * reconcileId), then the given fields. Secrets are never logged, because callers log names and not
 * contents.
 */
import type { Clock } from '../util/clock.ts';
import type { Logger } from '../api/worker.ts';
import { currentReconcile } from './reconcile-context.ts';

/** Log levels, from the least to the most severe. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** Severity of a log line. */
export type LogLevel = (typeof LOG_LEVELS)[number];

type LogFields = Readonly<Record<string, unknown>>;

/** A logger that discards everything. */
export const NOOP_LOGGER: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A logger of JSON lines. */
export interface JsonLogger extends Logger {
  /** @returns a logger that adds these fields to each line. */
  child(fields: LogFields): JsonLogger;
  /** Changes the least severe level that is written, also for child loggers. */
  setLevel(level: LogLevel): void;
}

/**
 * @param level the least severe level that is written.
 * @param write receives each line with its line break.
 */
export function createJsonLogger(
  clock: Clock,
  level: LogLevel,
  write: (line: string) => void,
): JsonLogger {
  const threshold = { value: LOG_LEVELS.indexOf(level) };
  const createLogger = (bound: LogFields): JsonLogger => {
    const logAt =
      (name: LogLevel) =>
      (message: string, fields?: LogFields): void => {
        if (LOG_LEVELS.indexOf(name) < threshold.value) {
          return;
        }
        const time = new Date(clock.now()).toISOString();
        const head = { time, level: name, message, ...currentReconcile() };
        write(`${serializeLine(head, { ...bound, ...fields })}\n`);
      };
    return {
      debug: logAt('debug'),
      info: logAt('info'),
      warn: logAt('warn'),
      error: logAt('error'),
      child: (fields) => createLogger({ ...bound, ...fields }),
      setLevel: (next) => void (threshold.value = LOG_LEVELS.indexOf(next)),
    };
  };
  return createLogger({});
}

/** Never throws: a worker must not fail because of a field that JSON cannot represent. */
function serializeLine(head: object, fields: LogFields): string {
  try {
    return JSON.stringify({ ...head, ...fields }, replaceValue);
  } catch (error) {
    return JSON.stringify({ ...head, unwritten: (error as Error).message });
  }
}

/** Replaces values that JSON.stringify rejects or writes as an empty object. */
function replaceValue(_: string, value: unknown): unknown {
  if (value instanceof Error) {
    return value.message;
  }
  return typeof value === 'bigint' ? String(value) : value;
}

/** @returns a logger that adds these fields to each line of `log`. */
export function withLogFields(log: Logger, fields: LogFields): Logger {
  return {
    debug: (message, more) => log.debug(message, { ...fields, ...more }),
    info: (message, more) => log.info(message, { ...fields, ...more }),
    warn: (message, more) => log.warn(message, { ...fields, ...more }),
    error: (message, more) => log.error(message, { ...fields, ...more }),
  };
}
