/**
 * Kubernetes objects as plain JSON. There are no model classes, so that fields of newer API servers
 * are kept.
 */

/** A reference to an owner, which the garbage collector follows. */
export interface OwnerReference {
  /** API version of the owner, such as `apps/v1`. */
  readonly apiVersion: string;
  /** Kind of the owner. */
  readonly kind: string;
  /** Name of the owner. The owner is in the same namespace or cluster-scoped. */
  readonly name: string;
  /** uid of the owner. */
  readonly uid: string;
  /** Whether the owner is the managing controller. An object has one at most. Default: false. */
  readonly controller?: boolean;
  /** Whether foreground deletion of the owner waits for this object. Default: false. */
  readonly blockOwnerDeletion?: boolean;
}

/** Metadata of an object. The API server sets the fields without a default in new objects. */
export interface ObjectMeta {
  /** Name, unique among the objects of the kind in the namespace. */
  readonly name: string;
  /** Namespace; absent for cluster-scoped objects. */
  readonly namespace?: string;
  /** Identity of the object. A new object with the same name has another uid. */
  readonly uid?: string;
  /** Version of the object, which changes with every write. */
  readonly resourceVersion?: string;
  /** Generation of the desired state, which changes with the spec. */
  readonly generation?: number;
  /** Time of the creation (RFC 3339). */
  readonly creationTimestamp?: string;
  /** Time at which the deletion was requested; absent while the object is not being deleted. */
  readonly deletionTimestamp?: string;
  /** Labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Finalizers. The object is deleted when the list is empty. */
  readonly finalizers?: readonly string[];
  /** Owners. */
  readonly ownerReferences?: readonly OwnerReference[];
  /** Fields by field manager. Objects in caches do not carry them. */
  readonly managedFields?: readonly unknown[];
}

/** A Kubernetes object of any kind. Kinds have more fields than `spec` and `status`. */
export interface KubeObject {
  /** API version, such as `apps/v1`. */
  readonly apiVersion: string;
  /** Kind, such as `Deployment`. */
  readonly kind: string;
  /** Metadata. */
  readonly metadata: ObjectMeta;
  /** Desired state. */
  readonly spec?: unknown;
  /** Observed state. */
  readonly status?: unknown;
}

/** A kind, and where the API server serves it. */
export interface ResourceType {
  /** API group; the empty string is the core group. */
  readonly group: string;
  /** Version, such as `v1`. */
  readonly version: string;
  /** Kind, such as `Deployment`. */
  readonly kind: string;
  /** Plural in paths, such as `deployments`. */
  readonly plural: string;
  /** Whether the objects are in namespaces. */
  readonly namespaced: boolean;
}

/** Namespace and name of an object. */
export interface ObjectKey {
  /** Namespace; absent for cluster-scoped objects. */
  readonly namespace?: string;
  /** Name. */
  readonly name: string;
}

/** The apiVersion of a kind: `group/version`, or the version alone in the core group. */
export function apiVersionOf(type: ResourceType): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

/** `namespace/name`, or the bare name of a cluster-scoped object: the key of caches and queues. */
export function keyString(key: ObjectKey): string {
  return key.namespace === undefined ? key.name : `${key.namespace}/${key.name}`;
}

/** The key of a string that `keyString` returned. */
export function parseKey(text: string): ObjectKey {
  const slash = text.indexOf('/');
  return slash < 0
    ? { name: text }
    : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}

/** Namespace and name of an object. */
export function keyOf(object: KubeObject): ObjectKey {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? { name } : { namespace, name };
}

/** The owner that is the managing controller; undefined when there is none. */
export function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/** `Kind namespace/name`, for messages. */
export function describeObject(object: {
  readonly kind: string;
  readonly metadata: ObjectKey;
}): string {
  return `${object.kind} ${keyString(object.metadata)}`;
}

/**
 * Formats a time as metav1.MicroTime. The API server refuses a MicroTime without six fractional
 * digits.
 *
 * @param wall milliseconds since 1970.
 */
export function formatMicroTime(wall: number): string {
  return new Date(wall).toISOString().replace('Z', '000Z');
}
