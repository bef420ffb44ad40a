/** Requests to one Lease, each with a time limit. */
import { hasCode } from '../client/errors.ts';
import type { KubeApi } from '../client/kube-api.ts';
import type { KubeObject, ObjectKey } from '../client/object.ts';
import type { Clock } from '../util/clock.ts';
import type { LeaseSpec } from './lease-state.ts';
import { LEASE, RENEW_DEADLINE_MS } from './lease-state.ts';

/** Limit for one request, in milliseconds: half the renew deadline, as in client-go. */
const REQUEST_TIMEOUT_MS = RENEW_DEADLINE_MS / 2;

/** What a lease lock needs. */
export interface LeaseLockOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  /** Namespace and name of the Lease. */
  readonly key: ObjectKey & { readonly namespace: string };
}

/**
 * Reads and writes one Lease, as client-go's `LeaseLock`. Every method rejects with the error of
 * `KubeApi`, with an error after five seconds, or with the reason of an aborted signal.
 */
export class LeaseLock {
  readonly #options: LeaseLockOptions;

  /** @param options the client, the clock and the Lease's key. */
  constructor(options: LeaseLockOptions) {
    this.#options = options;
  }

  /** @returns the Lease; undefined when there is none. */
  async get(signal?: AbortSignal): Promise<KubeObject | undefined> {
    const { api, key } = this.#options;
    try {
      return await this.#withTimeout(signal, (limit) => api.get(LEASE, key, limit));
    } catch (error) {
      if (hasCode(error, 404)) {
        return undefined;
      }
      throw error;
    }
  }

  /** Creates the Lease. Rejects with a 409 when there is one. */
  create(spec: LeaseSpec, signal?: AbortSignal): Promise<KubeObject> {
    const { api, key } = this.#options;
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: key, spec };
    return this.#withTimeout(signal, (limit) => api.create(LEASE, lease, {}, limit));
  }

  /** Replaces the spec of `lease`. Rejects with a 409 when the Lease has changed since. */
  update(lease: KubeObject, spec: LeaseSpec, signal?: AbortSignal): Promise<KubeObject> {
    const { api } = this.#options;
    return this.#withTimeout(signal, (limit) => api.replace(LEASE, { ...lease, spec }, {}, limit));
  }

  async #withTimeout<T>(
    signal: AbortSignal | undefined,
    send: (limit: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const timeout = new AbortController();
    const timer = this.#options.clock.after(REQUEST_TIMEOUT_MS, () =>
      timeout.abort(
        new Error(`the API server did not respond within ${REQUEST_TIMEOUT_MS / 1000} s`),
      ),
    );
    try {
      return await send(signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal);
    } finally {
      timer.cancel();
    }
  }
}
