/**
 * JSON lines on standard output: time, level, message, the sync they belong to (resource, phase, a
 * number), then the fields. Secrets never
 * get here: callers log names, not contents.
 */
import type { Clock } from '../clock.ts';
import type { Log } from '../worker.ts';
import { currentSync } from './current.ts';

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LEVELS)[number];

export interface Logger extends Log {
  child(fields: Readonly<Record<string, unknown>>): Logger;
  /** Takes effect at once, also for children. */
  setLevel(level: Level): void;
}

export function jsonLogger(clock: Clock, level: Level, write: (line: string) => void): Logger {
  const threshold = { value: LEVELS.indexOf(level) };
  const make = (bound: Readonly<Record<string, unknown>>): Logger => {
    const at =
      (name: Level) =>
      (message: string, fields?: Readonly<Record<string, unknown>>): void => {
        if (LEVELS.indexOf(name) < threshold.value) {
          return;
        }
        const begin = {
          time: new Date(clock.now()).toISOString(),
          level: name,
          message,
          ...currentSync(),
        };
        write(`${line({ ...begin, ...bound, ...fields }, begin)}\n`);
      };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => make({ ...bound, ...fields }),
      setLevel: (next) => void (threshold.value = LEVELS.indexOf(next)),
    };
  };
  return make({});
}

/** A worker must not fail because of what it logs. */
function line(whole: object, begin: object): string {
  try {
    return JSON.stringify(whole, plain);
  } catch (error) {
    return JSON.stringify({ ...begin, unwritten: (error as Error).message });
  }
}

/** What JSON has no form for, or an empty one. */
function plain(_: string, value: unknown): unknown {
  if (value instanceof Error) {
    return value.message;
  }
  return typeof value === 'bigint' ? String(value) : value;
}

/** Binds fields to any log. */
export function withFields(log: Log, fields: Readonly<Record<string, unknown>>): Log {
  return {
    debug: (message, more) => log.debug(message, { ...fields, ...more }),
    info: (message, more) => log.info(message, { ...fields, ...more }),
    warn: (message, more) => log.warn(message, { ...fields, ...more }),
    error: (message, more) => log.error(message, { ...fields, ...more }),
  };
}
