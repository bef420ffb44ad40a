import type { World } from '../world.ts';

export interface Case {
  /** What may be relied on. */
  readonly name: string;
  readonly run: (world: World) => Promise<void>;
}
