/** Real control planes, a node that runs Pods, and a real Prometheus for tests. */
export { controlPlane, until } from './control-plane.ts';
export type { AuditEvent, AuditRule } from './audit.ts';
export type { ControlPlane } from './control-plane.ts';
export { prometheusPath, promtoolPath } from './debian.ts';
export { istioCrds, prepare, tool } from './parts.ts';
export type { Tool } from './parts.ts';
export { freePorts } from './free-ports.ts';
export { buildah } from './pods/buildah.ts';
export type { Buildah } from './pods/buildah.ts';
export { writeImage } from './pods/image.ts';
export type { ImageOptions } from './pods/image.ts';
export { podNode, preparePods } from './pods/node.ts';
export type { PodNode } from './pods/node.ts';
export { prometheusServer } from './prometheus.ts';
export type { Prometheus, PrometheusOptions } from './prometheus.ts';
export { Unavailable } from './unavailable.ts';
