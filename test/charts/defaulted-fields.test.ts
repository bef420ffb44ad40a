import { resolve } from 'node:path';
import { expect } from 'chai';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane } from '../realparts/index.ts';
import { chartOf } from './rendering.ts';
import type { Chart } from './rendering.ts';

/** AutoRoute's chart as it was generated before it rendered these fields, packed. */
const PREVIOUS = resolve(import.meta.dirname, 'fixtures/autoroute-operator-0.1.0.tgz');

/** Values that contradict a field to which the API server has given a default. */
const CHANGES: Readonly<Record<string, readonly string[]>> = {
  'deployment.strategy.type=Recreate': ['--set', 'deployment.strategy.type=Recreate'],
  'config.enableLeaderElection=false': ['--set', 'config.enableLeaderElection=false'],
  'probes with a command': [
    '--set-json',
    'probes.liveness={"exec":{"command":["true"]}}',
    '--set-json',
    'probes.readiness={"exec":{"command":["true"]}}',
  ],
};

describe('values that contradict a default of the API server, on a real one', () => {
  let plane: ControlPlane;
  let chart: Chart;
  let namespaces = 0;
  before(async () => {
    chart = await chartOf({ example: 'autoroute' });
    plane = await controlPlane();
  });
  after(async () => {
    await plane?.stop();
    chart?.remove();
  });

  for (const major of [3, 4] as const) {
    for (const [installed, chartPath] of [
      ['this version', () => chart.path],
      ['the version before', () => PREVIOUS],
    ] as const) {
      for (const [change, args] of Object.entries(CHANGES)) {
        // @promise chart/upgradable-values
        it(`are taken by Helm ${major} over ${installed}, and given back: ${change}`, async () => {
          const namespace = `n${++namespaces}`;
          const helm = (...words: readonly string[]): Promise<string> =>
            plane.helm([...words, '-n', namespace], { major });
          const noKind = ['--set', 'crds.enabled=false'];
          await helm('install', 'r', chartPath(), '--create-namespace', ...noKind);
          await helm('upgrade', 'r', chart.path, ...noKind);
          await helm('upgrade', 'r', chart.path, ...noKind, ...args);
          await helm('upgrade', 'r', chart.path, ...noKind);
          await helm('rollback', 'r', '3');
          await helm('rollback', 'r', '1');
          expect(await helm('status', 'r')).to.contain('STATUS: deployed');
        });
      }
    }
  }
});
