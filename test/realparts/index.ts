/** Real control planes and a real Prometheus for tests. */
export { controlPlane, until } from './control-plane.ts';
export type { AuditEvent } from './audit.ts';
export type { ControlPlane } from './control-plane.ts';
export { prometheusPath, promtoolPath } from './debian.ts';
export { prepare, tool } from './parts.ts';
export type { Tool } from './parts.ts';
export { prometheusServer } from './prometheus.ts';
export type { Prometheus, PrometheusOptions } from './prometheus.ts';
export { Unavailable } from './unavailable.ts';
