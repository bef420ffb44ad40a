/**
 * Keeps one store equal to a part of the cluster: list, watch from there, watch again from the last version seen; list again only
 * when the server has forgotten that version. Never gives up.
 *
 * "Unknown is not absent": a list answered 403 or 404 leaves the store as it is and marks the informer unavailable.
 */
import type { Clock, Random } from '../clock.ts';
import { sleep } from '../clock.ts';
import type { KubeApi } from '../kube/api.ts';
import { hasCode } from '../kube/errors.ts';
import type { KubeObject, ResourceType } from '../kube/object.ts';
import type { Store } from './store.ts';

const PAGE = 500;
const BACKOFF_MIN_MS = 800;
const BACKOFF_MAX_MS = 30_000;

export interface Scope {
  readonly type: ResourceType;
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
}

export interface Ports {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
}

type State =
  | { readonly name: 'listing' }
  | { readonly name: 'watching'; readonly resourceVersion: string }
  | { readonly name: 'waiting'; readonly then: State };

export type Health = { readonly kind: 'filling' } | { readonly kind: 'live' } | { readonly kind: 'unavailable'; readonly reason: string };

export interface ReflectorEvents {
  /** The store equals the cluster as of this version. */
  synced(resourceVersion: string): void;
  health(health: Health): void;
  relisted(missed: number): void;
  failed(error: unknown): void;
}

/** Runs until the signal is aborted. */
export async function reflect(scope: Scope, store: Store, ports: Ports, events: ReflectorEvents, signal: AbortSignal): Promise<void> {
  let state: State = { name: 'listing' };
  let failures = 0;
  let lists = 0;
  while (!signal.aborted) {
    try {
      switch (state.name) {
        case 'listing': {
          const { items, resourceVersion } = await listAll(scope, ports.api, signal);
          const missed = store.replace(items, resourceVersion);
          if (lists++ > 0) events.relisted(missed);
          failures = 0;
          events.health({ kind: 'live' });
          events.synced(resourceVersion);
          state = { name: 'watching', resourceVersion };
          break;
        }
        case 'watching': {
          const before: string = state.resourceVersion;
          for await (const event of watchFrom(scope, before, ports, signal)) {
            failures = 0;
            if (event.type === 'DELETED') store.remove(event.object);
            else if (event.type !== 'BOOKMARK') store.put(event.object);
            const resourceVersion: string = event.type === 'BOOKMARK' ? event.resourceVersion : (event.object.metadata.resourceVersion ?? before);
            state = { name: 'watching', resourceVersion };
            events.synced(resourceVersion);
          }
          break;
        }
        case 'waiting': {
          const ms = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures - 1, 10)) * (0.5 + ports.random());
          await sleep(ports.clock, ms, signal);
          state = state.then;
          break;
        }
        default:
          state satisfies never;
      }
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      events.failed(error);
      if (hasCode(error, 403, 404)) events.health({ kind: 'unavailable', reason: (error as Error).message });
      const again: State = state.name === 'watching' && !hasCode(error, 410, 403, 404) ? state : { name: 'listing' };
      state = hasCode(error, 410) ? again : { name: 'waiting', then: again };
    }
  }
}

async function listAll(scope: Scope, api: KubeApi, signal: AbortSignal): Promise<{ items: readonly KubeObject[]; resourceVersion: string }> {
  const items: KubeObject[] = [];
  let token: string | undefined;
  for (;;) {
    const page = await api.list(scope.type, { ...selection(scope), limit: PAGE, ...(token === undefined ? {} : { continue: token }) }, signal);
    items.push(...page.items);
    if (page.continue === undefined) return { items, resourceVersion: page.resourceVersion };
    token = page.continue;
  }
}

function watchFrom(scope: Scope, resourceVersion: string, ports: Ports, signal: AbortSignal): ReturnType<KubeApi['watch']> {
  const timeoutSeconds = 300 + Math.floor(ports.random() * 300);
  return ports.api.watch(scope.type, { ...selection(scope), resourceVersion, timeoutSeconds }, signal);
}

function selection(scope: Scope): { namespace?: string; labelSelector?: string } {
  return {
    ...(scope.namespace === undefined ? {} : { namespace: scope.namespace }),
    ...(scope.labelSelector === undefined ? {} : { labelSelector: scope.labelSelector }),
  };
}
