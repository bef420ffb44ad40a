import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { scaffold } from '../../generators/lib/index.ts';
import { packageRoot } from '../../generators/lib/util/package-root.ts';
import { deployment } from '../../examples/autoroute/test/deployments.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, until } from '../realparts/index.ts';
import type { OperatorProcess } from './operator-process.ts';
import { startProcess } from './operator-process.ts';

const NAMESPACE = 'operators';

describe('replicas of AutoRoute as processes on a real API server, with the RBAC rules of its chart', () => {
  let plane: ControlPlane;
  let dir: string;
  let kubeconfig: string;
  const running = new Map<string, OperatorProcess>();

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-election-'));
    await scaffold({ dir, example: 'autoroute', runtime: 'registry' });
    symlinkSync(join(packageRoot, 'node_modules'), join(dir, 'node_modules'));
    plane = await controlPlane();
    await plane.installIstioCrds();
    for (const namespace of [NAMESPACE, 'apps']) {
      await plane.kubectl(['create', 'namespace', namespace]);
    }
    await plane.helm([
      'install',
      'autoroute-operator',
      join(dir, 'charts/autoroute-operator'),
      '-n',
      NAMESPACE,
    ]);
    kubeconfig = await plane.tokenKubeconfig(NAMESPACE, 'autoroute-operator');
    await plane.kubectl(['apply', '-n', 'apps', '-f', join(dir, 'examples/autoroute.yaml')]);
  });
  after(async () => {
    for (const operator of running.values()) {
      operator.kill('SIGKILL');
    }
    await plane?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function start(pod: string): Promise<OperatorProcess> {
    const operator = await startProcess(dir, { kubeconfig, namespace: NAMESPACE, pod });
    running.set(pod, operator);
    return operator;
  }
  const holder = async (): Promise<string> => {
    const name = await plane.kubectl([
      'get',
      'leases',
      '-n',
      NAMESPACE,
      '-o',
      'jsonpath={.items[*].spec.holderIdentity}',
    ]);
    return name.replace(/_[0-9a-f]{8}$/, '');
  };
  const held = (pod: string, within = 30_000): Promise<unknown> =>
    until(`${pod} holds the lease`, within, async () => expect(await holder()).to.equal(pod));
  const routed = async (name: string, within = 30_000): Promise<void> => {
    await plane.kubectl(['create', '-n', 'apps', '-f', '-'], {
      input: JSON.stringify(deployment(name)),
    });
    await until(`there is a Service ${name}`, within, () =>
      plane.kubectl(['get', 'service', name, '-n', 'apps']),
    );
  };
  /** Wall-clock time of a log line, in milliseconds since 1970. */
  const saidAt = (pod: string, message: string): number => {
    const line = running
      .get(pod)
      ?.logs()
      .split('\n')
      .find((text) => text.includes(`"message":"${message}"`));
    return Date.parse((JSON.parse(line ?? '{}') as { time: string }).time);
  };

  // @promise endpoints/standby-ready
  it('one replica leads; the other one is ready too and logs the holder of the lease', async () => {
    await start('a');
    await held('a');
    await start('b');
    await routed('one');
    expect(running.get('b')?.logs()).to.match(
      /another replica holds the lease; standing by.*"holder":"a_[0-9a-f]{8}"/,
    );
    const metrics = await (await fetch(`${running.get('b')?.endpoints}/metrics`)).text();
    expect(metrics).to.match(/^leader_election_master_status\{name="autoroute-operator"\} 0$/m);
    expect(metrics).to.match(
      /^autopilot_cached_objects\{controller="autoroute",kind="Service"\} [1-9]/m,
    );
    expect(metrics).to.match(
      /^rest_client_requests_total\{code="200",method="GET",host="127.0.0.1:\d+"\} \d+$/m,
    );
  });

  // @promise election/lease
  it('the standby takes over at once after a clean stop and continues the work', async () => {
    expect(await running.get('a')?.stop()).to.equal(0);
    const stopped = saidAt('a', 'stopped');
    await held('b');
    expect(saidAt('b', 'lease acquired') - stopped).to.be.lessThan(2_000);
    await routed('two');
  });

  // @promise election/lease
  it('the standby takes over within the lease duration after a crash', async () => {
    await start('c');
    running.get('b')?.kill('SIGKILL');
    const killed = Date.now();
    expect(await running.get('b')?.ended).to.equal(undefined);
    await held('c');
    // The lease duration starts at the last renewal. The standby may have read it up to two seconds
    // before the crash.
    expect(saidAt('c', 'lease acquired') - killed).to.be.within(10_000, 18_000);
    await routed('three');
  });

  // @promise election/frozen-leader
  it('a leader that was frozen past its lease writes nothing when it resumes, and ends with exit code 1', async () => {
    await start('d');
    running.get('c')?.kill('SIGSTOP');
    await held('d');
    await routed('four');
    await plane.kubectl(['delete', 'deployment', 'one', '-n', 'apps']);
    await until('the Service one is gone', 30_000, async () => {
      expect(await plane.kubectl(['get', 'services', '-n', 'apps', '-o', 'name'])).to.not.contain(
        'service/one\n',
      );
    });
    running.get('c')?.kill('SIGCONT');
    expect(await running.get('c')?.ended).to.equal(1);
    expect(running.get('c')?.logs()).to.contain('lease lost; no further writes');
    expect(await holder()).to.equal('d');
    expect(await plane.kubectl(['get', 'services', '-n', 'apps', '-o', 'name'])).to.not.contain(
      'service/one\n',
    );
  });
});
