/**
 * Events have two APIs, v1 and events.k8s.io/v1, and one store: what is written through one is read
 * through the other, where the same fields
 * have other names.
 * (https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/events/v1/conversion.go) Here they
 * are kept as events.k8s.io.
 */
import type {
  KubeApi,
  KubeObject,
  ListOptions,
  Patch,
  ResourceType,
  WatchEvent,
} from 'autopilot-runtime/ports';
import { invalid } from './errors.ts';

const STORED: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};

/** Fields of v1, and what they are called in events.k8s.io. */
const NAMES: readonly (readonly [core: string, stored: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
];
const TO_STORED = new Map(NAMES);
const TO_CORE = new Map(NAMES.map(([core, stored]) => [stored, core]));

/** The same API, in which Events of v1 are those of events.k8s.io. */
export function withOneStoreOfEvents(api: KubeApi): KubeApi {
  const isCore = ({ group, plural }: Pick<ResourceType, 'group' | 'plural'>): boolean =>
    group === '' && plural === 'events';
  return {
    async list(type, options, signal) {
      if (!isCore(type)) {
        return api.list(type, options, signal);
      }
      const list = await api.list(STORED, selecting(options), signal);
      return { ...list, items: list.items.map(toCore) };
    },
    watch: (type, options, signal) =>
      isCore(type)
        ? asCore(api.watch(STORED, { ...options, ...selecting(options) }, signal))
        : api.watch(type, options, signal),
    get: async (type, key, signal) =>
      isCore(type) ? toCore(await api.get(STORED, key, signal)) : api.get(type, key, signal),
    async create(type, object, options, signal) {
      if (isCore(type)) {
        return toCore(await api.create(STORED, toStored(object), options, signal));
      }
      if (type.group === STORED.group && type.plural === STORED.plural) {
        requireTime(object);
      }
      return api.create(type, object, options, signal);
    },
    replace: async (type, object, options, signal) =>
      isCore(type)
        ? toCore(await api.replace(STORED, toStored(object), options, signal))
        : api.replace(type, object, options, signal),
    apply: async (type, object, options, signal) =>
      isCore(type)
        ? toCore(await api.apply(STORED, toStored(object), options, signal))
        : api.apply(type, object, options, signal),
    patch: async (type, key, patch, options, signal) =>
      isCore(type)
        ? toCore(await api.patch(STORED, key, patched(patch), options, signal))
        : api.patch(type, key, patch, options, signal),
    delete: (type, key, options, signal) =>
      api.delete(isCore(type) ? STORED : type, key, options, signal),
  };
}

/** Who writes through v1 may leave it out. @throws ApiError 422 */
function requireTime(object: KubeObject): void {
  if ('eventTime' in object) {
    return;
  }
  throw invalid(STORED, object.metadata.name, [
    { reason: 'FieldValueRequired', field: 'eventTime', message: 'Required value' },
  ]);
}

function renamed<T extends object>(object: T, names: ReadonlyMap<string, string>): T {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value as unknown]),
  ) as T;
}

function toCore(event: KubeObject): KubeObject {
  return { ...renamed(event, TO_CORE), apiVersion: 'v1' };
}

function toStored(event: KubeObject): KubeObject {
  return { ...renamed(event, TO_STORED), apiVersion: 'events.k8s.io/v1' };
}

function patched(patch: Patch): Patch {
  if (patch.type === 'merge') {
    return { ...patch, body: renamed(patch.body as object, TO_STORED) };
  }
  const place = (path: string): string =>
    path.replace(/^\/([^/]+)/, (whole, name: string) =>
      TO_STORED.has(name) ? `/${TO_STORED.get(name)}` : whole,
    );
  return { ...patch, body: patch.body.map((step) => ({ ...step, path: place(step.path) })) };
}

function selecting<O extends ListOptions>(options: O | undefined): O {
  const { fieldSelector, ...rest } = options ?? ({} as O);
  if (fieldSelector === undefined) {
    return rest as O;
  }
  const field = (part: string): string =>
    part.replace(/^(involvedObject|reportingComponent)\b/, (name) => TO_STORED.get(name) ?? name);
  return { ...rest, fieldSelector: fieldSelector.split(',').map(field).join(',') } as unknown as O;
}

async function* asCore(events: AsyncIterable<WatchEvent>): AsyncGenerator<WatchEvent> {
  for await (const event of events) {
    yield event.type === 'BOOKMARK' ? event : { ...event, object: toCore(event.object) };
  }
}
