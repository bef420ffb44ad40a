import { expect } from 'chai';
import { execa } from 'execa';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scaffold } from '../../generators/lib/library.ts';
import { deployment } from '../../examples/autoroute/test/deployments.ts';
import { istioCrds, podNode, tool, until } from '../realparts/index.ts';
import type { PodNode } from '../realparts/index.ts';
import { operatorImage } from './operator-image.ts';
import type { BuiltImage } from './operator-image.ts';

const NAME = 'autoroute-operator';
const SPACE = 'operators';
const SOON_MS = 60_000;
const SELECTOR = `app.kubernetes.io/name=${NAME},app.kubernetes.io/instance=${NAME}`;

describe('AutoRoute in real Pods, under Pod Security restricted', () => {
  let node: PodNode;
  let dir: string;
  let chart: string;
  let first: BuiltImage;
  let second: BuiltImage;
  let helm3: string;
  let helm4: string;

  before(async () => {
    [helm4, helm3] = [await tool('helm'), await tool('helm3')];
    dir = mkdtempSync(join(tmpdir(), 'autopilot-pods-'));
    const project = join(dir, 'project');
    await scaffold({ dir: project, example: 'autoroute', runtime: 'vendor' });
    chart = join(project, 'charts', NAME);
    await execa('npm', ['install', '--package-lock-only', '--no-audit', '--no-fund'], { cwd: project });
    for (const name of ['first', 'second']) mkdirSync(join(dir, name));
    first = await operatorImage(project, join(dir, 'first'), 'localhost/autoroute-operator:1');
    second = await operatorImage(project, join(dir, 'second'), 'localhost/autoroute-operator:2', { '/app/second': 'yes' });
    node = await podNode();
    for (const { file } of [first, second]) await node.importImage(file);
    for (const file of await istioCrds()) await node.kubectl(['apply', '--server-side', '-f', file]);
    for (const namespace of [SPACE, 'apps']) await node.kubectl(['create', 'namespace', namespace]);
    await node.kubectl(['label', 'namespace', SPACE, 'pod-security.kubernetes.io/enforce=restricted']);
    console.log(`    what the project adds to its base image: ${Math.round(first.bytes / 1e6)} MB`);
  });
  after(async () => {
    await node?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function helm(args: readonly string[], path = helm4): Promise<string> {
    const { all } = await execa(path, [...args, '--namespace', SPACE], { all: true, env: { KUBECONFIG: node.kubeconfig, HOME: dir } });
    return all;
  }
  const values = ['--set', 'image.repository=localhost/autoroute-operator', '--set', 'image.pullPolicy=Never'];
  const image = (tag: number | string): readonly string[] => [...values, '--set-string', `image.tag=${tag}`];

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
    return (JSON.parse(text) as { items: readonly Pod[] }).items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }
  async function failure(run: Promise<unknown>): Promise<string> {
    try {
      await run;
    } catch (error) {
      return `${(error as { all?: string }).all ?? ''}${(error as Error).message}`;
    }
    throw new Error('it succeeded');
  }

  it('helm install --wait returns when the operator is ready, and the Pod runs under the number of its image', async () => {
    const started = performance.now();
    await helm(['install', NAME, chart, ...image(1), '--wait', '--timeout', '90s']);
    console.log(`      ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
    const [pod] = await pods();
    expect(pod?.status.containerStatuses?.[0]).to.include({ ready: true, restartCount: 0 });
    const { stdout } = await execa('sh', [
      '-c',
      `${await tool('kubectl')} --kubeconfig ${node.kubeconfig} exec -n ${SPACE} ${pod?.metadata.name} -- node -p 'process.getuid()'`,
    ]);
    expect(stdout).to.equal('65532');
  });

  it('helm test finds it ready and with every right, through Service, name and the ServiceAccount of the Pod', async () => {
    expect(await helm(['test', NAME, '--logs', '--timeout', '60s'])).to.contain('ready, with every right');
  });

  it('flies: routes for the Deployments that are there, in a Pod with the rights of the chart and no other', async () => {
    for (const name of ['one', 'two']) await node.kubectl(['create', '-n', 'apps', '-f', '-'], { input: JSON.stringify(paused(deployment(name))) });
    await node.kubectl(['apply', '-n', 'apps', '-f', join(dir, 'project/examples/autoroute.yaml')]);
    await node.kubectl(['wait', '-n', 'apps', 'autoroute/example', '--for=condition=Ready', '--timeout=60s']);
    const routes = await node.kubectl(['get', 'virtualservices.networking.istio.io', '-n', 'apps', '-o', 'name']);
    expect(routes.trim().split('\n')).to.have.length(2);
  });

  it('kubectl logs shows one JSON object a line, with every transition', async () => {
    const lines = (await node.kubectl(['logs', '-n', SPACE, '-l', SELECTOR, '--tail', '-1']))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const transitions = lines.filter(({ message, resource }) => message === 'transition' && resource === 'apps/example');
    expect(transitions.map(({ to }) => to).slice(0, 2)).to.deep.equal(['Syncing', 'Ready']);
  });

  it('lives within half of the chart’s memory limit, also at its peak', async () => {
    const [pod] = await pods();
    const peak = "/VmHWM:\\s+(\\d+)/.exec(require('node:fs').readFileSync('/proc/1/status', 'utf8'))[1]";
    const used = Number(await node.kubectl(['exec', '-n', SPACE, pod?.metadata.name ?? '', '--', 'node', '-p', peak])) * 1024;
    console.log(`      at most ${Math.round(used / 2 ** 20)} MiB, of 256`);
    expect(used).to.be.within(1, 128 * 2 ** 20);
    expect(pod?.status.containerStatuses?.[0]?.restartCount).to.equal(0);
  });

  it('helm upgrade goes to a second image and helm rollback back to the first', async () => {
    await helm(['upgrade', NAME, chart, ...image(2), '--wait', '--timeout', '90s']);
    expect((await pods()).map(({ spec }) => spec.containers[0]?.image)).to.deep.equal([second.reference]);
    await helm(['rollback', NAME, '1', '--wait', '--timeout', '90s']);
    expect((await pods()).map(({ spec }) => spec.containers[0]?.image)).to.deep.equal([first.reference]);
  });

  it('of two replicas the other one leads as soon as the leader’s Pod is deleted, and goes on with the work', async () => {
    await helm(['upgrade', NAME, chart, ...image(1), '--set', 'replicas=2', '--wait', '--timeout', '90s']);
    const holder = async (): Promise<string> => {
      const leases = JSON.parse(await node.kubectl(['get', 'leases', '-n', SPACE, '-o', 'json'])) as {
        items: readonly { spec: { holderIdentity?: string } }[];
      };
      const identity = leases.items[0]?.spec.holderIdentity ?? '';
      if (identity === '') throw new Error('nobody leads');
      return identity;
    };
    const led = await until('somebody leads', SOON_MS, holder);
    const leader = (await pods()).find(({ metadata }) => led.startsWith(metadata.name))?.metadata.name ?? '';
    expect(leader).to.not.equal('');
    const started = performance.now();
    await node.kubectl(['delete', 'pod', '-n', SPACE, leader, '--wait=false']);
    await until('another one leads', SOON_MS, async () => {
      if ((await holder()) === led) throw new Error(`${led} still leads`);
    });
    console.log(`      led by another after ${((performance.now() - started) / 1000).toFixed(1)} s`);
    await node.kubectl(['create', '-n', 'apps', '-f', '-'], { input: JSON.stringify(paused(deployment('three'))) });
    await until('the new leader routes a new Deployment', SOON_MS, () =>
      node.kubectl(['get', 'virtualservices.networking.istio.io/three.example', '-n', 'apps']),
    );
  });

  it('a memory limit below its need ends it, and says so', async () => {
    await helm(['upgrade', NAME, chart, ...image(1), '--set', 'resources.limits.memory=24Mi', '--set', 'resources.requests.memory=24Mi']);
    await until('the kernel has ended it', SOON_MS, async () => {
      const reasons = (await pods()).map(({ status }) => status.containerStatuses?.[0]?.lastState.terminated?.reason);
      if (!reasons.includes('OOMKilled')) throw new Error(`it ended for ${reasons.join(', ')}`);
    });
    await helm(['upgrade', NAME, chart, ...image(1), '--wait', '--timeout', '90s']);
  });

  it('helm test fails when a right is taken away', async () => {
    const binding = (await node.kubectl(['get', 'clusterrolebindings', '-o', 'name', '-l', SELECTOR])).trim().split('\n')[0] ?? '';
    const saved = await node.kubectl(['get', binding, '-o', 'yaml']);
    await node.kubectl(['delete', binding]);
    expect(await failure(helm(['test', NAME, '--logs', '--timeout', '90s']))).to.contain('is not allowed');
    await node.kubectl(['create', '-f', '-'], { input: saved.replaceAll(/^ {2}(resourceVersion|uid):.*\n/gm, '') });
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

  it('helm uninstall leaves the kind, its resources and their routes, and a new install goes on with them', async () => {
    await helm(['uninstall', NAME, '--wait']);
    await until('the Pods are gone', SOON_MS, async () => expect(await pods()).to.deep.equal([]));
    await node.kubectl(['get', 'autoroute/example', '-n', 'apps']);
    await helm(['install', NAME, chart, ...image(1), '--wait', '--timeout', '90s'], helm3);
    await node.kubectl(['delete', 'virtualservices.networking.istio.io/one.example', '-n', 'apps']);
    await until('the route is back', SOON_MS, () => node.kubectl(['get', 'virtualservices.networking.istio.io/one.example', '-n', 'apps']));
  });

  it('the same with Helm 3: test, upgrade, uninstall', async () => {
    expect(await helm(['test', NAME, '--logs', '--timeout', '60s'], helm3)).to.contain('ready, with every right');
    await helm(['upgrade', NAME, chart, ...image(2), '--wait', '--timeout', '90s'], helm3);
    expect((await pods()).map(({ spec }) => spec.containers[0]?.image)).to.deep.equal([second.reference]);
    await helm(['uninstall', NAME, '--wait'], helm3);
  });
});

/** A Deployment whose Pods do nothing: no registry is here. */
function paused(object: object): object {
  const copy = structuredClone(object) as { spec: { replicas?: number } };
  copy.spec.replicas = 0;
  return copy;
}
