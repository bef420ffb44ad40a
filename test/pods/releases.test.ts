import { expect } from 'chai';
import { join } from 'node:path';
import { deployment } from '../../examples/autoroute/test/deployments.ts';
import { until } from '../realparts/index.ts';
import type { PodsFixture } from './pods-fixture.ts';
import { podsFixture, withoutPods } from './pods-fixture.ts';

const SOON_MS = 60_000;
const WAIT = ['--wait', '--timeout', '90s'];

describe('a canary operator in a Pod, whose resources have a finalizer', () => {
  let on: PodsFixture;
  before(async () => {
    on = await podsFixture();
    for (const name of ['canaries', 'shop']) {
      await on.node.kubectl(['create', 'namespace', name]);
    }
    await on.node.kubectl([
      'label',
      'namespace',
      'canaries',
      'pod-security.kubernetes.io/enforce=restricted',
    ]);
  });

  for (const major of [4, 3] as const) {
    it(`helm uninstall of Helm ${major} waits until the clean-up has deleted all resources and the operator has let them go`, async () => {
      const { node, charts } = on;
      const [repository, tag] = on.images.canary.split(':');
      const image = [
        '--set',
        `image.repository=${repository}`,
        '--set-string',
        `image.tag=${tag}`,
        '--set',
        'image.pullPolicy=Never',
      ];
      await on.helm(
        [
          'install',
          'canary',
          charts.canary,
          '-n',
          'canaries',
          ...image,
          '--set',
          'cleanup.enabled=true',
          ...WAIT,
        ],
        major,
      );
      await node.kubectl(['apply', '-n', 'shop', '-f', join(on.canary, 'examples')]);
      await node.kubectl([
        'patch',
        'canarydeployment/web',
        '-n',
        'shop',
        '--type=merge',
        '-p',
        '{"spec":{"drain":"1s"}}',
      ]);
      const finalizers = [
        'get',
        'canarydeployment/web',
        '-n',
        'shop',
        '-o',
        'jsonpath={.metadata.finalizers}',
      ];
      await until('it has its finalizer', SOON_MS, async () =>
        expect(await node.kubectl(finalizers)).to.contain('canary-operator'),
      );
      const refused = await on
        .npmRun(['undeploy', '--', '-n', 'canaries', '--release', 'canary'], on.canary)
        .catch((error: unknown) => String(error));
      expect(refused).to.contain('have a finalizer that only this operator removes (shop/web)');
      await on.helm(['uninstall', 'canary', '-n', 'canaries', ...WAIT], major);
      expect(await node.kubectl(['get', 'canarydeployments', '-A', '-o', 'name'])).to.equal('');
      const left = await node.kubectl([
        'get',
        'jobs,serviceaccounts,deployments,roles,clusterroles',
        '-A',
        '-o',
        'name',
        '-l',
        'app.kubernetes.io/managed-by=Helm',
      ]);
      expect(left.split('\n').filter((name) => name.includes('canary'))).to.deep.equal([]);
    });
  }
});

describe('two releases of AutoRoute in Pods, each for one namespace', () => {
  const TEAMS = ['red', 'blue'] as const;
  let on: PodsFixture;
  const ownRoute = (team: string, name: string): Promise<string> =>
    on.node.kubectl([
      'get',
      `virtualservices.networking.istio.io/${name}.example`,
      '-n',
      team,
      '-o',
      'jsonpath={.metadata.labels}',
    ]);
  const deploy = (team: string, name: string): Promise<string> =>
    on.node.kubectl(['create', '-n', team, '-f', '-'], {
      input: JSON.stringify(withoutPods(deployment(name))),
    });
  const podsOf = (team: string): Promise<string> =>
    on.node.kubectl([
      'get',
      'pods',
      '-n',
      team,
      '-o',
      'jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[*].restartCount}{end}',
    ]);
  const release = (team: string): readonly string[] => {
    const [repository, tag] = on.images.first.split(':');
    const image = [
      '--set',
      `image.repository=${repository}`,
      '--set-string',
      `image.tag=${tag}`,
      '--set',
      'image.pullPolicy=Never',
    ];
    const own = [
      '--set-json',
      `watchNamespaces=["${team}"]`,
      '--set',
      `crds.enabled=${team === 'red'}`,
      '--set',
      'networkPolicy.enabled=true',
    ];
    return ['routes', on.charts.autoroute, '-n', team, ...image, ...own, ...WAIT];
  };
  before(async () => {
    on = await podsFixture();
    // Of a release of the other file, whose kind stays.
    await on.node.kubectl(['delete', 'crd', 'autoroutes.examples.io', '--ignore-not-found']);
    for (const team of TEAMS) {
      await on.node.kubectl(['create', 'namespace', team]);
    }
  });
  after(async () => {
    if (on !== undefined) {
      for (const team of TEAMS) {
        await on.helm(['uninstall', 'routes', '-n', team, '--ignore-not-found', '--wait']);
      }
    }
  });

  it('run side by side: each creates routes in its own namespace', async () => {
    for (const team of TEAMS) {
      await on.helm(['install', ...release(team)]);
    }
    for (const team of TEAMS) {
      await deploy(team, 'one');
      await on.node.kubectl([
        'apply',
        '-n',
        team,
        '-f',
        join(on.project, 'examples/autoroute.yaml'),
      ]);
    }
    for (const team of TEAMS) {
      await on.node.kubectl([
        'wait',
        '-n',
        team,
        'autoroute/example',
        '--for=condition=Ready',
        '--timeout=60s',
      ]);
      expect(await ownRoute(team, 'one')).to.contain('autoroute-operator');
      expect(
        await on.node.kubectl(['get', 'networkpolicies', '-n', team, '-o', 'name']),
      ).to.contain('routes-autoroute-operator');
    }
  });

  it('helm test passes for both', async () => {
    for (const team of TEAMS) {
      expect(
        await on.helm(['test', 'routes', '-n', team, '--logs', '--timeout', '60s']),
      ).to.contain('ready, with all permissions');
    }
  });

  it('when one is paused in the values, its Pod is not restarted, and the other one continues', async () => {
    const before = await podsOf('red');
    await on.helm(['upgrade', ...release('red'), '--set', 'config.paused=true']);
    await on.node.kubectl([
      'wait',
      '-n',
      'red',
      'autoroute/example',
      '--for=condition=Paused',
      '--timeout=100s',
    ]);
    for (const team of TEAMS) {
      await deploy(team, 'two');
    }
    await until('the other one routes', SOON_MS, () => ownRoute('blue', 'two'));
    expect(
      await on.node.kubectl([
        'get',
        'virtualservices.networking.istio.io',
        '-n',
        'red',
        '-o',
        'name',
      ]),
    ).not.to.contain('two.example');
    await on.helm(['upgrade', ...release('red'), '--set', 'config.paused=false']);
    await until('it goes on', 100_000, () => ownRoute('red', 'two'));
    expect(await podsOf('red')).to.equal(before);
  });
});
