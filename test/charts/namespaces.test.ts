import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { deployment } from '../../examples/autoroute/test/deployments.ts';
import { packageRoot } from '../../generators/lib/util/package-root.ts';
import type { OperatorProcess } from '../e2e/operator-process.ts';
import { startProcess } from '../e2e/operator-process.ts';
import {
  afterConflict,
  EVENT_SERIES,
  EVENTS,
  expectLeastPrivilege,
  STANDBY,
} from '../e2e/least-privilege.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, freePorts, until } from '../realparts/index.ts';
import { at, chartOf, manifestsOf, renderText } from './rendering.ts';
import type { Chart } from './rendering.ts';

describe('two releases in namespaces of their own, by people who are administrators of nothing else', () => {
  let plane: ControlPlane;
  let chart: Chart;
  const operators: OperatorProcess[] = [];
  const teams = ['blue', 'green'] as const;
  const kubeconfigs = new Map<string, string>();

  before(async () => {
    chart = await chartOf({ example: 'autoroute' });
    symlinkSync(join(packageRoot, 'node_modules'), join(chart.project, 'node_modules'));
    plane = await controlPlane({ audit: true });
    await plane.installIstioCrds();
    const crd = await renderText(chart.path, {
      args: ['--show-only', 'templates/crds/autoroutes.yaml'],
    });
    await plane.kubectl(['apply', '--server-side', '-f', '-'], { input: crd });
    for (const team of teams) {
      await plane.kubectl(['create', 'namespace', team]);
      await plane.kubectl(['create', 'serviceaccount', 'admin', '-n', team]);
      await plane.kubectl([
        'create',
        'rolebinding',
        'admin',
        '-n',
        team,
        '--clusterrole=cluster-admin',
        `--serviceaccount=${team}:admin`,
      ]);
      kubeconfigs.set(team, await plane.tokenKubeconfig(team, 'admin'));
    }
  });
  after(async () => {
    for (const operator of operators) {
      await operator.stop();
    }
    await plane?.stop();
    chart?.remove();
  });

  const settings = (team: string): readonly string[] => [
    '-n',
    team,
    '--set',
    `watchNamespaces={${team}}`,
    '--set',
    'crds.enabled=false',
  ];
  const helm = (team: string, args: readonly string[], major: 3 | 4 = 4): Promise<string> =>
    plane.helm([...args, ...settings(team)], { major, kubeconfig: kubeconfigs.get(team) ?? '' });

  it('are refused what reaches beyond', async () => {
    const said = await plane
      .helm(['install', 'autoroute-operator', chart.path, '-n', 'blue'], {
        kubeconfig: kubeconfigs.get('blue') ?? '',
      })
      .then(
        () => 'no failure',
        (error: Error) => error.message,
      );
    expect(said).to.match(/forbidden/);
  });

  it('are installed side by side, one by Helm 3 and one by Helm 4', async () => {
    await helm('blue', ['install', 'autoroute-operator', chart.path], 3);
    await helm('green', ['install', 'autoroute-operator', chart.path]);
  });

  it('run at the same time, each in its own namespace', async () => {
    for (const team of teams) {
      const [port = 0] = await freePorts(1);
      const kubeconfig = await plane.tokenKubeconfig(team, 'autoroute-operator');
      operators.push(
        await startProcess(chart.project, {
          kubeconfig,
          namespace: team,
          port,
          watchNamespaces: team,
        }),
      );
      await plane.kubectl(['create', '-n', team, '-f', '-'], {
        input: JSON.stringify({
          ...deployment('one'),
          metadata: { ...deployment('one').metadata, namespace: team },
        }),
      });
      await plane.kubectl([
        'create',
        '-n',
        team,
        '-f',
        join(chart.project, 'examples/autoroute.yaml'),
      ]);
    }
    for (const team of teams) {
      await plane.kubectl([
        'wait',
        '-n',
        team,
        'autoroute/example',
        '--for=condition=Ready',
        '--timeout=30s',
      ]);
    }
    for (const team of teams) {
      await plane.kubectl(['delete', 'deployment', 'one', '-n', team]);
      await plane.kubectl(['wait', '-n', team, 'service/one', '--for=delete', '--timeout=30s']);
      await plane.kubectl([
        'wait',
        '-n',
        team,
        'autoroute/example',
        '--for=condition=Ready',
        '--timeout=30s',
      ]);
    }
  });

  // @promise lifecycle/roles-only
  it('use every right that they have, and are refused none', async () => {
    const written = afterConflict(
      'autoroutes.examples.io',
      'services',
      'virtualservices.networking.istio.io',
      'gateways.networking.istio.io',
    );
    const exempt = [...written, EVENT_SERIES, EVENTS, STANDBY];
    // The lease is renewed after two seconds only.
    for (const team of teams) {
      await until('every right was used', 10_000, () =>
        expectLeastPrivilege(plane, team, 'autoroute-operator', exempt),
      );
    }
  });

  describe('helm test', () => {
    /**
     * Runs the script of the test Pod, as its ServiceAccount, against a running operator.
     */
    async function tested(
      team: (typeof teams)[number],
    ): Promise<{ readonly exitCode?: number; readonly all: string }> {
      const [pod] = manifestsOf(
        await renderText(chart.path, {
          release: 'autoroute-operator',
          namespace: team,
          values: { watchNamespaces: [team], crds: { enabled: false } },
          args: ['--show-only', 'templates/tests/ready.yaml'],
        }),
      );
      const { args, env } = at(pod, 'spec.containers.0') as {
        args: readonly string[];
        env: readonly { name: string; value: string }[];
      };
      const kubeconfig = await plane.tokenKubeconfig(team, 'autoroute-operator');
      const { users } = JSON.parse(readFileSync(kubeconfig, 'utf8')) as {
        users: { user: { token: string } }[];
      };
      const token = join(chart.project, `${team}.token`);
      await execa('tee', [token], { input: users[0]?.user.token ?? '' });
      const { hostname, port } = new URL(plane.server);
      const { exitCode, all } = await execa(process.execPath, args, {
        reject: false,
        all: true,
        env: {
          ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
          READY: `${operators[teams.indexOf(team)]?.endpoints}/readyz?verbose`,
          NODE_EXTRA_CA_CERTS: '',
          NODE_TLS_REJECT_UNAUTHORIZED: '0',
          KUBERNETES_SERVICE_HOST: hostname,
          KUBERNETES_SERVICE_PORT: port,
          TOKEN_FILE: token,
        },
      });
      return { ...(exitCode === undefined ? {} : { exitCode }), all };
    }

    it('passes for an operator that is ready and has its permissions', async () => {
      const { exitCode, all } = await tested('blue');
      expect(all).to.contain('ready, with all permissions');
      expect(exitCode).to.equal(0);
    });

    it('names the permissions that are missing', async () => {
      await plane.kubectl(['delete', 'role', 'green:autoroute-operator', '-n', 'green']);
      const { exitCode, all } = await tested('green');
      expect(all).to.contain('patch virtualservices.networking.istio.io is not allowed in green');
      expect(exitCode).to.equal(1);
    });
  });

  it('creating by server-side apply needs create beside patch', async () => {
    await plane.kubectl(['create', 'serviceaccount', 'patcher', '-n', 'blue']);
    await plane.kubectl([
      'create',
      'role',
      'patcher',
      '-n',
      'blue',
      '--verb=patch',
      '--resource=services',
    ]);
    await plane.kubectl([
      'create',
      'rolebinding',
      'patcher',
      '-n',
      'blue',
      '--role=patcher',
      '--serviceaccount=blue:patcher',
    ]);
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'x', namespace: 'blue' },
      spec: { ports: [{ port: 80 }] },
    };
    const apply = (): Promise<string> =>
      plane
        .kubectl(['apply', '--server-side', '--as=system:serviceaccount:blue:patcher', '-f', '-'], {
          input: JSON.stringify(service),
        })
        .then(
          () => 'applied',
          (error: Error) => error.message,
        );
    expect(await apply()).to.contain('forbidden');
    await plane.kubectl([
      'create',
      'role',
      'creator',
      '-n',
      'blue',
      '--verb=create',
      '--resource=services',
    ]);
    await plane.kubectl([
      'create',
      'rolebinding',
      'creator',
      '-n',
      'blue',
      '--role=creator',
      '--serviceaccount=blue:patcher',
    ]);
    expect(await apply()).to.equal('applied');
  });
});
