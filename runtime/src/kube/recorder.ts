/**
 * Kubernetes Events about resources: best effort. The same note is not repeated within ten minutes, and under load Events are
 * dropped rather than let them compete with work. (events.k8s.io/v1; eventTime needs six fractional digits.)
 */
import type { Clock } from '../clock.ts';
import type { KubeApi } from './api.ts';
import { shortHash } from './names.ts';
import type { KubeObject, ResourceType } from './object.ts';

const EVENT: ResourceType = { group: 'events.k8s.io', version: 'v1', kind: 'Event', plural: 'events', namespaced: true };
const REPEAT_MS = 600_000;
const IN_FLIGHT = 8;
const REMEMBERED = 2_000;

export type Recorder = (regarding: KubeObject, type: 'Normal' | 'Warning', reason: string, note: string) => void;

/** @param reportingInstance the process: a Pod's name. */
export function recorder(api: KubeApi, clock: Clock, operatorName: string, reportingInstance: string): Recorder {
  const told = new Map<string, number>();
  let inFlight = 0;
  return (regarding, type, reason, note) => {
    const mark = `${regarding.metadata.uid} ${reason} ${note}`;
    const now = clock.now();
    const last = told.get(mark);
    if (inFlight >= IN_FLIGHT || (type === 'Warning' && last !== undefined && now - last < REPEAT_MS)) return;
    told.delete(mark);
    told.set(mark, now);
    if (told.size > REMEMBERED)
      for (const oldest of told.keys()) {
        told.delete(oldest);
        break;
      }
    const { name, namespace, uid, resourceVersion } = regarding.metadata;
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${name.slice(0, 200)}.${shortHash(`${mark} ${now}`)}`, namespace: namespace ?? 'default' },
      eventTime: new Date(now).toISOString().replace('Z', '000Z'),
      reportingController: operatorName,
      reportingInstance: reportingInstance.slice(0, 128),
      action: 'Sync',
      type,
      reason,
      note: note.slice(0, 1024),
      regarding: {
        apiVersion: regarding.apiVersion,
        kind: regarding.kind,
        name,
        ...(namespace && { namespace }),
        ...(uid && { uid }),
        ...(resourceVersion && { resourceVersion }),
      },
    };
    inFlight++;
    api
      .create(EVENT, event)
      .catch(() => undefined)
      .finally(() => inFlight--);
  };
}
