/**
 * A stand-in for the kubelet, which these control planes do not have: sets every Pod of a namespace
 * to Ready. No container runs; test:pods does that.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ControlPlane } from '../realparts/index.ts';

interface Pod {
  readonly metadata: { readonly name: string };
  readonly status: { readonly phase?: string };
}

const READY = {
  phase: 'Running',
  conditions: ['Initialized', 'ContainersReady', 'Ready'].map((type) => ({ type, status: 'True' })),
};

/** @returns ends it */
export function podsBecomeReady(plane: ControlPlane, namespace: string): () => Promise<void> {
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      const { items } = JSON.parse(
        await plane.kubectl(['get', 'pods', '-n', namespace, '-o', 'json']),
      ) as { items: readonly Pod[] };
      for (const { metadata, status } of items) {
        if (status.phase !== 'Running') {
          await plane
            .kubectl([
              'patch',
              'pod',
              metadata.name,
              '-n',
              namespace,
              '--subresource=status',
              '-p',
              JSON.stringify({ status: READY }),
            ])
            .catch(() => undefined);
        }
      }
      await pause(300);
    }
  })();
  return async () => {
    stopped = true;
    await running;
  };
}
