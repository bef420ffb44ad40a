import type { TestCluster } from '../test-cluster.ts';

export interface Case {
  /** What may be relied on. */
  readonly name: string;
  /** Why the sandbox does otherwise, where it does: the case then must fail there. */
  readonly differs?: string;
  readonly run: (world: TestCluster) => Promise<void>;
}
