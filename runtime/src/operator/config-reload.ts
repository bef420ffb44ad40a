/**
 * Takes changes of autopilot-operator.yaml into the running operator. The file is read again and
 * again rather than watched: a ConfigMap
 * mount swaps a symbolic link, which a watch of the file does not survive.
 */
import type { Clock } from '../util/clock.ts';
import { sleep } from '../util/clock.ts';
import type { Logger } from '../api/worker.ts';
import type { LiveConfig, OperatorConfig } from './config.ts';
import { FIELD_NAMES, LIVE_SETTINGS } from './config.ts';

const POLL_INTERVAL_MS = 5_000;

export interface ConfigReloadDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** The text of the file now; undefined when there is none. */
  read(): Promise<string | undefined>;
  /** @throws Error with what is wrong in the text */
  parse(text: string): OperatorConfig;
  /** Takes the live settings. */
  apply(settings: LiveConfig): void;
}

/** Runs until the signal is aborted. A file that is wrong changes nothing, and is said once. */
export async function reloadConfig(
  started: { readonly text: string | undefined; readonly config: OperatorConfig },
  deps: ConfigReloadDeps,
  signal: AbortSignal,
): Promise<void> {
  let { text, config } = started;
  for (;;) {
    try {
      await sleep(deps.clock, POLL_INTERVAL_MS, signal);
    } catch {
      return;
    }
    const next = await deps.read().catch(() => text);
    if (next === text) {
      continue;
    }
    text = next;
    if (next === undefined || next.trim() === '') {
      // Defaults would end a pause that somebody has set; empty is also what a file is while it is
      // being written.
      deps.log.warn(
        `the configuration file is ${next === undefined ? 'gone' : 'empty'}: its last settings stay`,
      );
      continue;
    }
    try {
      const parsed = deps.parse(next);
      const changed = (Object.keys(FIELD_NAMES) as (keyof OperatorConfig)[]).filter(
        (name) => JSON.stringify(parsed[name]) !== JSON.stringify(config[name]),
      );
      config = parsed;
      if (changed.length === 0) {
        continue;
      }
      const live: readonly string[] = LIVE_SETTINGS;
      const names = (wanted: boolean): string =>
        changed
          .filter((name) => live.includes(name) === wanted)
          .map((name) => FIELD_NAMES[name])
          .join(', ');
      deps.apply(
        Object.fromEntries(
          LIVE_SETTINGS.map((name) => [name, parsed[name]]),
        ) as unknown as LiveConfig,
      );
      if (names(true) !== '') {
        deps.log.info('configuration reloaded', { changed: names(true) });
      }
      if (names(false) !== '') {
        deps.log.warn('some changes of the configuration need a restart', {
          changed: names(false),
        });
      }
    } catch (error) {
      deps.log.error('the configuration is wrong and was not taken', {
        error: (error as Error).message,
      });
    }
  }
}
