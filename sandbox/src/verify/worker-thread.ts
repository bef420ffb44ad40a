/**
 * A worker thread of the pool: loads the project, then answers one request after the other. It runs
 * the baseline of each scenario once.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { RunResult } from '../exploration/index.ts';
import { runScenario } from '../exploration/index.ts';
import type { RunRequest, RunResponse } from './worker-pool.ts';
import { reloadCount } from './module-reload.ts';
import { loadProject } from './load-project.ts';

const { freshScheduler, crd, foreignCrds, scenarios, chart } = await loadProject(
  workerData as string,
);
const subject = {
  scheduler: freshScheduler,
  crd,
  foreignCrds,
  policyRules: chart.policyRules,
};
/** Baseline runs by seed and scenario. */
const baselines = new Map<string, Promise<RunResult>>();

async function handleRunRequest({
  nth,
  scenario: name,
  seed,
  faults,
}: RunRequest): Promise<RunResponse> {
  const scenario = scenarios.find((one) => one.name === name);
  if (scenario === undefined) {
    throw new Error(`there is no scenario '${name}'`);
  }
  const key = `${seed} ${name}`;
  const baselineRun = baselines.get(key) ?? runScenario(subject, scenario, { seed });
  baselines.set(key, baselineRun);
  const result = await runScenario(subject, scenario, {
    seed,
    faults,
    baseline: await baselineRun,
  });
  // Nothing reads the trace of a run without violations.
  return {
    nth,
    result:
      result.violations.length === 0
        ? { ...result, trace: [], quiescentStates: [], resources: [] }
        : result,
    reloads: reloadCount(),
  };
}

// The pool sends the next request after the response to this one.
parentPort?.on('message', (request: RunRequest) => {
  void handleRunRequest(request).then((response) => parentPort?.postMessage(response));
});
