/**
 * What stands behind the door of a process: the cluster, as far as the operator's rights go. Whose
 * change is whose is told to the oracle.
 */
import type { KubeApi, ResourceType } from 'autopilot-runtime/internal';
import type { PolicyRule } from '../cluster/rbac.ts';
import { withPolicyRules } from '../cluster/rbac.ts';
import type { RunContext } from './run-context.ts';
import { isEvent, isLease } from './ignored-kinds.ts';
import type { OperatorProcess } from './operator-process.ts';

/** The chart grants one lease by its name, which no flight knows. */
const LEASE_RULE: PolicyRule = {
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  verbs: ['*'],
};

export function authorizedApi(
  process: OperatorProcess,
  { cluster, invariantChecker, policyRules }: RunContext,
): KubeApi {
  const { api } = cluster;
  const attributed = <T>(verb: string, type: ResourceType, write: () => Promise<T>): Promise<T> =>
    isLease(type) || isEvent(type)
      ? write()
      : invariantChecker.attributeWrites({ process, verb }, write);
  const attributedApi: KubeApi = {
    list: (type, options) => api.list(type, options),
    get: (type, key) => api.get(type, key),
    watch: (type, options, signal) => api.watch(type, options, signal),
    create: (type, object, options) =>
      attributed('create', type, () => api.create(type, object, options)),
    replace: (type, object, options) =>
      attributed('replace', type, () => api.replace(type, object, options)),
    apply: (type, object, options) =>
      attributed('apply', type, () => api.apply(type, object, options)),
    patch: (type, key, patch, options) =>
      attributed('patch', type, () => api.patch(type, key, patch, options)),
    delete: (type, key, options) =>
      attributed('delete', type, () => api.delete(type, key, options)),
  };
  if (policyRules === undefined) {
    return attributedApi;
  }
  const onRefused = (message: string): void =>
    invariantChecker.report('the operator has every permission that it needs', message);
  return withPolicyRules(
    { api: attributedApi, typeOf: (object) => cluster.typeOf(object) },
    { ...policyRules, cluster: [...(policyRules.cluster ?? []), LEASE_RULE] },
    { user: 'the operator', onRefused },
  );
}
