/** How Kubernetes writes time. */

/**
 * metav1.MicroTime: the API server refuses one without six fractional digits. @param wall
 * milliseconds since 1970
 */
export function formatMicroTime(wall: number): string {
  return new Date(wall).toISOString().replace('Z', '000Z');
}
