/**
 * What somebody may do, by rules of RBAC: a door that refuses everything else with 403, as a real
 * API server does. Owners that block
 * their deletion ask for more, as OwnerReferencesPermissionEnforcement does (OpenShift has it on).
 */
import type { KubeApi, KubeObject, ResourceType } from 'autopilot-runtime/internal';
import { ApiError, hasCode } from 'autopilot-runtime/internal';
import type { Cluster } from './cluster.ts';

/** One rule of a Role or ClusterRole. */
export interface PolicyRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export interface PolicyRules {
  /** In all namespaces, and for kinds without. */
  readonly cluster?: readonly PolicyRule[];
  /** By namespace. */
  readonly namespaces?: Readonly<Record<string, readonly PolicyRule[]>>;
}

interface AccessRequest {
  readonly verb: string;
  readonly type: Pick<ResourceType, 'group' | 'plural'>;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

export interface AuthorizerOptions {
  /** As messages name it. Default `system:serviceaccount:default:operator`. */
  readonly user?: string;
  /** Hears of each refusal. */
  readonly onRefused?: (message: string) => void;
}

/** @param cluster what stands behind the door */
export function withPolicyRules(
  cluster: Pick<Cluster, 'api' | 'typeOf'>,
  policyRules: PolicyRules,
  options: AuthorizerOptions = {},
): KubeApi {
  const { user = 'system:serviceaccount:default:operator', onRefused } = options;
  const { api } = cluster;
  const isAllowed = (request: AccessRequest): boolean => {
    const namespaceRules =
      request.namespace === undefined ? [] : (policyRules.namespaces?.[request.namespace] ?? []);
    return [...(policyRules.cluster ?? []), ...namespaceRules].some((rule) =>
      ruleAllows(rule, request),
    );
  };
  const reject = (message: string, details?: object): never => {
    onRefused?.(message);
    throw new ApiError({
      code: 403,
      reason: 'Forbidden',
      message,
      ...(details !== undefined && { details }),
    });
  };
  const requireAccess = (request: AccessRequest): void => {
    if (!isAllowed(request)) {
      reject(forbiddenMessage(request, user), statusDetailsOf(request));
    }
  };
  /** Whoever says that an owner waits must be able to make it wait. */
  const requireOwnerAccess = (object: unknown, before?: KubeObject): void => {
    const { metadata } = (object ?? {}) as Partial<KubeObject>;
    const alreadyBlocking = new Set(
      (before?.metadata.ownerReferences ?? []).flatMap(({ uid, blockOwnerDeletion }) =>
        blockOwnerDeletion === true ? [uid] : [],
      ),
    );
    for (const owner of metadata?.ownerReferences ?? []) {
      if (owner.blockOwnerDeletion !== true || alreadyBlocking.has(owner.uid)) {
        continue;
      }
      const type = cluster.typeOf(owner);
      const namespace = type.namespaced
        ? (metadata?.namespace ?? before?.metadata.namespace)
        : undefined;
      if (
        !isAllowed({ verb: 'update', type, subresource: 'finalizers', namespace, name: owner.name })
      ) {
        reject(
          `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${owner.kind} ${owner.name}`,
        );
      }
    }
  };
  const getIfPresent = async (
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
      requireAccess({ verb: 'list', type, namespace: options?.namespace });
      return api.list(type, options, signal);
    },
    async *watch(type, options, signal) {
      requireAccess({ verb: 'watch', type, namespace: options.namespace });
      yield* api.watch(type, options, signal);
    },
    async get(type, key, signal) {
      requireAccess({ verb: 'get', type, ...key });
      return api.get(type, key, signal);
    },
    async create(type, object, options, signal) {
      requireAccess({ verb: 'create', type, namespace: object.metadata.namespace });
      requireOwnerAccess(object);
      return api.create(type, object, options, signal);
    },
    async replace(type, object, options, signal) {
      const { namespace, name } = object.metadata;
      requireAccess({ verb: 'update', type, subresource: options?.subresource, namespace, name });
      requireOwnerAccess(object, await getIfPresent(type, object.metadata));
      return api.replace(type, object, options, signal);
    },
    async apply(type, object, options, signal) {
      const { namespace, name } = object.metadata;
      requireAccess({ verb: 'patch', type, subresource: options.subresource, namespace, name });
      const before = await getIfPresent(type, object.metadata);
      // An apply that makes the object is a create as well.
      if (before === undefined && options.subresource === undefined) {
        requireAccess({ verb: 'create', type, namespace });
      }
      requireOwnerAccess(object, before);
      return api.apply(type, object, options, signal);
    },
    async patch(type, key, patch, options, signal) {
      requireAccess({ verb: 'patch', type, subresource: options?.subresource, ...key });
      if (patch.type === 'merge') {
        requireOwnerAccess(patch.body, await getIfPresent(type, key));
      }
      return api.patch(type, key, patch, options, signal);
    },
    async delete(type, key, options, signal) {
      requireAccess({ verb: 'delete', type, ...key });
      return api.delete(type, key, options, signal);
    },
  };
}

function ruleAllows(
  { apiGroups = [], resources = [], resourceNames = [], verbs }: PolicyRule,
  { verb, type, subresource, name }: AccessRequest,
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

function forbiddenMessage(
  { verb, type, subresource, namespace, name }: AccessRequest,
  user: string,
): string {
  const { group, plural } = type;
  const scope =
    namespace === undefined
      ? 'at the cluster scope'
      : `in the namespace ${JSON.stringify(namespace)}`;
  const resource = `${plural}${subresource === undefined ? '' : `/${subresource}`}`;
  const subject = `${group === '' ? plural : `${plural}.${group}`}${name === undefined ? '' : ` ${JSON.stringify(name)}`}`;
  return `${subject} is forbidden: User ${JSON.stringify(user)} cannot ${verb} resource "${resource}" in API group "${group}" ${scope}`;
}

function statusDetailsOf({ type: { group, plural }, name }: AccessRequest): object {
  return { ...(name !== undefined && { name }), ...(group !== '' && { group }), kind: plural };
}

interface RbacManifest {
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
export function policyRulesFrom(manifests: readonly object[], namespace = 'default'): PolicyRules {
  const all = manifests as readonly RbacManifest[];
  const cluster: PolicyRule[] = [];
  const namespaces: Record<string, PolicyRule[]> = {};
  for (const { kind, metadata, roleRef } of all) {
    if (kind !== 'ClusterRoleBinding' && kind !== 'RoleBinding') {
      continue;
    }
    const bindingNamespace = metadata.namespace ?? namespace;
    const role = all.find(
      (one) =>
        one.kind === roleRef?.kind &&
        one.metadata.name === roleRef.name &&
        (one.kind === 'ClusterRole' || (one.metadata.namespace ?? namespace) === bindingNamespace),
    );
    if (kind === 'ClusterRoleBinding') {
      cluster.push(...(role?.rules ?? []));
    } else {
      (namespaces[bindingNamespace] ??= []).push(...(role?.rules ?? []));
    }
  }
  return { cluster, namespaces };
}
