/**
 * JSON lines on standard output: time, level, message, the sync they belong to (resource, phase, a
 * number), then the fields. Secrets never
 * get here: callers log names, not contents.
 */
import type { Clock } from '../util/clock.ts';
import type { Logger } from '../api/worker.ts';
import { currentReconcile } from './reconcile-context.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface JsonLogger extends Logger {
  child(fields: Readonly<Record<string, unknown>>): JsonLogger;
  /** Takes effect at once, also for children. */
  setLevel(level: LogLevel): void;
}

export function createJsonLogger(
  clock: Clock,
  level: LogLevel,
  write: (line: string) => void,
): JsonLogger {
  const threshold = { value: LOG_LEVELS.indexOf(level) };
  const make = (bound: Readonly<Record<string, unknown>>): JsonLogger => {
    const at =
      (name: LogLevel) =>
      (message: string, fields?: Readonly<Record<string, unknown>>): void => {
        if (LOG_LEVELS.indexOf(name) < threshold.value) {
          return;
        }
        const begin = {
          time: new Date(clock.now()).toISOString(),
          level: name,
          message,
          ...currentReconcile(),
        };
        write(`${serializeLine({ ...begin, ...bound, ...fields }, begin)}\n`);
      };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => make({ ...bound, ...fields }),
      setLevel: (next) => void (threshold.value = LOG_LEVELS.indexOf(next)),
    };
  };
  return make({});
}

/** A worker must not fail because of what it logs. */
function serializeLine(whole: object, begin: object): string {
  try {
    return JSON.stringify(whole, jsonReplacer);
  } catch (error) {
    return JSON.stringify({ ...begin, unwritten: (error as Error).message });
  }
}

/** What JSON has no form for, or an empty one. */
function jsonReplacer(_: string, value: unknown): unknown {
  if (value instanceof Error) {
    return value.message;
  }
  return typeof value === 'bigint' ? String(value) : value;
}

/** Binds fields to any log. */
export function withLogFields(log: Logger, fields: Readonly<Record<string, unknown>>): Logger {
  return {
    debug: (message, more) => log.debug(message, { ...fields, ...more }),
    info: (message, more) => log.info(message, { ...fields, ...more }),
    warn: (message, more) => log.warn(message, { ...fields, ...more }),
    error: (message, more) => log.error(message, { ...fields, ...more }),
  };
}
