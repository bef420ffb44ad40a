/**
 * Campaigns for a Lease, and keeps it. `lease.ts` decides; this makes the requests. A standby also
 * watches the Lease, so that one that
 * is given back is taken at once; without the right to watch it looks every two seconds, as
 * client-go does. So does the holder: when
 * somebody deletes it, a process that comes then takes it at once, and the holder must not write
 * before it has made it again.
 */
import type { Clock, Random, Timer } from '../clock.ts';
import { sleep } from '../clock.ts';
import type { KubeApi, WatchEvent } from './api.ts';
import { hasCode } from './errors.ts';
import type { Moment, State } from './lease.ts';
import {
  claimed,
  givenBack,
  LEASE,
  msLeft,
  msUntilFree,
  RENEW_DEADLINE_MS,
  RETRY_MS,
  specOf,
  step,
} from './lease.ts';
import type { KubeObject, ObjectKey } from './object.ts';

/** client-go's limit for one request of an election: half the renew deadline. */
const REQUEST_MS = RENEW_DEADLINE_MS / 2;
const WATCH_AGAIN_MS = 10_000;

export interface Election {
  /** True while this process may write. */
  valid(): boolean;
  /** Aborted as soon as this process may not write any more. */
  readonly held: AbortSignal;
  /** Who holds the lease, as last seen. */
  holder(): string | undefined;
  /**
   * Resolves when the first look was answered, or failed: a lease that nobody holds is won by then.
   */
  readonly looked: Promise<void>;
  /** Resolves when the lease is ours, with the monotonic time of the answer. */
  readonly won: Promise<number>;
  /** Resolves when the lease was held and lost; never otherwise. */
  readonly lost: Promise<void>;
  /** Gives the lease back. Only after the last write has settled. */
  release(): Promise<void>;
}

export interface ElectionOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly key: ObjectKey & { readonly namespace: string };
  /** Of this process, and of no other one ever. */
  readonly identity: string;
  /** Somebody else holds the lease, or another one than before. */
  readonly onHolder?: (holder: string) => void;
  /** The lease cannot be read or written; once for each reason until it could. */
  readonly onTrouble?: (reason: string) => void;
}

/** Campaigns until the signal is aborted. */
export function campaign(options: ElectionOptions, signal: AbortSignal): Election {
  const { api, clock, random, key, identity } = options;
  const now = (): Moment => ({ monotonic: clock.monotonic(), wall: clock.now() });
  let state: State = { name: 'standby', spec: undefined, since: clock.monotonic() };
  /** As last read or written: its resourceVersion guards the next write. */
  let record: KubeObject | undefined;
  /** uid of the record that somebody has deleted. */
  let gone: string | undefined;
  let told: string | undefined;
  let trouble: string | undefined;
  let deadline: Timer | undefined;
  let wake = new AbortController();
  const held = new AbortController();
  const looked = Promise.withResolvers<void>();
  const won = Promise.withResolvers<number>();
  const lost = Promise.withResolvers<void>();

  function become(next: State): void {
    const before = state;
    state = next;
    deadline?.cancel();
    if (state.name === 'leading') {
      const left = Math.min(
        msLeft(state, now()),
        state.renewed.monotonic + RENEW_DEADLINE_MS - clock.monotonic(),
      );
      deadline = clock.after(left, () =>
        become(step(state, { what: 'time passed' }, identity, now())),
      );
      if (before.name !== 'leading') {
        won.resolve(clock.monotonic());
      }
    } else if (before.name === 'leading') {
      held.abort(new Error('the lease is not held any more'));
      if (state.name === 'lost') {
        lost.resolve();
      }
    }
    const holder = state.name === 'released' ? undefined : state.spec?.holderIdentity;
    if (holder && holder !== identity && holder !== told) {
      options.onHolder?.((told = holder));
    }
  }
  const saw = (lease: KubeObject | undefined): void => {
    record = lease;
    become(step(state, { what: 'seen', spec: lease && specOf(lease) }, identity, now()));
  };

  async function limited<T>(
    request: (limit: AbortSignal) => Promise<T>,
    until: readonly AbortSignal[] = [signal],
  ): Promise<T> {
    const limit = new AbortController();
    const timer = clock.after(REQUEST_MS, () =>
      limit.abort(new Error('the API server did not answer in time')),
    );
    try {
      return await request(AbortSignal.any([...until, limit.signal]));
    } finally {
      timer.cancel();
    }
  }
  const look = async (): Promise<void> => {
    try {
      saw(await limited((limit) => api.get(LEASE, key, limit)));
    } catch (error) {
      if (!hasCode(error, 404)) {
        throw error;
      }
      saw(undefined);
    }
  };
  const write = async (): Promise<void> => {
    const asked = now();
    const spec = claimed(record && specOf(record), identity, asked);
    const before = record;
    record = await limited((limit) =>
      before === undefined
        ? api.create(
            LEASE,
            { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: key, spec },
            {},
            limit,
          )
        : api.replace(LEASE, { ...before, spec }, {}, limit),
    );
    become(step(state, { what: 'written', spec: specOf(record), asked }, identity, now()));
  };

  async function attempt(): Promise<void> {
    if (state.name === 'standby') {
      await look();
      if (state.name === 'standby' && msUntilFree(state, identity, now()) === 0) {
        await write();
      }
    } else if (state.name === 'leading') {
      try {
        await write();
      } catch {
        // Somebody else has written it, or our last answer was lost: what it says now decides.
        await look();
        if (state.name === 'leading') {
          await write();
        }
      }
    }
  }

  function failed(error: Error): void {
    // Somebody else has written at the same time: the next look tells who.
    if (signal.aborted || hasCode(error, 409) || error.message === trouble) {
      return;
    }
    options.onTrouble?.((trouble = error.message));
  }

  async function run(): Promise<void> {
    for (;;) {
      await attempt().then(() => (trouble = undefined), failed);
      looked.resolve();
      if (signal.aborted) {
        return;
      }
      become(step(state, { what: 'time passed' }, identity, now()));
      if (state.name !== 'standby' && state.name !== 'leading') {
        return;
      }
      const pause = state.name === 'leading' ? RETRY_MS : RETRY_MS * (1 + random() * 0.2);
      const free = state.name === 'standby' ? msUntilFree(state, identity, now()) : 0;
      const sleeping = wake.signal;
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
  function hurry(): void {
    const before = wake;
    wake = new AbortController();
    before.abort(new Error('the lease is free'));
  }

  /** What the holder hears is mostly of its own writes, and later than their answers. */
  function heard(event: Exclude<WatchEvent, { readonly type: 'BOOKMARK' }>): void {
    const { uid } = event.object.metadata;
    if (state.name === 'standby') {
      saw(event.type === 'DELETED' ? undefined : event.object);
      if (state.name === 'standby' && msUntilFree(state, identity, now()) === 0) {
        hurry();
      }
    } else if (uid !== record?.metadata.uid) {
      return;
    } else if (event.type === 'DELETED') {
      gone = uid;
      hurry();
    } else if (specOf(event.object).holderIdentity !== identity) {
      saw(event.object);
    }
  }

  /** Tells of the lease between two looks. */
  async function follow(): Promise<void> {
    await looked.promise;
    const until = AbortSignal.any([signal, held.signal]);
    while (!until.aborted) {
      try {
        const from = record?.metadata.resourceVersion;
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
              heard(event);
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
      await sleep(clock, WATCH_AGAIN_MS, until).catch(() => undefined);
    }
  }

  void run();
  void follow();
  return {
    valid: () =>
      record !== undefined &&
      (gone === undefined || record.metadata.uid !== gone) &&
      msLeft(state, now()) > 0,
    held: held.signal,
    holder: () =>
      state.name === 'released' ? undefined : (state.spec?.holderIdentity ?? undefined),
    looked: looked.promise,
    won: won.promise,
    lost: lost.promise,
    async release() {
      const spec = state.name === 'leading' ? state.spec : undefined;
      become(step(state, { what: 'released' }, identity, now()));
      if (spec === undefined || record === undefined) {
        return;
      }
      const giveBack = (lease: KubeObject): Promise<KubeObject> =>
        limited(
          (limit) =>
            api.replace(LEASE, { ...lease, spec: givenBack(specOf(lease), now()) }, {}, limit),
          [],
        );
      await giveBack(record)
        .catch(async (error: unknown) => {
          if (!hasCode(error, 409)) {
            return;
          }
          // A renewal whose answer did not come, or somebody who touched it: still ours, as long as
          // it says so.
          const fresh = await limited((limit) => api.get(LEASE, key, limit), []);
          if (specOf(fresh).holderIdentity === identity) {
            await giveBack(fresh);
          }
        })
        .catch(() => undefined);
    },
  };
}
