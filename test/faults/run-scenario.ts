/** Runs episodes one after the other, and measures how each ends. */
import type { Episode } from './episodes.ts';
import type { Lists, Memory } from './replicas.ts';
import type { World } from './world.ts';

export interface Run {
  readonly name: string;
  readonly injected: number;
  /** From the end of the fault until everything was as in the quiet run. */
  readonly recoveredMs: number;
  /** What was not as in the quiet run after ten minutes. */
  readonly lost?: string;
  /** Of replica `a`, at rest. */
  readonly memory: Memory | undefined;
  readonly lists?: Lists;
}

/** @throws Error with what is lost when the state of the quiet run is not reached again */
export async function runEpisode(world: World, episode: Episode): Promise<Run> {
  const { injected, since } = await episode.run(world);
  try {
    await world.rest();
  } catch (error) {
    const logs = world.replicas.lives().map(
      ({ name, logs: text }) =>
        `${name}: ${text
          .split('\n')
          .filter((line) => !line.includes('"at":'))
          .slice(-40)
          .join('\n')}`,
    );
    throw new Error([`after '${episode.name}': ${(error as Error).message}`, ...logs].join('\n'), {
      cause: error,
    });
  }
  const recoveredMs = performance.now() - since;
  return {
    name: episode.name,
    injected,
    recoveredMs,
    memory: await world.replicas.memory('a'),
    lists: await world.replicas.lists(),
  };
}
