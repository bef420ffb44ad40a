/**
 * What a thread of a crew does: it flies what it is told to, each scenario once without faults
 * before.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Flown } from '../explore/index.ts';
import { fly } from '../explore/index.ts';
import type { Order, Report } from './crew.ts';
import { livesBegun } from './lives.ts';
import { loadProject } from './project.ts';

const { anew, crd, scenarios, chart } = await loadProject(workerData as string);
const subject = { scheduler: anew, crd, rights: chart.rights };
const quiet = new Map<string, Promise<Flown>>();

async function flyOrder({ nth, scenario: name, seed, faults }: Order): Promise<Report> {
  const scenario = scenarios.find((one) => one.name === name);
  if (scenario === undefined) {
    throw new Error(`there is no scenario '${name}'`);
  }
  const key = `${seed} ${name}`;
  const first = quiet.get(key) ?? fly(subject, scenario, { seed });
  quiet.set(key, first);
  const flown = await fly(subject, scenario, { seed, faults, quiet: await first });
  // Nobody reads the trace of a flight that kept every promise.
  return {
    nth,
    flown:
      flown.violations.length === 0 ? { ...flown, trace: [], rests: [], resources: [] } : flown,
    lives: livesBegun(),
  };
}

// One at a time: the next order comes when this one is reported.
parentPort?.on('message', (order: Order) => {
  void flyOrder(order).then((report) => parentPort?.postMessage(report));
});
