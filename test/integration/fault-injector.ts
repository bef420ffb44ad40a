/** Faults between an operator and its cluster. */
import type { KubeApi, KubeObject, WatchEvent } from '../../runtime/src/internal.ts';
import { ApiError, ConnectionError } from '../../runtime/src/internal.ts';

export type ApiVerb =
  | 'list'
  | 'watch'
  | 'get'
  | 'create'
  | 'replace'
  | 'apply'
  | 'patch'
  | 'delete';

/** One request as the operator makes it. */
export interface ApiRequest {
  readonly verb: ApiVerb;
  readonly kind: string;
  readonly name: string | undefined;
}

/** `before`: the request never arrives. `after`: it is done, and the response is lost. */
export interface RequestFault {
  readonly when: 'before' | 'after';
  readonly error: Error;
}

export function refusal(code: number, reason = ''): Error {
  return new ApiError({ code, reason, message: `refused with ${code}` });
}

export const connectionReset = (): Error => new ConnectionError('the connection was reset');

/** Counts requests and lets some of them fail: `fault` is asked before each. */
export class FaultInjector {
  readonly requests: ApiRequest[] = [];
  /** Ends every open watch: with an error, or without one as the API server does at its timeout. */
  readonly #watches = new Set<(error: Error | undefined) => void>();
  fault: (request: ApiRequest) => RequestFault | undefined = () => undefined;

  readonly wrapApi = (api: KubeApi): KubeApi => {
    const call = async <T>(
      verb: ApiVerb,
      kind: string,
      name: string | undefined,
      run: () => Promise<T>,
    ): Promise<T> => {
      const request = { verb, kind, name };
      this.requests.push(request);
      const fault = this.fault(request);
      if (fault?.when === 'before') {
        throw fault.error;
      }
      const answer = await run();
      if (fault !== undefined) {
        throw fault.error;
      }
      return answer;
    };
    const nameOf = (object: KubeObject): string => object.metadata.name;
    return {
      list: (type, ...rest) => call('list', type.kind, undefined, () => api.list(type, ...rest)),
      get: (type, key, ...rest) =>
        call('get', type.kind, key.name, () => api.get(type, key, ...rest)),
      create: (type, object, ...rest) =>
        call('create', type.kind, nameOf(object), () => api.create(type, object, ...rest)),
      replace: (type, object, ...rest) =>
        call('replace', type.kind, nameOf(object), () => api.replace(type, object, ...rest)),
      apply: (type, object, ...rest) =>
        call('apply', type.kind, nameOf(object), () => api.apply(type, object, ...rest)),
      patch: (type, key, ...rest) =>
        call('patch', type.kind, key.name, () => api.patch(type, key, ...rest)),
      delete: (type, key, ...rest) =>
        call('delete', type.kind, key.name, () => api.delete(type, key, ...rest)),
      watch: (type, options, signal) => {
        const fault = this.fault({ verb: 'watch', kind: type.kind, name: undefined });
        this.requests.push({ verb: 'watch', kind: type.kind, name: undefined });
        if (fault !== undefined) {
          throw fault.error;
        }
        return this.#watch((inner) => api.watch(type, options, inner), signal);
      },
    };
  };

  /** @param error absent: the watches end as at their timeout. */
  endWatches(error?: Error): void {
    for (const end of this.#watches) {
      end(error);
    }
  }

  /** Requests that were made for one kind, as `verb name`. */
  requestsFor(kind: string): readonly string[] {
    return this.requests
      .filter((request) => request.kind === kind)
      .map(({ verb, name }) => (name === undefined ? verb : `${verb} ${name}`));
  }

  async *#watch(
    open: (signal: AbortSignal) => AsyncIterable<WatchEvent>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<WatchEvent> {
    const stop = new AbortController();
    let ended: { readonly error: Error | undefined } | undefined;
    const end = (error: Error | undefined): void => {
      ended = { error };
      stop.abort();
    };
    this.#watches.add(end);
    try {
      yield* open(signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]));
    } catch (error) {
      if (ended === undefined) {
        throw error;
      }
      if (ended.error !== undefined) {
        throw ended.error;
      }
    } finally {
      this.#watches.delete(end);
    }
  }
}
