/**
 * The one door to the API server. The HTTP implementation (`http.ts`) and the sandbox's in-memory
 * cluster both stand behind it,
 * and one conformance suite (`test/conformance`) holds the second to the first.
 *
 * Every method rejects with `ApiError` when the server answers with a failure, with
 * `ConnectionError` when no answer came
 * (for a write: it may or may not have been done), and with the signal's reason when aborted.
 */
import type { KubeObject, ObjectKey, ResourceType } from './object.ts';

export interface ListOptions {
  /** Absent: all namespaces (or a cluster-scoped type). */
  readonly namespace?: string;
  /** In the wire form, `a=b,c in (d,e)`. */
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
}

export interface KubeList {
  readonly resourceVersion: string;
  /** Present when there is another page. */
  readonly continue?: string;
  /** Items carry apiVersion and kind, which the server leaves out of list items. */
  readonly items: readonly KubeObject[];
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** The watch reports what happened after this version. */
  readonly resourceVersion: string;
  /** The server ends the watch after this time; absent: the server's own limit. */
  readonly timeoutSeconds?: number;
}

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubeObject }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface WriteOptions {
  readonly subresource?: 'status' | 'scale';
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  /** Take over fields that other managers own. Default false: a conflict is a 409. */
  readonly force?: boolean;
}

export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move' | 'copy'; readonly from: string; readonly path: string };

export type Patch =
  | { readonly type: 'merge'; readonly body: unknown }
  | { readonly type: 'json'; readonly body: readonly JsonPatchOperation[] };

export interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  /** Default: Background. */
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

export interface KubeApi {
  list(type: ResourceType, options?: ListOptions, signal?: AbortSignal): Promise<KubeList>;
  /**
   * Yields events until the server ends the watch (the iteration then returns) or it breaks (it
   * throws). A version too old is an
   * `ApiError` with code 410, whether it came as a status or in band. Bookmarks are always asked
   * for.
   */
  watch(type: ResourceType, options: WatchOptions, signal?: AbortSignal): AsyncIterable<WatchEvent>;
  get(type: ResourceType, key: ObjectKey, signal?: AbortSignal): Promise<KubeObject>;
  create(
    type: ResourceType,
    object: KubeObject,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<KubeObject>;
  /**
   * PUT of the whole object; with metadata.resourceVersion it is refused (409) when the object has
   * changed since.
   */
  replace(
    type: ResourceType,
    object: KubeObject,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<KubeObject>;
  /**
   * Server-side apply. `metadata.resourceVersion` and `metadata.uid` in the object are
   * preconditions (409). A resourceVersion "1"
   * makes it create-only.
   */
  apply(
    type: ResourceType,
    object: KubeObject,
    options: ApplyOptions,
    signal?: AbortSignal,
  ): Promise<KubeObject>;
  /**
   * A merge patch may carry metadata.resourceVersion (409 when stale). A JSON patch whose `test`
   * fails is a 422.
   */
  patch(
    type: ResourceType,
    key: ObjectKey,
    patch: Patch,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<KubeObject>;
  delete(
    type: ResourceType,
    key: ObjectKey,
    options?: DeleteOptions,
    signal?: AbortSignal,
  ): Promise<void>;
}
