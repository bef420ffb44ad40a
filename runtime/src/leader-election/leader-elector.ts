/**
 * Campaigns for a Lease, and keeps it. `lease.ts` decides; this makes the requests. A standby also
 * watches the Lease, so that one that
 * is given back is taken at once; without the right to watch it looks every two seconds, as
 * client-go does. So does the holder: when
 * somebody deletes it, a process that comes then takes it at once, and the holder must not write
 * before it has made it again.
 */
import type { Clock, Random, Timer } from '../util/clock.ts';
import { sleep } from '../util/clock.ts';
import type { KubeApi, WatchEvent } from '../client/kube-api.ts';
import { hasCode } from '../client/errors.ts';
import type { ClockReading, LeaseState } from './lease-state.ts';
import {
  acquiredSpec,
  releasedSpec,
  LEASE,
  msUntilExpiry,
  msUntilFree,
  RENEW_DEADLINE_MS,
  RETRY_PERIOD_MS,
  specOf,
  nextLeaseState,
} from './lease-state.ts';
import type { KubeObject, ObjectKey } from '../client/object.ts';

/** client-go's limit for one request of an election: half the renew deadline. */
const REQUEST_TIMEOUT_MS = RENEW_DEADLINE_MS / 2;
const WATCH_RETRY_MS = 10_000;

export interface LeaderElector {
  /** True while this process may write. */
  mayWrite(): boolean;
  /** Aborted as soon as this process may not write any more. */
  readonly leadershipSignal: AbortSignal;
  /** Who holds the lease, as last seen. */
  holder(): string | undefined;
  /**
   * Resolves when the first look was answered, or failed: a lease that nobody holds is won by then.
   */
  readonly firstAttempt: Promise<void>;
  /** Resolves when the lease is ours, with the monotonic time of the answer. */
  readonly acquired: Promise<number>;
  /** Resolves when the lease was held and lost; never otherwise. */
  readonly lost: Promise<void>;
  /** Gives the lease back. Only after the last write has settled. */
  release(): Promise<void>;
}

export interface LeaderElectorOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly key: ObjectKey & { readonly namespace: string };
  /** Of this process, and of no other one ever. */
  readonly identity: string;
  /** Somebody else holds the lease, or another one than before. */
  readonly onNewLeader?: (holder: string) => void;
  /** The lease cannot be read or written; once for each reason until it could. */
  readonly onError?: (reason: string) => void;
}

/** Campaigns until the signal is aborted. */
export function startLeaderElector(
  options: LeaderElectorOptions,
  signal: AbortSignal,
): LeaderElector {
  const { api, clock, random, key, identity } = options;
  const now = (): ClockReading => ({ monotonic: clock.monotonic(), wall: clock.now() });
  let state: LeaseState = { type: 'standby', spec: undefined, unchangedSince: clock.monotonic() };
  /** As last read or written: its resourceVersion guards the next write. */
  let lastLease: KubeObject | undefined;
  /** uid of the record that somebody has deleted. */
  let deletedUid: string | undefined;
  let reportedLeader: string | undefined;
  let reportedError: string | undefined;
  let deadline: Timer | undefined;
  let pauseAbort = new AbortController();
  const leadership = new AbortController();
  const firstAttempt = Promise.withResolvers<void>();
  const acquired = Promise.withResolvers<number>();
  const lost = Promise.withResolvers<void>();

  function setState(next: LeaseState): void {
    const before = state;
    state = next;
    deadline?.cancel();
    if (state.type === 'leading') {
      const msUntilDeadline = Math.min(
        msUntilExpiry(state, now()),
        state.renewedAt.monotonic + RENEW_DEADLINE_MS - clock.monotonic(),
      );
      deadline = clock.after(msUntilDeadline, () =>
        setState(nextLeaseState(state, { type: 'tick' }, identity, now())),
      );
      if (before.type !== 'leading') {
        acquired.resolve(clock.monotonic());
      }
    } else if (before.type === 'leading') {
      leadership.abort(new Error('the lease is not held any more'));
      if (state.type === 'lost') {
        lost.resolve();
      }
    }
    const holder = state.type === 'released' ? undefined : state.spec?.holderIdentity;
    if (holder && holder !== identity && holder !== reportedLeader) {
      options.onNewLeader?.((reportedLeader = holder));
    }
  }
  const observeLease = (lease: KubeObject | undefined): void => {
    lastLease = lease;
    setState(
      nextLeaseState(state, { type: 'seen', spec: lease && specOf(lease) }, identity, now()),
    );
  };

  async function withTimeout<T>(
    request: (limit: AbortSignal) => Promise<T>,
    until: readonly AbortSignal[] = [signal],
  ): Promise<T> {
    const limit = new AbortController();
    const timer = clock.after(REQUEST_TIMEOUT_MS, () =>
      limit.abort(new Error('the API server did not answer in time')),
    );
    try {
      return await request(AbortSignal.any([...until, limit.signal]));
    } finally {
      timer.cancel();
    }
  }
  const readLease = async (): Promise<void> => {
    try {
      observeLease(await withTimeout((limit) => api.get(LEASE, key, limit)));
    } catch (error) {
      if (!hasCode(error, 404)) {
        throw error;
      }
      observeLease(undefined);
    }
  };
  const writeLease = async (): Promise<void> => {
    const requestedAt = now();
    const spec = acquiredSpec(lastLease && specOf(lastLease), identity, requestedAt);
    const before = lastLease;
    lastLease = await withTimeout((limit) =>
      before === undefined
        ? api.create(
            LEASE,
            { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: key, spec },
            {},
            limit,
          )
        : api.replace(LEASE, { ...before, spec }, {}, limit),
    );
    setState(
      nextLeaseState(
        state,
        { type: 'written', spec: specOf(lastLease), requestedAt },
        identity,
        now(),
      ),
    );
  };

  async function tryAcquireOrRenew(): Promise<void> {
    if (state.type === 'standby') {
      await readLease();
      if (state.type === 'standby' && msUntilFree(state, identity, now()) === 0) {
        await writeLease();
      }
    } else if (state.type === 'leading') {
      try {
        await writeLease();
      } catch {
        // Somebody else has written it, or our last answer was lost: what it says now decides.
        await readLease();
        if (state.type === 'leading') {
          await writeLease();
        }
      }
    }
  }

  function reportError(error: Error): void {
    // Somebody else has written at the same time: the next look tells who.
    if (signal.aborted || hasCode(error, 409) || error.message === reportedError) {
      return;
    }
    options.onError?.((reportedError = error.message));
  }

  async function renewLoop(): Promise<void> {
    for (;;) {
      await tryAcquireOrRenew().then(() => (reportedError = undefined), reportError);
      firstAttempt.resolve();
      if (signal.aborted) {
        return;
      }
      setState(nextLeaseState(state, { type: 'tick' }, identity, now()));
      if (state.type !== 'standby' && state.type !== 'leading') {
        return;
      }
      const pause =
        state.type === 'leading' ? RETRY_PERIOD_MS : RETRY_PERIOD_MS * (1 + random() * 0.2);
      const free = state.type === 'standby' ? msUntilFree(state, identity, now()) : 0;
      const sleeping = pauseAbort.signal;
      await sleep(
        clock,
        free > 0 ? Math.min(pause, free) : pause,
        AbortSignal.any([signal, sleeping]),
      ).catch(() => undefined);
      if (signal.aborted) {
        return;
      }
    }
  }

  /** Ends the pause between two looks. */
  function endPause(): void {
    const before = pauseAbort;
    pauseAbort = new AbortController();
    before.abort(new Error('the lease is free'));
  }

  /** What the holder hears is mostly of its own writes, and later than their answers. */
  function handleWatchEvent(event: Exclude<WatchEvent, { readonly type: 'BOOKMARK' }>): void {
    const { uid } = event.object.metadata;
    if (state.type === 'standby') {
      observeLease(event.type === 'DELETED' ? undefined : event.object);
      if (state.type === 'standby' && msUntilFree(state, identity, now()) === 0) {
        endPause();
      }
    } else if (uid !== lastLease?.metadata.uid) {
      return;
    } else if (event.type === 'DELETED') {
      deletedUid = uid;
      endPause();
    } else if (specOf(event.object).holderIdentity !== identity) {
      observeLease(event.object);
    }
  }

  /** Tells of the lease between two looks. */
  async function watchLease(): Promise<void> {
    await firstAttempt.promise;
    const until = AbortSignal.any([signal, leadership.signal]);
    while (!until.aborted) {
      try {
        const from = lastLease?.metadata.resourceVersion;
        if (from !== undefined) {
          const { namespace, name } = key;
          for await (const event of api.watch(
            LEASE,
            {
              namespace,
              fieldSelector: `metadata.name=${name}`,
              resourceVersion: from,
              timeoutSeconds: 300,
            },
            until,
          )) {
            if (event.type !== 'BOOKMARK') {
              handleWatchEvent(event);
            }
            if (until.aborted) {
              return;
            }
          }
        }
      } catch (error) {
        if (hasCode(error, 403, 404)) {
          return;
        }
      }
      await sleep(clock, WATCH_RETRY_MS, until).catch(() => undefined);
    }
  }

  void renewLoop();
  void watchLease();
  return {
    mayWrite: () =>
      lastLease !== undefined &&
      (deletedUid === undefined || lastLease.metadata.uid !== deletedUid) &&
      msUntilExpiry(state, now()) > 0,
    leadershipSignal: leadership.signal,
    holder: () =>
      state.type === 'released' ? undefined : (state.spec?.holderIdentity ?? undefined),
    firstAttempt: firstAttempt.promise,
    acquired: acquired.promise,
    lost: lost.promise,
    async release() {
      const spec = state.type === 'leading' ? state.spec : undefined;
      setState(nextLeaseState(state, { type: 'released' }, identity, now()));
      if (spec === undefined || lastLease === undefined) {
        return;
      }
      const releaseLease = (lease: KubeObject): Promise<KubeObject> =>
        withTimeout(
          (limit) =>
            api.replace(LEASE, { ...lease, spec: releasedSpec(specOf(lease), now()) }, {}, limit),
          [],
        );
      await releaseLease(lastLease)
        .catch(async (error: unknown) => {
          if (!hasCode(error, 409)) {
            return;
          }
          // A renewal whose answer did not come, or somebody who touched it: still ours, as long as
          // it says so.
          const fresh = await withTimeout((limit) => api.get(LEASE, key, limit), []);
          if (specOf(fresh).holderIdentity === identity) {
            await releaseLease(fresh);
          }
        })
        .catch(() => undefined);
    },
  };
}
