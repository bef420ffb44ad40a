/**
 * Conversion of Events. The API groups v1 and events.k8s.io/v1 share one store and use different
 * field names. The store keeps the names of events.k8s.io.
 *
 * Source: pkg/apis/events/v1/conversion.go of kubernetes/kubernetes.
 */
import type {
  KubeApi,
  KubeObject,
  ListOptions,
  Patch,
  ResourceType,
  WatchEvent,
} from 'autopilot-runtime/internal';
import { invalid } from './api-errors.ts';

const STORED_TYPE: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};

/** Field names of v1, with the names in events.k8s.io. */
const EVENT_FIELD_NAMES: readonly (readonly [core: string, stored: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
];
const TO_STORED = new Map(EVENT_FIELD_NAMES);
const TO_CORE = new Map(EVENT_FIELD_NAMES.map(([core, stored]) => [stored, core]));

/** A KubeApi in which v1 and events.k8s.io/v1 show the same Events. */
export function unifyEventVersions(api: KubeApi): KubeApi {
  const isCore = ({ group, plural }: Pick<ResourceType, 'group' | 'plural'>): boolean =>
    group === '' && plural === 'events';
  return {
    async list(type, options, signal) {
      if (!isCore(type)) {
        return api.list(type, options, signal);
      }
      const list = await api.list(STORED_TYPE, optionsToStored(options), signal);
      return { ...list, items: list.items.map(toCore) };
    },
    watch: (type, options, signal) =>
      isCore(type)
        ? watchAsCore(api.watch(STORED_TYPE, { ...options, ...optionsToStored(options) }, signal))
        : api.watch(type, options, signal),
    get: async (type, key, signal) =>
      isCore(type) ? toCore(await api.get(STORED_TYPE, key, signal)) : api.get(type, key, signal),
    async create(type, object, options, signal) {
      if (isCore(type)) {
        return toCore(await api.create(STORED_TYPE, toStored(object), options, signal));
      }
      if (type.group === STORED_TYPE.group && type.plural === STORED_TYPE.plural) {
        requireEventTime(object);
      }
      return api.create(type, object, options, signal);
    },
    replace: async (type, object, options, signal) =>
      isCore(type)
        ? toCore(await api.replace(STORED_TYPE, toStored(object), options, signal))
        : api.replace(type, object, options, signal),
    apply: async (type, object, options, signal) =>
      isCore(type)
        ? toCore(await api.apply(STORED_TYPE, toStored(object), options, signal))
        : api.apply(type, object, options, signal),
    // oxlint-disable-next-line max-params -- the signature of KubeApi.patch
    patch: async (type, key, patch, options, signal) =>
      isCore(type)
        ? toCore(await api.patch(STORED_TYPE, key, patchToStored(patch), options, signal))
        : api.patch(type, key, patch, options, signal),
    delete: (type, key, options, signal) =>
      api.delete(isCore(type) ? STORED_TYPE : type, key, options, signal),
  };
}

/** `eventTime` is required in events.k8s.io and optional in v1. @throws ApiError 422 */
function requireEventTime(object: KubeObject): void {
  if ('eventTime' in object) {
    return;
  }
  throw invalid(STORED_TYPE, object.metadata.name, [
    { reason: 'FieldValueRequired', field: 'eventTime', message: 'Required value' },
  ]);
}

function renameFields<T extends object>(object: T, names: ReadonlyMap<string, string>): T {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value as unknown]),
  ) as T;
}

function toCore(event: KubeObject): KubeObject {
  return { ...renameFields(event, TO_CORE), apiVersion: 'v1' };
}

function toStored(event: KubeObject): KubeObject {
  return { ...renameFields(event, TO_STORED), apiVersion: 'events.k8s.io/v1' };
}

function patchToStored(patch: Patch): Patch {
  if (patch.type === 'merge') {
    return { ...patch, body: renameFields(patch.body as object, TO_STORED) };
  }
  const toStoredPath = (path: string): string =>
    path.replace(/^\/([^/]+)/, (whole, name: string) =>
      TO_STORED.has(name) ? `/${TO_STORED.get(name)}` : whole,
    );
  return { ...patch, body: patch.body.map((step) => ({ ...step, path: toStoredPath(step.path) })) };
}

function optionsToStored<O extends ListOptions>(options: O | undefined): O {
  const { fieldSelector, ...rest } = options ?? ({} as O);
  if (fieldSelector === undefined) {
    return rest as O;
  }
  const field = (part: string): string =>
    part.replace(/^(involvedObject|reportingComponent)\b/, (name) => TO_STORED.get(name) ?? name);
  return { ...rest, fieldSelector: fieldSelector.split(',').map(field).join(',') } as unknown as O;
}

async function* watchAsCore(events: AsyncIterable<WatchEvent>): AsyncGenerator<WatchEvent> {
  for await (const event of events) {
    yield event.type === 'BOOKMARK' ? event : { ...event, object: toCore(event.object) };
  }
}
