/**
 * Compatibility with the Autopilot of 2019.
 *
 * Operators made with the original Autopilot (written in Go) have an autopilot-operator.yaml, and
 * this runtime reads that file unchanged. Three of its fields differ from the fields of new files:
 *
 * - `version` is accepted and ignored.
 * - `meshProvider` was an enum of Go, written by name or by number: 0 is Istio, 1 is Custom.
 * - `logLevel` was a level of the zap library, written by name or by number from 0 (Debug). The
 *   levels above Error (DPanic, Panic, Fatal) log errors only, as Error does.
 *
 * New files use the names that docs/reference/autopilot-operator-yaml.md lists first.
 */
import type { LogLevel } from '../observability/logger.ts';

/** The mesh that decides the default address of Prometheus. */
export type MeshProvider = 'Istio' | 'Custom';

/** Mesh providers in the order of their numbers. */
const MESH_PROVIDERS: readonly MeshProvider[] = ['Istio', 'Custom'];

/** Log levels by zap's names, in the order of their numbers. */
const LEVEL_BY_ZAP_NAME: Readonly<Record<string, LogLevel>> = {
  Debug: 'debug',
  Info: 'info',
  Warn: 'warn',
  Error: 'error',
  DPanic: 'error',
  Panic: 'error',
  Fatal: 'error',
};

/** @returns the mesh provider of this name or number; undefined when there is none. */
export function meshProviderOf(value: unknown): MeshProvider | undefined {
  return typeof value === 'number'
    ? MESH_PROVIDERS[value]
    : MESH_PROVIDERS.find((provider) => provider === value);
}

/**
 * @returns the level of this name or number, zap's or this runtime's; undefined when there is none.
 */
export function logLevelOf(value: unknown): LogLevel | undefined {
  const levels = Object.values(LEVEL_BY_ZAP_NAME);
  if (typeof value === 'number') {
    return levels[value];
  }
  const name = String(value);
  return Object.hasOwn(LEVEL_BY_ZAP_NAME, name)
    ? LEVEL_BY_ZAP_NAME[name]
    : levels.find((level) => level === value);
}
