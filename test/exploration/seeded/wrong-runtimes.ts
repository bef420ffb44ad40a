/**
 * Runtimes with a seeded bug: the real runtime with a client or a clock that behaves as a careless
 * runtime would.
 */
import type {
  Clock,
  JsonPatchOperation,
  KubeApi,
  KubeObject,
  Operator,
  OperatorOptions,
  ResourceType,
} from '../../../runtime/src/internal.ts';
import {
  approveAnnotation,
  hasCode,
  isApiError,
  startOperator,
  ConnectionError,
} from '../../../runtime/src/internal.ts';

/** Starts one process of an operator. */
export type Start = (options: OperatorOptions, nth: number) => Operator;

const through =
  (wrap: (api: KubeApi, nth: number) => Partial<KubeApi>): Start =>
  (options, nth) =>
    startOperator({ ...options, api: { ...options.api, ...wrap(options.api, nth) } });

const timed =
  (wrap: (clock: Clock, nth: number) => Clock): Start =>
  (options, nth) =>
    startOperator({ ...options, clock: wrap(options.clock, nth) });

interface StatusPatch {
  readonly phase?: string;
  readonly conditions?: readonly {
    readonly reason: string;
    readonly observedGeneration?: number;
  }[];
}

const isCore = ({ group }: ResourceType): boolean => group === '';
const isLease = ({ kind }: ResourceType): boolean => kind === 'Lease';

/** The object without its uid and resourceVersion, which an apply checks. */
function unguarded(object: KubeObject): KubeObject {
  const { uid: _, resourceVersion: __, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** An approval with any token is read as the one that is awaited. */
function approvedByAnyToken(object: KubeObject): KubeObject {
  const { annotations = {} } = object.metadata;
  const name = approveAnnotation('drones.autopilot.test');
  const { autopilot } = (object.status ?? {}) as {
    readonly autopilot?: {
      readonly pendingApproval?: { readonly phase: string; readonly token: string };
    };
  };
  const pending = autopilot?.pendingApproval;
  if (annotations[name] === undefined || pending === undefined) {
    return object;
  }
  const approval = `${pending.phase}@${pending.token}`;
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...annotations, [name]: approval } },
  };
}

/** The real runtime, with other JSON patches. `restart` is called before each run. */
function patching(
  change: (operations: readonly JsonPatchOperation[]) => readonly JsonPatchOperation[],
  restart: () => void = () => undefined,
): Start {
  return through((api, nth) => {
    if (nth === 1) {
      restart();
    }
    return {
      patch: (type, key, patch, ...rest) =>
        api.patch(
          type,
          key,
          patch.type === 'json' ? { ...patch, body: change(patch.body) } : patch,
          ...rest,
        ),
    };
  });
}

/** Writes the annotation of claims with the original value of each path that was written first. */
function withFirstOriginals(
  operation: JsonPatchOperation,
  originals: Map<string, unknown>,
): JsonPatchOperation {
  if (!('value' in operation) || !operation.path.includes('field-claims')) {
    return operation;
  }
  const claims = JSON.parse(String(operation.value)) as readonly {
    readonly path: unknown;
    readonly original?: unknown;
  }[];
  const changed = claims.map((claim) => {
    const path = JSON.stringify(claim.path);
    originals.set(path, originals.get(path) ?? claim.original);
    return { ...claim, original: originals.get(path) };
  });
  return { ...operation, value: JSON.stringify(changed) };
}

/** Runtimes of the operator that releases a version, with a seeded bug. */
export const wrongReleaseRuntimes: Readonly<Record<string, () => Start>> = {
  // @promise outputs/ownership-stays
  'keeps the ownership of claimed fields': () =>
    patching((operations) => operations.filter(({ path }) => path !== '/metadata/managedFields')),
  'gives back the first value that it has found': () => {
    const originals = new Map<string, unknown>();
    return patching(
      (operations) => operations.map((operation) => withFirstOriginals(operation, originals)),
      () => originals.clear(),
    );
  },
  'takes any token for an approval': () =>
    through((api) => ({
      list: async (type, options, signal) => {
        const list = await api.list(type, options, signal);
        return { ...list, items: list.items.map(approvedByAnyToken) };
      },
      async *watch(type, options, signal) {
        for await (const event of api.watch(type, options, signal)) {
          yield event.type === 'BOOKMARK'
            ? event
            : { ...event, object: approvedByAnyToken(event.object) };
        }
      },
    })),
};

/** Runtimes with a seeded bug, by what is wrong. Each is created for one exploration. */
export const wrongRuntimes: Readonly<Record<string, () => Start>> = {
  // @promise reconcile/order-of-writes
  'writes status before outputs': () =>
    through((api) => {
      const later: (() => Promise<unknown>)[] = [];
      return {
        apply: async (type, object, options, signal) => {
          later.push(() => api.apply(type, object, options, signal));
          return { ...object, metadata: { ...object.metadata, resourceVersion: '0' } };
        },
        // oxlint-disable-next-line max-params -- the signature of KubeApi.patch
        patch: async (type, key, patch, options, signal) => {
          const response = await api.patch(type, key, patch, options, signal);
          if (options?.subresource === 'status') {
            for (const send of later.splice(0)) {
              await send();
            }
          }
          return response;
        },
      };
    }),
  // @promise reconcile/status-version
  'writes status without the version it has read': () =>
    through((api) => ({
      // oxlint-disable-next-line max-params -- the signature of KubeApi.patch
      patch: (type, key, patch, options, signal) => {
        if (patch.type !== 'merge' || options?.subresource !== 'status') {
          return api.patch(type, key, patch, options, signal);
        }
        const { metadata: _, ...body } = patch.body as { readonly metadata?: object };
        return api.patch(type, key, { type: 'merge', body }, options, signal);
      },
    })),
  // @promise outputs/late-writes
  'applies outputs without the version it has read': () =>
    through((api) => ({
      apply: (type, object, options, signal) =>
        api.apply(
          type,
          object.metadata.resourceVersion === '1' ? object : unguarded(object),
          options,
          signal,
        ),
    })),
  // @promise outputs/foreign-objects
  'applies new outputs over existing objects': () =>
    through((api) => ({
      apply: (type, object, options, signal) =>
        api.apply(type, unguarded(object), { ...options, force: true }, signal),
    })),
  // @promise outputs/late-writes
  'deletes without preconditions': () =>
    through((api) => ({
      delete: (type, key, options, signal) =>
        api.delete(type, key, { ...options, preconditions: {} }, signal),
    })),
  // @promise finalizer/cleanup-first
  'removes the finalizer before the clean-up': () =>
    through((api) => ({
      delete: (type, key, options, signal) =>
        key.namespace === 'other' ? Promise.resolve() : api.delete(type, key, options, signal),
    })),
  // @promise watching/consistent-lists
  'trusts an old list after a restart': () => {
    const old = new Map<string, readonly KubeObject[]>();
    return through((api, nth) => {
      if (nth === 1) {
        old.clear();
      }
      return {
        list: async (type, options, signal) => {
          const list = await api.list(type, options, signal);
          const key = `${type.plural} ${options?.labelSelector ?? ''}`;
          if (nth === 1) {
            old.set(key, list.items);
          }
          return nth === 1 ? list : { ...list, items: old.get(key) ?? [] };
        },
      };
    });
  },
  // @promise reconcile/steps
  'forgets its timers at a restart': () =>
    timed((clock, nth) => ({
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (ms, callback) =>
        nth > 1 && ms > 2_000 && ms <= 60_000
          ? { cancel: () => undefined }
          : clock.after(ms, callback),
    })),
  // @promise watching/deletions
  'ignores changes that a relist shows': () =>
    through((api) => {
      const lists = new Map<string, readonly KubeObject[]>();
      return {
        list: async (type, options, signal) => {
          const list = await api.list(type, options, signal);
          const key = `${type.plural} ${options?.labelSelector ?? ''}`;
          const before = lists.get(key) ?? list.items;
          lists.set(key, before);
          return { ...list, items: before };
        },
      };
    }),
  // @promise watching/watch-errors
  'watches from the present version after a break': () =>
    through((api) => {
      const watched = new Set<string>();
      return {
        async *watch(type, options, signal) {
          const key = `${type.plural} ${options.labelSelector ?? ''}`;
          const now =
            watched.has(key) && !isLease(type)
              ? (await api.list(type, {}, signal)).resourceVersion
              : options.resourceVersion;
          watched.add(key);
          yield* api.watch(type, { ...options, resourceVersion: now }, signal);
        },
      };
    }),
  // @promise watching/watch-errors
  'repeats a watch from an expired version': () =>
    through((api) => ({
      async *watch(type, options, signal) {
        try {
          yield* api.watch(type, options, signal);
        } catch (error) {
          throw isApiError(error) && error.status.code === 410
            ? new ConnectionError('try again')
            : error;
        }
      },
    })),
  // @promise watching/cache-responses
  'does not add responses to its own writes to its cache': () =>
    through((api) => ({
      patch: async (...call) => {
        const response = await api.patch(...call);
        return { ...response, metadata: { ...response.metadata, resourceVersion: '1' } };
      },
    })),
  // @promise queue/quarantine
  'accepts a result long after the worker timeout': () =>
    timed((clock) => ({
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (ms, callback) =>
        ms === 5_000 ? { cancel: () => undefined } : clock.after(ms, callback),
    })),
  // @promise reconcile/status-version
  'sets observedGeneration after a reconcile that failed': () =>
    through((api) => ({
      // oxlint-disable-next-line max-params -- the signature of KubeApi.patch
      patch: (type, key, patch, options, signal) => {
        const { status } = (patch.type === 'merge' ? patch.body : {}) as {
          readonly status?: StatusPatch;
        };
        const failed =
          status?.phase === undefined
            ? status?.conditions?.find(({ reason }) => reason === 'ApiError')
            : undefined;
        if (failed === undefined) {
          return api.patch(type, key, patch, options, signal);
        }
        const body = {
          ...(patch.body as object),
          status: { ...status, observedGeneration: failed.observedGeneration },
        };
        return api.patch(type, key, { type: 'merge', body }, options, signal);
      },
    })),
  // @promise reconcile/status-version
  'takes a conflict for success': () =>
    through((api) => ({
      apply: (type, object, options, signal) =>
        api.apply(type, object, options, signal).catch((error: unknown) => {
          if (isCore(type) && hasCode(error, 409)) {
            return object;
          }
          throw error;
        }),
    })),
  'adds its finalizer only once': () => {
    const added = new Set<string>();
    return through((api, nth) => {
      if (nth === 1) {
        added.clear();
      }
      return {
        // oxlint-disable-next-line max-params -- the signature of KubeApi.patch
        patch: async (type, key, patch, options, signal) => {
          const isFinalizer = JSON.stringify(patch.body).includes('finalizers');
          const current = isFinalizer ? await api.get(type, key) : undefined;
          const { uid = '', deletionTimestamp } = current?.metadata ?? {};
          if (current !== undefined && deletionTimestamp === undefined && added.has(uid)) {
            return current;
          }
          if (isFinalizer) {
            added.add(uid);
          }
          return api.patch(type, key, patch, options, signal);
        },
      };
    });
  },
  // @promise election/frozen-leader
  'runs without a lease': () => (options) =>
    startOperator({ ...options, config: { ...options.config, enableLeaderElection: false } }),
};
