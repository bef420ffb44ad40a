/**
 * The order of resourceVersions. In Kubernetes they are numbers (KEP-5504). Aggregated APIs may use
 * other strings, or none: such versions have no order.
 */

/** The version as a number; undefined when it is none. */
export function parseVersion(resourceVersion: string | undefined): bigint | undefined {
  return resourceVersion !== undefined && /^\d+$/.test(resourceVersion)
    ? BigInt(resourceVersion)
    : undefined;
}

/** Whether a version is certainly older than another. False for versions without an order. */
export function isOlderVersion(version: string | undefined, than: string | undefined): boolean {
  const [a, b] = [parseVersion(version), parseVersion(than)];
  return a !== undefined && b !== undefined && a < b;
}

/** Whether a watch can start from a version. Servers take an empty version or 0 as any version. */
export function isWatchableVersion(resourceVersion: string | undefined): boolean {
  return resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== '0';
}
