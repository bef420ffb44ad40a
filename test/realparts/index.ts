/** Real control planes for tests. */
export { controlPlane, until } from './control-plane.ts';
export type { ControlPlane } from './control-plane.ts';
export { prepare, tool, Unavailable } from './parts.ts';
export type { Tool } from './parts.ts';
