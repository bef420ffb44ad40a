/**
 * Applies changes of autopilot-operator.yaml to the running operator. The file is polled: a
 * ConfigMap mount replaces a symbolic link, which ends a watch of the file.
 */
import type { Clock } from '../util/clock.ts';
import { sleep } from '../util/clock.ts';
import type { Logger } from '../api/worker.ts';
import type { LiveSettings, OperatorSettings } from './config.ts';
import { FIELD_NAMES, LIVE_SETTINGS } from './config.ts';
import { hasStopSwitch } from './config-file.ts';

const POLL_INTERVAL_MS = 5_000;

/** What reloading needs. */
export interface ConfigReloadDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Reads the file. Undefined: the file does not exist. */
  read(): Promise<string | undefined>;
  /** Reads the switch beside the file, which pauses whatever the file says. */
  readPauseSwitch(): Promise<boolean>;
  /** @throws Error with every problem of the text. */
  parse(text: string): OperatorSettings;
  /** Gives the operator its live settings. */
  apply(settings: LiveSettings): void;
  /** Receives why the file is not in effect; undefined when it is. */
  report(problem: string | undefined): void;
}

/** The file and its settings, as they were last read. */
export interface LoadedConfig {
  readonly text: string | undefined;
  readonly settings: OperatorSettings;
  /** Whether the switch beside the file pauses the operator. */
  readonly isSwitchedOff: boolean;
}

/** The settings that take effect at the start. */
export function effectiveSettings({ settings, isSwitchedOff }: LoadedConfig): OperatorSettings {
  return isSwitchedOff ? { ...settings, paused: true } : settings;
}

/**
 * Polls the file every five seconds until the signal is aborted. A file that is missing, empty or
 * wrong changes nothing, is logged once and is reported. Its stop switch is read nevertheless.
 */
export async function reloadConfig(
  started: LoadedConfig,
  deps: ConfigReloadDeps,
  signal: AbortSignal,
): Promise<void> {
  let { text, settings, isSwitchedOff } = started;
  const switched: ConfigReloadDeps = {
    ...deps,
    apply: (live) => deps.apply(isSwitchedOff ? { ...live, paused: true } : live),
  };
  for (;;) {
    try {
      await sleep(deps.clock, POLL_INTERVAL_MS, signal);
    } catch {
      return;
    }
    const wasSwitchedOff = isSwitchedOff;
    isSwitchedOff = await deps.readPauseSwitch().catch(() => wasSwitchedOff);
    if (isSwitchedOff !== wasSwitchedOff) {
      deps.log.warn(`the operator is ${isSwitchedOff ? 'paused' : 'resumed'} by the switch`);
      switched.apply(liveSettingsOf(settings));
    }
    const next = await deps.read().catch(() => text);
    if (next === text) {
      continue;
    }
    text = next;
    if (next === undefined || next.trim() === '') {
      // Defaults would end a pause that a user has set. A file is also empty while it is written.
      const state = next === undefined ? 'missing' : 'empty';
      const problem = `the configuration file is ${state}; the last settings stay in effect`;
      deps.log.warn(problem);
      deps.report(problem);
      continue;
    }
    settings = applyText(next, settings, switched);
  }
}

/** Returns the settings of the text, or the old ones when the text is wrong. */
function applyText(text: string, old: OperatorSettings, deps: ConfigReloadDeps): OperatorSettings {
  const { log } = deps;
  let settings = old;
  try {
    settings = deps.parse(text);
    deps.report(undefined);
    const changed = changedSettings(old, settings);
    if (changed.length === 0) {
      return settings;
    }
    deps.apply(liveSettingsOf(settings));
    const live = changed.filter(isLiveSetting);
    const others = changed.filter((name) => !isLiveSetting(name));
    if (live.length > 0) {
      log.info('configuration reloaded', { changed: fieldNames(live) });
    }
    if (others.length > 0) {
      log.warn('changed settings need a restart to take effect', { changed: fieldNames(others) });
    }
  } catch (error) {
    const { message } = error as Error;
    log.error('the configuration is invalid; the last settings stay in effect', { error: message });
    deps.report(message);
    return pauseIfAsked(text, old, deps);
  }
  return settings;
}

/** A wrong file may have been written in a hurry, to stop the operator: its stop switch counts. */
function pauseIfAsked(
  text: string,
  old: OperatorSettings,
  deps: ConfigReloadDeps,
): OperatorSettings {
  if (old.paused || !hasStopSwitch(text)) {
    return old;
  }
  const settings = { ...old, paused: true };
  deps.apply(liveSettingsOf(settings));
  deps.log.warn('the operator is paused, because the invalid configuration asks for it');
  return settings;
}

function changedSettings(
  old: OperatorSettings,
  settings: OperatorSettings,
): readonly (keyof OperatorSettings)[] {
  return (Object.keys(FIELD_NAMES) as (keyof OperatorSettings)[]).filter(
    (name) => JSON.stringify(settings[name]) !== JSON.stringify(old[name]),
  );
}

function liveSettingsOf(settings: OperatorSettings): LiveSettings {
  const entries = LIVE_SETTINGS.map((name) => [name, settings[name]]);
  return Object.fromEntries(entries) as unknown as LiveSettings;
}

function isLiveSetting(name: keyof OperatorSettings): boolean {
  return (LIVE_SETTINGS as readonly string[]).includes(name);
}

function fieldNames(settings: readonly (keyof OperatorSettings)[]): string {
  return settings.map((name) => FIELD_NAMES[name]).join(', ');
}
