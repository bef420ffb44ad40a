/**
 * What somebody may do, by rules of RBAC: a door that refuses everything else with 403, as a real
 * API server does. Owners that block
 * their deletion ask for more, as OwnerReferencesPermissionEnforcement does (OpenShift has it on).
 */
import type { KubeApi, KubeObject, ResourceType } from 'autopilot-runtime/ports';
import { ApiError, hasCode } from 'autopilot-runtime/ports';
import type { Cluster } from './cluster.ts';

/** One rule of a Role or ClusterRole. */
export interface PolicyRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export interface Rights {
  /** In all namespaces, and for kinds without. */
  readonly cluster?: readonly PolicyRule[];
  /** By namespace. */
  readonly namespaces?: Readonly<Record<string, readonly PolicyRule[]>>;
}

interface Attempt {
  readonly verb: string;
  readonly type: Pick<ResourceType, 'group' | 'plural'>;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

export interface RightsOptions {
  /** As messages name it. Default `system:serviceaccount:default:operator`. */
  readonly user?: string;
  /** Hears of each refusal. */
  readonly refused?: (message: string) => void;
}

/** @param cluster what stands behind the door */
export function withRights(
  cluster: Pick<Cluster, 'api' | 'typeOf'>,
  rights: Rights,
  options: RightsOptions = {},
): KubeApi {
  const { user = 'system:serviceaccount:default:operator', refused } = options;
  const { api } = cluster;
  const allowed = (attempt: Attempt): boolean => {
    const inside =
      attempt.namespace === undefined ? [] : (rights.namespaces?.[attempt.namespace] ?? []);
    return [...(rights.cluster ?? []), ...inside].some((rule) => grants(rule, attempt));
  };
  const refuse = (message: string, details?: object): never => {
    refused?.(message);
    throw new ApiError({
      code: 403,
      reason: 'Forbidden',
      message,
      ...(details !== undefined && { details }),
    });
  };
  const need = (attempt: Attempt): void => {
    if (!allowed(attempt)) {
      refuse(refusal(attempt, user), detailsOf(attempt));
    }
  };
  /** Whoever says that an owner waits must be able to make it wait. */
  const needOwners = (object: unknown, before?: KubeObject): void => {
    const { metadata } = (object ?? {}) as Partial<KubeObject>;
    const had = new Set(
      (before?.metadata.ownerReferences ?? []).flatMap(({ uid, blockOwnerDeletion }) =>
        blockOwnerDeletion === true ? [uid] : [],
      ),
    );
    for (const owner of metadata?.ownerReferences ?? []) {
      if (owner.blockOwnerDeletion !== true || had.has(owner.uid)) {
        continue;
      }
      const type = cluster.typeOf(owner);
      const namespace = type.namespaced
        ? (metadata?.namespace ?? before?.metadata.namespace)
        : undefined;
      if (
        !allowed({ verb: 'update', type, subresource: 'finalizers', namespace, name: owner.name })
      ) {
        refuse(
          `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${owner.kind} ${owner.name}`,
        );
      }
    }
  };
  const existing = async (
    type: ResourceType,
    key: { readonly namespace?: string; readonly name: string },
  ): Promise<KubeObject | undefined> =>
    api
      .get(type, key)
      .catch((error: unknown) =>
        hasCode(error, 404) ? undefined : Promise.reject(error as Error),
      );
  return {
    async list(type, options, signal) {
      need({ verb: 'list', type, namespace: options?.namespace });
      return api.list(type, options, signal);
    },
    async *watch(type, options, signal) {
      need({ verb: 'watch', type, namespace: options.namespace });
      yield* api.watch(type, options, signal);
    },
    async get(type, key, signal) {
      need({ verb: 'get', type, ...key });
      return api.get(type, key, signal);
    },
    async create(type, object, options, signal) {
      need({ verb: 'create', type, namespace: object.metadata.namespace });
      needOwners(object);
      return api.create(type, object, options, signal);
    },
    async replace(type, object, options, signal) {
      const { namespace, name } = object.metadata;
      need({ verb: 'update', type, subresource: options?.subresource, namespace, name });
      needOwners(object, await existing(type, object.metadata));
      return api.replace(type, object, options, signal);
    },
    async apply(type, object, options, signal) {
      const { namespace, name } = object.metadata;
      need({ verb: 'patch', type, subresource: options.subresource, namespace, name });
      const before = await existing(type, object.metadata);
      // An apply that makes the object is a create as well.
      if (before === undefined && options.subresource === undefined) {
        need({ verb: 'create', type, namespace });
      }
      needOwners(object, before);
      return api.apply(type, object, options, signal);
    },
    async patch(type, key, patch, options, signal) {
      need({ verb: 'patch', type, subresource: options?.subresource, ...key });
      if (patch.type === 'merge') {
        needOwners(patch.body, await existing(type, key));
      }
      return api.patch(type, key, patch, options, signal);
    },
    async delete(type, key, options, signal) {
      need({ verb: 'delete', type, ...key });
      return api.delete(type, key, options, signal);
    },
  };
}

function grants(
  { apiGroups = [], resources = [], resourceNames = [], verbs }: PolicyRule,
  { verb, type, subresource, name }: Attempt,
): boolean {
  const has = (list: readonly string[], ...wanted: readonly string[]): boolean =>
    list.includes('*') || wanted.some((one) => list.includes(one));
  const resource =
    subresource === undefined
      ? [type.plural]
      : [`${type.plural}/${subresource}`, `*/${subresource}`];
  return (
    has(verbs, verb) &&
    has(apiGroups, type.group) &&
    has(resources, ...resource) &&
    (resourceNames.length === 0 || (name !== undefined && resourceNames.includes(name)))
  );
}

function refusal({ verb, type, subresource, namespace, name }: Attempt, user: string): string {
  const { group, plural } = type;
  const place =
    namespace === undefined
      ? 'at the cluster scope'
      : `in the namespace ${JSON.stringify(namespace)}`;
  const what = `${plural}${subresource === undefined ? '' : `/${subresource}`}`;
  const subject = `${group === '' ? plural : `${plural}.${group}`}${name === undefined ? '' : ` ${JSON.stringify(name)}`}`;
  return `${subject} is forbidden: User ${JSON.stringify(user)} cannot ${verb} resource "${what}" in API group "${group}" ${place}`;
}

function detailsOf({ type: { group, plural }, name }: Attempt): object {
  return { ...(name !== undefined && { name }), ...(group !== '' && { group }), kind: plural };
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly PolicyRule[] | null;
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string }[] | null;
}

/**
 * The rights that manifests give: Roles and ClusterRoles by their bindings, whoever they bind. For
 * the output of `helm template`.
 * @param namespace of those that name none
 */
export function rightsFrom(manifests: readonly object[], namespace = 'default'): Rights {
  const all = manifests as readonly Manifest[];
  const cluster: PolicyRule[] = [];
  const namespaces: Record<string, PolicyRule[]> = {};
  for (const { kind, metadata, roleRef } of all) {
    if (kind !== 'ClusterRoleBinding' && kind !== 'RoleBinding') {
      continue;
    }
    const place = metadata.namespace ?? namespace;
    const role = all.find(
      (one) =>
        one.kind === roleRef?.kind &&
        one.metadata.name === roleRef.name &&
        (one.kind === 'ClusterRole' || (one.metadata.namespace ?? namespace) === place),
    );
    if (kind === 'ClusterRoleBinding') {
      cluster.push(...(role?.rules ?? []));
    } else {
      (namespaces[place] ??= []).push(...(role?.rules ?? []));
    }
  }
  return { cluster, namespaces };
}
