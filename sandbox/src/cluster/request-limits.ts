/** The sizes that a request and a stored object may have. */
import type { KubeObject } from 'autopilot-runtime/internal';
import { internal, requestTooLarge } from './api-errors.ts';
import { jsonSize } from './frozen-json.ts';

const MEBIBYTE = 1024 * 1024;
/** The API server reads no larger body. */
const MAX_REQUEST_BYTES = 3 * MEBIBYTE;
/** The API server sends etcd no larger message. */
const MAX_MESSAGE_BYTES = 2 * MEBIBYTE;
/** etcd takes no larger request (`--max-request-bytes`). */
const MAX_STORED_BYTES = 1.5 * MEBIBYTE;

/** @throws ApiError 413 when the body of a request is too large. */
export function checkRequestSize(body: unknown): void {
  if (jsonSize(body) > MAX_REQUEST_BYTES) {
    throw requestTooLarge(MAX_REQUEST_BYTES);
  }
}

/**
 * Checks an object before it is stored. The real API server adds managedFields to its size, and
 * stores built-in kinds in a form that is smaller than JSON.
 *
 * @throws ApiError 500 when etcd would refuse the object.
 */
export function checkStoredSize(object: KubeObject): void {
  const size = jsonSize(object);
  if (size > MAX_MESSAGE_BYTES) {
    throw internal(
      `rpc error: code = ResourceExhausted desc = trying to send message larger than max (${size} vs. ${MAX_MESSAGE_BYTES})`,
    );
  }
  if (size > MAX_STORED_BYTES) {
    throw internal('etcdserver: request is too large');
  }
}
