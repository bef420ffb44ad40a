/**
 * What a thread of a crew does: it flies what it is told to, each scenario once without faults
 * before.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { RunResult } from '../exploration/index.ts';
import { runScenario } from '../exploration/index.ts';
import type { RunRequest, RunResponse } from './worker-pool.ts';
import { reloadCount } from './module-reload.ts';
import { loadProject } from './load-project.ts';

const { freshScheduler, crd, scenarios, chart } = await loadProject(workerData as string);
const subject = { scheduler: freshScheduler, crd, policyRules: chart.policyRules };
const baseline = new Map<string, Promise<RunResult>>();

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
  const baselineRun = baseline.get(key) ?? runScenario(subject, scenario, { seed });
  baseline.set(key, baselineRun);
  const result = await runScenario(subject, scenario, {
    seed,
    faults,
    baseline: await baselineRun,
  });
  // Nobody reads the trace of a flight that kept every promise.
  return {
    nth,
    result:
      result.violations.length === 0
        ? { ...result, trace: [], quiescentStates: [], resources: [] }
        : result,
    reloads: reloadCount(),
  };
}

// One at a time: the next order comes when this one is reported.
parentPort?.on('message', (request: RunRequest) => {
  void handleRunRequest(request).then((report) => parentPort?.postMessage(report));
});
