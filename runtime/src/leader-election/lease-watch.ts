/**
 * A watch on one Lease, for a leader elector between two of its attempts.
 *
 * A standby learns from the watch that the lease was released. The leader learns that the Lease was
 * deleted: another process may then acquire the lease immediately, so the leader stops writing
 * until it has created the Lease again.
 *
 * Caveats: without the right to watch Leases (403) the watch ends, and the leader elector relies on
 * its attempts every two seconds, as client-go does.
 */
import { hasCode } from '../client/errors.ts';
import type { KubeApi, WatchEvent } from '../client/kube-api.ts';
import type { ObjectKey } from '../client/object.ts';
import type { Clock } from '../util/clock.ts';
import { sleep } from '../util/clock.ts';
import { LEASE } from './lease-state.ts';

/** Pause before a watch that ended or failed is opened again, in milliseconds. */
const WATCH_RETRY_MS = 10_000;
/** Time after which the API server ends a watch, in seconds. */
const WATCH_TIMEOUT_S = 300;

/** What a watch on a Lease needs. */
export interface LeaseWatchOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  /** Namespace and name of the Lease. */
  readonly key: ObjectKey & { readonly namespace: string };
  /** The version to watch from; undefined while there is no Lease. */
  readonly resourceVersion: () => string | undefined;
  /** Called for each change of the Lease. */
  readonly onEvent: (event: Exclude<WatchEvent, { readonly type: 'BOOKMARK' }>) => void;
}

/** Watches one Lease, and opens the watch again when it ends or fails. */
export class LeaseWatch {
  readonly #options: LeaseWatchOptions;

  /** @param options the client, the Lease and the listener. */
  constructor(options: LeaseWatchOptions) {
    this.#options = options;
  }

  /**
   * Watches until the signal is aborted, or the API server refuses the watch with 403 or 404. Never
   * rejects.
   */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const resourceVersion = this.#options.resourceVersion();
      try {
        if (resourceVersion !== undefined) {
          await this.#watchFrom(resourceVersion, signal);
        }
      } catch (error) {
        if (hasCode(error, 403, 404)) {
          return;
        }
      }
      if (signal.aborted) {
        return;
      }
      await sleep(this.#options.clock, WATCH_RETRY_MS, signal).catch(() => undefined);
    }
  }

  /** One watch, until it ends, fails, or the signal is aborted. */
  async #watchFrom(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { api, key, onEvent } = this.#options;
    const options = {
      namespace: key.namespace,
      fieldSelector: `metadata.name=${key.name}`,
      resourceVersion,
      timeoutSeconds: WATCH_TIMEOUT_S,
    };
    for await (const event of api.watch(LEASE, options, signal)) {
      if (event.type !== 'BOOKMARK') {
        onEvent(event);
      }
      if (signal.aborted) {
        return;
      }
    }
  }
}
