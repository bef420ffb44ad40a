/**
 * Authorization by RBAC: a client that gets 403 for everything its policy rules do not allow.
 * References that block the deletion of an owner are checked as the admission plugin
 * OwnerReferencesPermissionEnforcement does, which OpenShift enables.
 */
import type {
  KubeApi,
  KubeObject,
  ObjectKey,
  OwnerReference,
  ResourceType,
} from 'autopilot-runtime/internal';
import { ApiError, hasCode } from 'autopilot-runtime/internal';
import type { Cluster } from './cluster.ts';

/** One rule of a Role or ClusterRole. */
export interface PolicyRule {
  /** API groups, `''` for the core group, `*` for all. */
  readonly apiGroups?: readonly string[];
  /** Plural names, `services` or `services/status`, `*` for all. */
  readonly resources?: readonly string[];
  /** Names of objects. Default: all. */
  readonly resourceNames?: readonly string[];
  /** Verbs of the API, `*` for all. */
  readonly verbs: readonly string[];
}

/** What one user may do. */
export interface PolicyRules {
  /** Rules for all namespaces and for kinds without a namespace. Default: none. */
  readonly cluster?: readonly PolicyRule[];
  /** Rules for single namespaces, by the name of the namespace. Default: none. */
  readonly namespaces?: Readonly<Record<string, readonly PolicyRule[]>>;
}

interface AccessRequest {
  readonly verb: string;
  readonly type: Pick<ResourceType, 'group' | 'plural'>;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** Options of {@link withPolicyRules}. */
export interface AuthorizerOptions {
  /** User name in messages. Default: `system:serviceaccount:default:operator`. */
  readonly user?: string;
  /** Called with the message of each refused request. */
  readonly onRefused?: (message: string) => void;
}

/**
 * A client whose requests pass only as far as policy rules allow.
 *
 * @param cluster the cluster that serves the requests
 * @param policyRules the rules of the client's user
 * @returns a KubeApi that throws ApiError 403 where a real API server would
 */
export function withPolicyRules(
  cluster: Pick<Cluster, 'api' | 'typeOf'>,
  policyRules: PolicyRules,
  options: AuthorizerOptions = {},
): KubeApi {
  const { api } = cluster;
  const authorizer = new Authorizer(cluster, policyRules, options);
  const findObject = (type: ResourceType, key: ObjectKey): Promise<KubeObject | undefined> =>
    getIfPresent(api, type, key);
  return {
    async list(type, options, signal) {
      authorizer.require({ verb: 'list', type, namespace: options?.namespace });
      return api.list(type, options, signal);
    },
    async *watch(type, options, signal) {
      authorizer.require({ verb: 'watch', type, namespace: options.namespace });
      yield* api.watch(type, options, signal);
    },
    async get(type, key, signal) {
      authorizer.require({ verb: 'get', type, ...key });
      return api.get(type, key, signal);
    },
    async create(type, object, options, signal) {
      authorizer.require({ verb: 'create', type, namespace: object.metadata.namespace });
      authorizer.requireOwnerAccess(object);
      return api.create(type, object, options, signal);
    },
    async replace(type, object, options, signal) {
      const { namespace, name } = object.metadata;
      const { subresource } = options ?? {};
      authorizer.require({ verb: 'update', type, subresource, namespace, name });
      authorizer.requireOwnerAccess(object, await findObject(type, object.metadata));
      return api.replace(type, object, options, signal);
    },
    async apply(type, object, options, signal) {
      const { namespace, name } = object.metadata;
      const { subresource } = options;
      authorizer.require({ verb: 'patch', type, subresource, namespace, name });
      const before = await findObject(type, object.metadata);
      // An apply that creates the object needs the verb create as well.
      if (before === undefined && subresource === undefined) {
        authorizer.require({ verb: 'create', type, namespace });
      }
      authorizer.requireOwnerAccess(object, before);
      return api.apply(type, object, options, signal);
    },
    // oxlint-disable-next-line max-params -- the signature of KubeApi.patch
    async patch(type, key, patch, options, signal) {
      authorizer.require({ verb: 'patch', type, subresource: options?.subresource, ...key });
      if (patch.type === 'merge') {
        authorizer.requireOwnerAccess(patch.body, await findObject(type, key));
      }
      return api.patch(type, key, patch, options, signal);
    },
    async delete(type, key, options, signal) {
      authorizer.require({ verb: 'delete', type, ...key });
      return api.delete(type, key, options, signal);
    },
  };
}

class Authorizer {
  readonly #cluster: Pick<Cluster, 'typeOf'>;
  readonly #policyRules: PolicyRules;
  readonly #user: string;
  readonly #onRefused: ((message: string) => void) | undefined;

  constructor(
    cluster: Pick<Cluster, 'typeOf'>,
    policyRules: PolicyRules,
    { user = 'system:serviceaccount:default:operator', onRefused }: AuthorizerOptions,
  ) {
    this.#cluster = cluster;
    this.#policyRules = policyRules;
    this.#user = user;
    this.#onRefused = onRefused;
  }

  /** Checks one request. @throws ApiError 403 */
  require(request: AccessRequest): void {
    if (!this.#isAllowed(request)) {
      this.#refuse(forbiddenMessage(request, this.#user), statusDetailsOf(request));
    }
  }

  /**
   * Admission plugin OwnerReferencesPermissionEnforcement: a client that sets `blockOwnerDeletion`
   * needs the verb update on the finalizers of the owner.
   * @throws ApiError 403
   */
  requireOwnerAccess(object: unknown, before?: KubeObject): void {
    const { metadata } = (object ?? {}) as Partial<KubeObject>;
    const blockedBefore = new Set(
      (before?.metadata.ownerReferences ?? [])
        .filter(({ blockOwnerDeletion }) => blockOwnerDeletion === true)
        .map(({ uid }) => uid),
    );
    const namespace = metadata?.namespace ?? before?.metadata.namespace;
    for (const owner of metadata?.ownerReferences ?? []) {
      if (owner.blockOwnerDeletion === true && !blockedBefore.has(owner.uid)) {
        this.#requireFinalizerAccess(owner, namespace);
      }
    }
  }

  #requireFinalizerAccess(owner: OwnerReference, namespace: string | undefined): void {
    const type = this.#cluster.typeOf(owner);
    const request: AccessRequest = {
      verb: 'update',
      type,
      subresource: 'finalizers',
      namespace: type.namespaced ? namespace : undefined,
      name: owner.name,
    };
    if (!this.#isAllowed(request)) {
      this.#refuse(
        `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${owner.kind} ${owner.name}`,
      );
    }
  }

  #isAllowed(request: AccessRequest): boolean {
    const { cluster = [], namespaces = {} } = this.#policyRules;
    const inNamespace = request.namespace === undefined ? [] : namespaces[request.namespace];
    return [...cluster, ...(inNamespace ?? [])].some((rule) => ruleAllows(rule, request));
  }

  #refuse(message: string, details?: object): never {
    this.#onRefused?.(message);
    throw new ApiError({
      code: 403,
      reason: 'Forbidden',
      message,
      ...(details !== undefined && { details }),
    });
  }
}

/** The object, or undefined when the API server answers 404. */
export async function getIfPresent(
  api: KubeApi,
  type: ResourceType,
  key: ObjectKey,
): Promise<KubeObject | undefined> {
  try {
    return await api.get(type, key);
  } catch (error) {
    if (hasCode(error, 404)) {
      return undefined;
    }
    throw error;
  }
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
 * The policy rules that manifests grant: the rules of each bound Role and ClusterRole. The subjects
 * of the bindings are not read. For the output of `helm template`.
 * @param manifests objects of any kind; other kinds are skipped
 * @param namespace the namespace of manifests that name none
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
