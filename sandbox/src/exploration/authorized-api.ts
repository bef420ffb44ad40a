/**
 * What stands behind the door of a process: the cluster, as far as the operator's rights go. Whose
 * change is whose is told to the oracle.
 */
import type { KubeApi, ResourceType } from 'autopilot-runtime/ports';
import type { PolicyRule } from '../cluster/rights.ts';
import { withRights } from '../cluster/rights.ts';
import type { Ground } from './ground.ts';
import { isEvent, isLease } from './talk.ts';
import type { Process } from './process.ts';

/** The chart grants one lease by its name, which no flight knows. */
const LEASES: PolicyRule = {
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  verbs: ['*'],
};

export function behind(process: Process, { cluster, oracle, rights }: Ground): KubeApi {
  const { api } = cluster;
  const tell = <T>(verb: string, type: ResourceType, write: () => Promise<T>): Promise<T> =>
    isLease(type) || isEvent(type) ? write() : oracle.attribute({ process, verb }, write);
  const told: KubeApi = {
    list: (type, options) => api.list(type, options),
    get: (type, key) => api.get(type, key),
    watch: (type, options, signal) => api.watch(type, options, signal),
    create: (type, object, options) =>
      tell('create', type, () => api.create(type, object, options)),
    replace: (type, object, options) =>
      tell('replace', type, () => api.replace(type, object, options)),
    apply: (type, object, options) => tell('apply', type, () => api.apply(type, object, options)),
    patch: (type, key, patch, options) =>
      tell('patch', type, () => api.patch(type, key, patch, options)),
    delete: (type, key, options) => tell('delete', type, () => api.delete(type, key, options)),
  };
  if (rights === undefined) {
    return told;
  }
  const refused = (message: string): void =>
    oracle.say('the operator has every right that it needs', message);
  return withRights(
    { api: told, typeOf: (object) => cluster.typeOf(object) },
    { ...rights, cluster: [...(rights.cluster ?? []), LEASES] },
    { user: 'the operator', refused },
  );
}
