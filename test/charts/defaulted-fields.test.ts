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
    // @promise chart/pause-without-conflict
    it(`a pause outlives upgrades and rollbacks by Helm ${major} without a conflict`, async () => {
      const namespace = `paused${major}`;
      const inNamespace = ['-n', namespace];
      const helm = (...words: readonly string[]): Promise<string> =>
        plane.helm([...words, ...inNamespace], { major });
      await helm('install', 'r', chart.path, '--create-namespace', '--set', 'crds.enabled=false');
      const source =
        'jsonpath={.spec.template.spec.volumes[0].projected.sources[1].configMap.name}';
      const deployment = ['get', 'deployment', 'r-autoroute-operator', ...inNamespace];
      const name = await plane.kubectl([...deployment, '-o', source]);
      expect(name).to.equal('r-autoroute-operator-pause');
      const literal = '--from-literal=paused=true';
      await plane.kubectl(['create', 'configmap', name, literal, ...inNamespace]);
      const changed = ['--set', 'crds.enabled=false', '--set', 'config.workInterval=9s'];
      await helm('upgrade', 'r', chart.path, ...changed);
      await helm('rollback', 'r', '1');
      const paused = ['get', 'configmap', name, ...inNamespace, '-o', 'jsonpath={.data.paused}'];
      expect(await plane.kubectl(paused)).to.equal('true');
    });

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
