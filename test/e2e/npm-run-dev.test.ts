import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { expect } from 'chai';
import { scaffold } from '../../generators/lib/index.ts';
import { packageRoot } from '../../generators/lib/util/package-root.ts';
import { deployment } from '../../examples/autoroute/test/deployments.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, until } from '../realparts/index.ts';
import { tool } from '../realparts/parts.ts';
import type { OperatorProcess } from './operator-process.ts';
import { startProcess } from './operator-process.ts';

const NAME = 'autoroute-operator';

describe('npm run dev beside an operator that is installed for some namespaces', () => {
  let plane: ControlPlane;
  let dir: string;
  const running: OperatorProcess[] = [];

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-dev-'));
    await scaffold({ dir, example: 'autoroute', runtime: 'registry' });
    symlinkSync(join(packageRoot, 'node_modules'), join(dir, 'node_modules'));
    plane = await controlPlane();
    await plane.installIstioCrds();
    for (const namespace of [NAME, 'apps']) {
      await plane.kubectl(['create', 'namespace', namespace]);
    }
    await plane.helm([
      'install',
      NAME,
      join(dir, 'charts', NAME),
      '-n',
      NAME,
      '--set-json',
      'watchNamespaces=["apps"]',
    ]);
    await plane.kubectl(['apply', '-n', 'apps', '-f', join(dir, 'examples/autoroute.yaml')]);
  });
  after(async () => {
    for (const operator of running) {
      operator.kill('SIGKILL');
    }
    await plane?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Starts the installed operator as a process with the environment that the chart sets. */
  async function installed(pod: string): Promise<OperatorProcess> {
    const kubeconfig = await plane.tokenKubeconfig(NAME, NAME);
    const env = await plane.kubectl([
      'get',
      'deployment',
      NAME,
      '-n',
      NAME,
      '-o',
      'jsonpath={..env[?(@.name=="WATCH_NAMESPACE")].value}',
    ]);
    const operator = await startProcess(dir, {
      kubeconfig,
      namespace: NAME,
      pod,
      watchNamespaces: env,
    });
    running.push(operator);
    return operator;
  }
  /** Runs `npm run dev` for a user with kubectl and a kubeconfig, without namespace settings. */
  async function dev(env: Readonly<Record<string, string>> = {}): Promise<OperatorProcess> {
    const path = [dirname(await tool('kubectl')), process.env['PATH']].join(delimiter);
    const person = { PATH: path, POD_NAMESPACE: undefined, WATCH_NAMESPACE: undefined, ...env };
    const script = ['scripts/operator.ts', 'dev'];
    const operator = await startProcess(dir, {
      kubeconfig: plane.kubeconfig,
      namespace: '',
      pod: 'laptop',
      script,
      env: person,
    });
    running.push(operator);
    return operator;
  }
  const leases = async (): Promise<readonly string[]> => {
    const holders = await plane.kubectl([
      'get',
      'leases',
      '-n',
      NAME,
      '-o',
      'jsonpath={.items[*].spec.holderIdentity}',
    ]);
    return holders.split(' ').map((holder) => holder.replace(/_[0-9a-f]{8}$/, ''));
  };
  const routed = async (name: string): Promise<void> => {
    await plane.kubectl(['create', '-n', 'apps', '-f', '-'], {
      input: JSON.stringify(deployment(name)),
    });
    await until(`there is a Service ${name}`, 30_000, () =>
      plane.kubectl(['get', 'service', name, '-n', 'apps']),
    );
  };

  // @promise election/dev-lease
  it('shares the lease, logs its holder and how to get it, and leads when the Pod has stopped', async () => {
    const pod = await installed('pod');
    await routed('one');
    const laptop = await dev();
    expect(laptop.logs()).to.contain(
      `${NAME} is installed in namespace ${NAME} for apps: this process shares its lease`,
    );
    expect(laptop.logs()).to.contain(
      `to make this process the leader: kubectl scale deployment ${NAME} --namespace ${NAME} --replicas 0`,
    );
    expect(laptop.logs()).to.match(
      /another replica holds the lease; standing by.*"holder":"pod_[0-9a-f]{8}"/,
    );
    await routed('two');
    expect(laptop.logs()).to.not.contain('"message":"transition"');
    expect(await leases()).to.deep.equal(['pod']);
    expect(await pod.stop()).to.equal(0);
    await until('dev holds the lease', 30_000, async () =>
      expect(await leases()).to.deep.equal(['laptop']),
    );
    await routed('three');
  });

  // @promise election/dev-lease
  it('releases the lease on Ctrl-C; the installed standby takes over', async () => {
    const [, laptop] = running;
    const pod = await installed('pod-2');
    expect(pod.logs()).to.match(
      /another replica holds the lease; standing by.*"holder":"laptop_[0-9a-f]{8}"/,
    );
    laptop?.kill('SIGINT');
    expect(await laptop?.ended).to.equal(0);
    await until('the installed operator holds the lease', 30_000, async () =>
      expect(await leases()).to.deep.equal(['pod-2']),
    );
    await routed('four');
  });

  it('warns that the leases differ when WATCH_NAMESPACE differs', async () => {
    const elsewhere = await dev({ WATCH_NAMESPACE: 'default' });
    expect(elsewhere.logs()).to.contain(
      `WATCH_NAMESPACE is 'default', but 'apps' for ${NAME}: the two have different leases`,
    );
    await until('each replica has a lease', 30_000, async () =>
      expect(await leases()).to.have.members(['pod-2', 'laptop']),
    );
  });
});
