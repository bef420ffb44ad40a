/** Runs episodes one after the other, and measures how each ends. */
import type { FaultScenario } from './fault-scenarios.ts';
import type { ListCounts, MemoryUse } from './replicas.ts';
import type { TestWorld } from './test-world.ts';

export interface ScenarioResult {
  readonly name: string;
  readonly injected: number;
  /** From the end of the fault until everything was as in the quiet run. */
  readonly recoveredMs: number;
  /** What was not as in the quiet run after ten minutes. */
  readonly lost?: string;
  /** Of replica `a`, at rest. */
  readonly memory: MemoryUse | undefined;
  readonly lists?: ListCounts;
}

/** @throws Error with what is lost when the state of the quiet run is not reached again */
export async function runScenario(
  world: TestWorld,
  scenario: FaultScenario,
): Promise<ScenarioResult> {
  const { injected, endedAt } = await scenario.run(world);
  try {
    await world.rest();
  } catch (error) {
    const logs = world.replicas.processLogs().map(
      ({ name, logs: text }) =>
        `${name}: ${text
          .split('\n')
          .filter((line) => !line.includes('"at":'))
          .slice(-40)
          .join('\n')}`,
    );
    throw new Error([`after '${scenario.name}': ${(error as Error).message}`, ...logs].join('\n'), {
      cause: error,
    });
  }
  const recoveredMs = performance.now() - endedAt;
  return {
    name: scenario.name,
    injected,
    recoveredMs,
    memory: await world.replicas.memory('a'),
    lists: await world.replicas.lists(),
  };
}
