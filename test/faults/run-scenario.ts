/** Runs one fault scenario and measures the recovery. */
import type { FaultScenario } from './fault-scenarios.ts';
import type { ListCounts, MemoryUse } from './replicas.ts';
import type { TestWorld } from './test-world.ts';

export interface ScenarioResult {
  readonly name: string;
  readonly injected: number;
  /** Milliseconds from the end of the fault until the state of the baseline run. */
  readonly recoveredMs: number;
  /** Differences from the baseline run that remained after ten minutes. */
  readonly lost?: string;
  /** Memory of replica `a` after the recovery. */
  readonly memory: MemoryUse | undefined;
  readonly lists?: ListCounts;
}

/** @throws Error with the differences when the state of the baseline run is not reached */
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
