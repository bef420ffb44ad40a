import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deployment } from '../../examples/autoroute/test/deployments.ts';
import { until } from '../realparts/index.ts';
import type { PodNode } from '../realparts/index.ts';
import type { PodsFixture } from './pods-fixture.ts';
import { podsFixture, NODE_IMAGE, withoutPods } from './pods-fixture.ts';

const NAME = 'autoroute-operator';
const SPACE = 'operators';
const SOON_MS = 60_000;
const SELECTOR = `app.kubernetes.io/name=${NAME},app.kubernetes.io/instance=${NAME}`;

describe('AutoRoute in real Pods, under Pod Security restricted', () => {
  let on: PodsFixture;
  let node: PodNode;
  let chart: string;

  before(async () => {
    on = await podsFixture();
    node = on.node;
    chart = on.charts.autoroute;
    for (const namespace of [SPACE, 'apps']) {
      await node.kubectl(['create', 'namespace', namespace]);
    }
    await node.kubectl([
      'label',
      'namespace',
      SPACE,
      'pod-security.kubernetes.io/enforce=restricted',
    ]);
  });

  const helm = (args: readonly string[], major: 3 | 4 = 4): Promise<string> =>
    on.helm([...args, '--namespace', SPACE], major);
  const values = [
    '--set',
    'image.repository=localhost/autoroute-operator',
    '--set',
    'image.pullPolicy=Never',
  ];
  const image = (tag: number | string): readonly string[] => [
    ...values,
    '--set-string',
    `image.tag=${tag}`,
  ];
  const inPod = async (script: string): Promise<string> => {
    const [pod] = await pods();
    return (
      await node.kubectl([
        'exec',
        '-n',
        SPACE,
        pod?.metadata.name ?? '',
        '--',
        'node',
        '-p',
        script,
      ])
    ).trim();
  };

  interface Pod {
    readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
    readonly spec: { readonly containers: readonly { readonly image: string }[] };
    readonly status: {
      readonly phase: string;
      readonly containerStatuses?: readonly {
        readonly restartCount: number;
        readonly ready: boolean;
        readonly lastState: { readonly terminated?: { readonly reason: string } };
      }[];
    };
  }
  async function pods(): Promise<readonly Pod[]> {
    const text = await node.kubectl(['get', 'pods', '-n', SPACE, '-l', SELECTOR, '-o', 'json']);
    return (JSON.parse(text) as { items: readonly Pod[] }).items.filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined,
    );
  }
  async function failure(run: Promise<unknown>): Promise<string> {
    try {
      await run;
    } catch (error) {
      return `${(error as { all?: string }).all ?? ''}${(error as Error).message}`;
    }
    throw new Error('it succeeded');
  }

  it('npm run build builds the Dockerfile; nothing but what .dockerignore names is sent to the builder', async () => {
    const script = "console.log('sent:', require('fs').readdirSync('/sent').sort().join())";
    const dockerfile = join(on.project, 'Dockerfile.all');
    writeFileSync(dockerfile, `FROM ${NODE_IMAGE}\nCOPY . /sent\nRUN node -e "${script}"\n`);
    expect(await on.builder.run(['build', '--file', dockerfile, on.project])).to.contain(
      'sent: package-lock.json,package.json,src,vendor\n',
    );
    const sizes = await on.builder.run(['images', '--format', '{{.Name}}:{{.Tag}} {{.Size}}']);
    console.log(
      `      ${sizes
        .split('\n')
        .filter((line) => line.startsWith('localhost/'))
        .sort()
        .join('; ')}`,
    );
  });

  it('npm run deploy returns when the operator is ready, and its Pod runs the command of the Dockerfile, without root, on a read-only file system', async () => {
    const started = performance.now();
    const said = await on.npmRun([
      'deploy',
      '--',
      on.images.first,
      '-n',
      SPACE,
      '--set',
      'image.pullPolicy=Never',
      '--set',
      'config.logLevel=Debug',
      '--timeout',
      '90s',
    ]);
    console.log(`      ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
    expect(said).to.contain(`autoroute-operator runs in namespace ${SPACE}`);
    const [pod] = await pods();
    expect(pod?.status.containerStatuses?.[0]).to.include({ ready: true, restartCount: 0 });
    expect(await inPod('process.getuid()')).to.equal('65532');
    expect(await inPod("fs.readdirSync('/app').sort().join()")).to.equal(
      '.compiled,node_modules,package.json,src',
    );
    expect(
      await inPod("require('module').getCompileCacheDir()"),
      'what the build has compiled is read',
    ).to.match(/^\/app\/\.compiled\/v.*-65532$/);
    expect(await inPod("fs.existsSync('node_modules/typescript')")).to.equal('false');
    expect(
      await inPod("try { fs.writeFileSync('/tmp/x', ''); 'written' } catch (error) { error.code }"),
    ).to.equal('EROFS');
  });

  it('helm test reports that the operator is ready and has all permissions', async () => {
    expect(await helm(['test', NAME, '--logs', '--timeout', '60s'])).to.contain(
      'ready, with all permissions',
    );
  });

  it('creates routes for the present Deployments, in a Pod with the RBAC rules of the chart and no others', async () => {
    for (const name of ['one', 'two']) {
      await node.kubectl(['create', '-n', 'apps', '-f', '-'], {
        input: JSON.stringify(withoutPods(deployment(name))),
      });
    }
    await node.kubectl(['apply', '-n', 'apps', '-f', join(on.project, 'examples/autoroute.yaml')]);
    await node.kubectl([
      'wait',
      '-n',
      'apps',
      'autoroute/example',
      '--for=condition=Ready',
      '--timeout=60s',
    ]);
    const routes = await node.kubectl([
      'get',
      'virtualservices.networking.istio.io',
      '-n',
      'apps',
      '-o',
      'name',
    ]);
    expect(routes.trim().split('\n')).to.have.length(2);
  });

  it('npm run logs shows one JSON object a line, with every created object at the level Debug', async () => {
    const lines = (await on.npmRun(['logs', '--', '-n', SPACE, '--tail', '-1']))
      .split('\n')
      .flatMap((line) => /^\[pod\/autoroute-operator-\S+\] (.*)$/.exec(line)?.[1] ?? [])
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const created = lines.filter(
      ({ message, resource }) => message === 'created' && resource === 'apps/example',
    );
    expect(created.map(({ object }) => object)).to.include.members([
      'apps/one',
      'apps/two',
      'apps/one.example',
      'apps/two.example',
      'apps/example',
    ]);
  });

  it('lives within half of the chart’s memory limit, also at its peak', async () => {
    const [pod] = await pods();
    const used =
      Number(await inPod("/VmHWM:\\s+(\\d+)/.exec(fs.readFileSync('/proc/1/status', 'utf8'))[1]")) *
      1024;
    console.log(`      at most ${Math.round(used / 2 ** 20)} MiB, of 256`);
    expect(used).to.be.within(1, 128 * 2 ** 20);
    expect(pod?.status.containerStatuses?.[0]?.restartCount).to.equal(0);
  });

  it('helm upgrade goes to a second image, which has no shell, and helm rollback back to the first', async () => {
    await helm(['upgrade', NAME, chart, ...image(2), '--wait', '--timeout', '90s']);
    expect((await pods()).map(({ spec }) => spec.containers[0]?.image)).to.deep.equal([
      on.images.second,
    ]);
    await helm(['rollback', NAME, '1', '--wait', '--timeout', '90s']);
    expect((await pods()).map(({ spec }) => spec.containers[0]?.image)).to.deep.equal([
      on.images.first,
    ]);
  });

  it('of two replicas the other one leads as soon as the leader’s Pod is deleted, and goes on with the work', async () => {
    await helm([
      'upgrade',
      NAME,
      chart,
      ...image(1),
      '--set',
      'replicas=2',
      '--wait',
      '--timeout',
      '90s',
    ]);
    const holder = async (): Promise<string> => {
      const leases = JSON.parse(
        await node.kubectl(['get', 'leases', '-n', SPACE, '-o', 'json']),
      ) as {
        items: readonly { spec: { holderIdentity?: string } }[];
      };
      const identity = leases.items[0]?.spec.holderIdentity ?? '';
      if (identity === '') {
        throw new Error('the Lease has no holder');
      }
      return identity;
    };
    const led = await until('a Pod holds the Lease', SOON_MS, holder);
    const leader =
      (await pods()).find(({ metadata }) => led.startsWith(metadata.name))?.metadata.name ?? '';
    expect(leader).to.not.equal('');
    const started = performance.now();
    await node.kubectl(['delete', 'pod', '-n', SPACE, leader, '--wait=false']);
    await until('another one leads', SOON_MS, async () => {
      if ((await holder()) === led) {
        throw new Error(`${led} still leads`);
      }
    });
    console.log(
      `      led by another after ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
    await node.kubectl(['create', '-n', 'apps', '-f', '-'], {
      input: JSON.stringify(withoutPods(deployment('three'))),
    });
    await until('the new leader routes a new Deployment', SOON_MS, () =>
      node.kubectl(['get', 'virtualservices.networking.istio.io/three.example', '-n', 'apps']),
    );
  });

  it('a memory limit below its need ends it, and says so', async () => {
    await helm([
      'upgrade',
      NAME,
      chart,
      ...image(1),
      '--set',
      'resources.limits.memory=24Mi',
      '--set',
      'resources.requests.memory=24Mi',
    ]);
    await until('the kernel has ended it', SOON_MS, async () => {
      const reasons = (await pods()).map(
        ({ status }) => status.containerStatuses?.[0]?.lastState.terminated?.reason,
      );
      if (!reasons.includes('OOMKilled')) {
        throw new Error(`it ended for ${reasons.join(', ')}`);
      }
    });
    await helm(['upgrade', NAME, chart, ...image(1), '--wait', '--timeout', '90s']);
  });

  it('helm test fails when a right is taken away', async () => {
    const binding =
      (await node.kubectl(['get', 'clusterrolebindings', '-o', 'name', '-l', SELECTOR]))
        .trim()
        .split('\n')[0] ?? '';
    const saved = await node.kubectl(['get', binding, '-o', 'yaml']);
    await node.kubectl(['delete', binding]);
    expect(await failure(helm(['test', NAME, '--logs', '--timeout', '90s']))).to.contain(
      'is not allowed',
    );
    await node.kubectl(['create', '-f', '-'], {
      input: saved.replaceAll(/^ {2}(resourceVersion|uid):.*\n/gm, ''),
    });
  });

  it('helm install of an image that does not exist fails', async () => {
    const args = [
      'install',
      'missing',
      chart,
      ...image('none'),
      '--set',
      'crds.enabled=false',
      '--set-json',
      'watchNamespaces=["apps"]',
      '--wait',
      '--timeout',
      '10s',
    ];
    await failure(helm(args));
    await helm(['uninstall', 'missing']);
  });

  it('npm run undeploy leaves the kind, its resources and their routes, and a new install goes on with them', async () => {
    await on.npmRun(['undeploy', '--', '-n', SPACE]);
    await until('the Pods are gone', SOON_MS, async () => expect(await pods()).to.deep.equal([]));
    await node.kubectl(['get', 'autoroute/example', '-n', 'apps']);
    await helm(['install', NAME, chart, ...image(1), '--wait', '--timeout', '90s'], 3);
    await node.kubectl(['delete', 'virtualservices.networking.istio.io/one.example', '-n', 'apps']);
    await until('the route is back', SOON_MS, () =>
      node.kubectl(['get', 'virtualservices.networking.istio.io/one.example', '-n', 'apps']),
    );
  });

  it('the same with Helm 3: test, upgrade, uninstall', async () => {
    expect(await helm(['test', NAME, '--logs', '--timeout', '60s'], 3)).to.contain(
      'ready, with all permissions',
    );
    await helm(['upgrade', NAME, chart, ...image(2), '--wait', '--timeout', '90s'], 3);
    expect((await pods()).map(({ spec }) => spec.containers[0]?.image)).to.deep.equal([
      on.images.second,
    ]);
    await helm(['uninstall', NAME, '--wait'], 3);
  });
});
