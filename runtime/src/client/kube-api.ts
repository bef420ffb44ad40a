/**
 * The interface to the API server. `http-kube-api.ts` and the sandbox's in-memory cluster implement
 * it; the conformance tests (`test/conformance`) run against both.
 *
 * Errors: every method rejects with `ApiError` when the API server responds with a failure, with
 * `ConnectionError` when no response arrives (a write may or may not have been made), and with the
 * signal's reason when the signal is aborted.
 */
import type { KubeObject, ObjectKey, ResourceType } from './object.ts';

/** Options of a list. */
export interface ListOptions {
  /** Namespace. Absent: all namespaces, or a cluster-scoped kind. */
  readonly namespace?: string;
  /** Label selector in its wire form, such as `a=b,c in (d,e)`. Default: all objects. */
  readonly labelSelector?: string;
  /** Field selector in its wire form, such as `metadata.name=a`. Default: all objects. */
  readonly fieldSelector?: string;
  /** Greatest number of items in one page. Default: all items in one response. */
  readonly limit?: number;
  /** Token of the page to read, from the page before. */
  readonly continue?: string;
}

/** One page of a list. */
export interface KubeList {
  /** Version of the whole list, from which a watch can start. */
  readonly resourceVersion: string;
  /** Token of the next page; absent on the last page. */
  readonly continue?: string;
  /** The objects. Each carries apiVersion and kind, which the API server omits in lists. */
  readonly items: readonly KubeObject[];
}

/** Options of a watch. */
export interface WatchOptions {
  /** Namespace. Absent: all namespaces, or a cluster-scoped kind. */
  readonly namespace?: string;
  /** Label selector in its wire form. Default: all objects. */
  readonly labelSelector?: string;
  /** Field selector in its wire form. Default: all objects. */
  readonly fieldSelector?: string;
  /** Version after which changes are reported. */
  readonly resourceVersion: string;
  /** Seconds after which the API server ends the watch. Default: the API server's own limit. */
  readonly timeoutSeconds?: number;
}

/** An event of a watch. */
export type WatchEvent =
  /** An object was added, modified or deleted. */
  | {
      /** The change. An object that no longer matches the selector is reported as `DELETED`. */
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
      /** The object after the change; before a deletion, with the version of the deletion. */
      readonly object: KubeObject;
    }
  /** Every change up to a version has been reported. */
  | {
      readonly type: 'BOOKMARK';
      /** The version. */
      readonly resourceVersion: string;
    };

/** Options of a write. */
export interface WriteOptions {
  /** Subresource to write. Default: the object itself. */
  readonly subresource?: 'status' | 'scale';
  /** Field manager that owns the written fields. Default: chosen by the API server. */
  readonly fieldManager?: string;
  /** Validate the write without storing it. Default: false. */
  readonly dryRun?: boolean;
}

/** Options of a server-side apply. */
export interface ApplyOptions extends WriteOptions {
  /** Field manager that owns the applied fields. */
  readonly fieldManager: string;
  /** Take over fields that other field managers own. Default: false, a conflict is a 409. */
  readonly force?: boolean;
}

/** One operation of a JSON patch (RFC 6902). */
export type JsonPatchOperation =
  | {
      /** Adds, replaces or compares a value. */
      readonly op: 'add' | 'replace' | 'test';
      /** JSON pointer to the value. */
      readonly path: string;
      /** The value. */
      readonly value: unknown;
    }
  | {
      readonly op: 'remove';
      /** JSON pointer to the value. */
      readonly path: string;
    }
  | {
      /** Moves or copies a value. */
      readonly op: 'move' | 'copy';
      /** JSON pointer to the source. */
      readonly from: string;
      /** JSON pointer to the target. */
      readonly path: string;
    };

/** A patch. */
export type Patch =
  /** JSON merge patch (RFC 7386). */
  | {
      readonly type: 'merge';
      /** Fields to change; null deletes a field. */
      readonly body: unknown;
    }
  /** JSON patch (RFC 6902). */
  | {
      readonly type: 'json';
      /** Operations, applied in this order, all or none. */
      readonly body: readonly JsonPatchOperation[];
    };

/** Options of a delete. */
export interface DeleteOptions {
  /** Values that the object must have; else the API server responds with 409. Default: none. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  /** What happens to the objects that this one owns. Default: Background. */
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

/** The requests that the runtime makes. */
export interface KubeApi {
  /** Lists objects. The list is a consistent read of the newest state. */
  list(type: ResourceType, options?: ListOptions, signal?: AbortSignal): Promise<KubeList>;
  /**
   * Yields events, bookmarks included. The iteration returns when the API server ends the watch,
   * and throws when the connection breaks. A version that is too old throws an `ApiError` with code
   * 410, whether the API server reports it as a response or as an event.
   */
  watch(type: ResourceType, options: WatchOptions, signal?: AbortSignal): AsyncIterable<WatchEvent>;
  /** Reads one object. Rejects with a 404 when there is none. */
  get(type: ResourceType, key: ObjectKey, signal?: AbortSignal): Promise<KubeObject>;
  /** Creates an object. Rejects with a 409 when there is one with this name. */
  create(
    type: ResourceType,
    object: KubeObject,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<KubeObject>;
  /**
   * Replaces the whole object (PUT). An object with metadata.resourceVersion is refused with a 409
   * when the stored object has changed since.
   */
  replace(
    type: ResourceType,
    object: KubeObject,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<KubeObject>;
  /**
   * Applies an object (server-side apply). `metadata.resourceVersion` and `metadata.uid` are
   * preconditions: a mismatch is a 409. The resourceVersion "1" only ever creates.
   */
  apply(
    type: ResourceType,
    object: KubeObject,
    options: ApplyOptions,
    signal?: AbortSignal,
  ): Promise<KubeObject>;
  /**
   * Patches an object. A merge patch with a stale metadata.resourceVersion is a 409. A JSON patch
   * with a `test` that fails is a 422.
   */
  patch(
    type: ResourceType,
    key: ObjectKey,
    patch: Patch,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<KubeObject>;
  /** Deletes an object. Resolves when the API server has accepted the deletion. */
  delete(
    type: ResourceType,
    key: ObjectKey,
    options?: DeleteOptions,
    signal?: AbortSignal,
  ): Promise<void>;
}
