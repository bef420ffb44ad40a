/**
 * Injects real faults on a real control plane. First it repeats the faults that end no process, so
 * that the memory of one process can be measured over the whole time. Then it injects the faults
 * that end processes. Writes docs/reference/faults.md.
 *
 *   --minutes 30      shortest duration, in minutes
 *   --resources 300   number of resources
 *   --seed 1          seed of the random numbers
 *   --only 'kill|CRD' pattern for the names of the faults to inject; the page is not written
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../scripts/build.ts';
import type { FaultScenario } from '../test/faults/fault-scenarios.ts';
import { GENTLE, HARSH } from '../test/faults/fault-scenarios.ts';
import { checkAudit, checkReconciles } from '../test/faults/audit-checks.ts';
import { faultsPage } from '../test/faults/faults-page.ts';
import type { ScenarioResult } from '../test/faults/run-scenario.ts';
import { runScenario } from '../test/faults/run-scenario.ts';
import { TestWorld } from '../test/faults/test-world.ts';

const GENTLE_SHARE = 0.6;
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    resources: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
const [minutes, resources, seed] = [
  Number(values.minutes),
  Number(values.resources),
  Number(values.seed),
];

const begun = performance.now();
const passed = (): number => (performance.now() - begun) / 60_000;
const world = await TestWorld.make({ resources, seed });
const runs: (ScenarioResult & { readonly minute: number })[] = [];
const level = await world.replicas.memory('a');

async function repeat(scenarios: readonly FaultScenario[], until: number): Promise<void> {
  for (let index = 0; index < scenarios.length || passed() < until; index++) {
    const scenario = scenarios[index % scenarios.length];
    if (scenario === undefined) {
      return;
    }
    const run = await runScenario(world, scenario).catch((error: Error) => {
      console.log(error.message);
      return {
        name: scenario.name,
        injected: 0,
        recoveredMs: Infinity,
        memory: undefined,
        lost: error.message.slice(0, 500),
      };
    });
    runs.push({ ...run, minute: passed() });
    console.log(
      `${passed().toFixed(1)} min: ${run.name}: ${run.injected} times, recovered in ${(run.recoveredMs / 1000).toFixed(1)} s, heap ${run.memory?.heapMb.toFixed(1)} MB`,
    );
    if (index >= scenarios.length - 1 && passed() >= until) {
      return;
    }
  }
}

try {
  const wanted = (all: readonly FaultScenario[]): readonly FaultScenario[] =>
    all.filter(({ name }) => values.only === undefined || new RegExp(values.only).test(name));
  console.log(`${passed().toFixed(1)} min: the baseline runs are done`);
  await repeat(wanted(GENTLE), minutes * GENTLE_SHARE);
  await world.replicas.start('b');
  await repeat(wanted(HARSH), minutes);
  const audit = await checkAudit(world.plane.auditLog);
  const reconciles = checkReconciles(world.replicas.processLogs());
  const soak = { resources, minutes: passed(), seed, runs, level, audit, reconciles };
  if (values.only === undefined) {
    writeFileSync(join(root, 'docs/reference/faults.md'), faultsPage(soak));
  }
  const wrong = [...audit.byNonLeaders, ...audit.wrongTransitions, ...reconciles.overlapping];
  console.log(wrong.length === 0 ? 'nothing was lost' : wrong.join('\n'));
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  await world.end();
}
