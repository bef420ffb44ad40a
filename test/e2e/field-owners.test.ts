import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { generateProject } from '../../generators/lib/index.ts';
import { packageRoot } from '../../generators/lib/util/package-root.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, until } from '../realparts/index.ts';
import type { OperatorProcess } from './operator-process.ts';
import { startProcess } from './operator-process.ts';

const OPERATOR = 'outage-operator';
const OPERATORS = 'operators';
const SOON_MS = 30_000;

/** Delays the requests of a route and scales a Deployment down, both of a team. */
const PROJECT = `
kind: Outage
apiVersion: outages.autopilot.test/v1
operatorName: ${OPERATOR}
phases:
  - name: Injecting
    initial: true
    ready: true
    inputs: [virtualservices, deployments]
    outputs: [{ name: virtualservices, prune: true }, { name: deployments, prune: true }]
`;
const WORKER = `
import { claimFields } from 'autopilot-runtime';
import { withFault } from 'autopilot-runtime/mesh';
import type { Context, Result } from '../generated/injecting.ts';

export function sync({ inputs }: Context): Result {
  const route = inputs.virtualservices.require('ratings');
  const target = inputs.deployments.require('ratings');
  return {
    next: 'Injecting',
    outputs: {
      virtualservices: [withFault(route, 'all', { delay: { percent: 10, fixed: '5s' } })],
      deployments: [claimFields(target, [{ path: ['spec', 'replicas'], value: 0 }])],
    },
  };
}
`;

/** What the team wants. */
interface Wish {
  readonly timeout: string;
  readonly replicas: number;
}

/** The objects of the team. */
function manifests({ timeout, replicas }: Wish | Record<keyof Wish, string>): readonly object[] {
  const labels = { app: 'ratings' };
  return [
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'ratings' },
      spec: {
        hosts: ['ratings'],
        http: [{ name: 'all', timeout, route: [{ destination: { host: 'ratings' } }] }],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'ratings' },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: 'ratings', image: 'ratings:1' }] },
        },
      },
    },
  ];
}

interface Seen {
  readonly metadata: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields: readonly { readonly manager: string }[];
  };
}
interface SeenRoute extends Seen {
  readonly spec: {
    readonly http: readonly { readonly timeout: string; readonly fault?: object }[];
  };
}
interface SeenDeployment extends Seen {
  readonly spec: { readonly replicas: number };
}

describe('field claims of an operator process in the objects of a team', () => {
  let plane: ControlPlane;
  let operator: OperatorProcess;
  let folder: string;
  let project: string;
  let chart: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-owners-'));
    project = join(folder, 'outage');
    chart = join(folder, 'team');
    const seed = [
      { path: 'src/workers/injecting.ts', content: WORKER, ownership: 'user-owned' as const },
    ];
    mkdirSync(project);
    await generateProject(project, { projectText: PROJECT, seed, runtime: 'registry' });
    symlinkSync(join(packageRoot, 'node_modules'), join(project, 'node_modules'));
    mkdirSync(join(chart, 'templates'), { recursive: true });
    writeFileSync(
      join(chart, 'Chart.yaml'),
      stringify({ apiVersion: 'v1', name: 'team', version: '0.1.0' }),
    );
    const values = { timeout: '{{ .Values.timeout }}', replicas: '{{ .Values.replicas }}' };
    writeFileSync(
      join(chart, 'templates/ratings.yaml'),
      manifests(values)
        .map((object) => stringify(object).replace(/replicas: "(.*)"/, 'replicas: $1'))
        .join('---\n'),
    );
    plane = await controlPlane();
    await plane.installIstioCrds();
    await plane.kubectl(['create', 'namespace', OPERATORS]);
    await plane.helm(['install', OPERATOR, join(project, 'charts', OPERATOR), '-n', OPERATORS]);
    await start();
  });
  after(async () => {
    await operator?.stop();
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    const kubeconfig = await plane.tokenKubeconfig(OPERATORS, OPERATOR);
    operator = await startProcess(project, { kubeconfig, namespace: OPERATORS });
  }

  const helm =
    (major: 3 | 4) =>
    async (namespace: string, { timeout, replicas }: Wish): Promise<void> => {
      const values = ['--set', `timeout=${timeout},replicas=${replicas}`];
      const args = ['upgrade', '--install', 'team', chart, '-n', namespace, ...values];
      await plane.helm(args, { major });
    };
  const kubectl =
    (...options: readonly string[]) =>
    async (namespace: string, wish: Wish): Promise<void> => {
      const input = manifests(wish)
        .map((object) => stringify(object))
        .join('---\n');
      await plane.kubectl(['apply', ...options, '-n', namespace, '-f', '-'], { input });
    };
  const owners: Readonly<Record<string, (namespace: string, wish: Wish) => Promise<void>>> = {
    'Helm 4': helm(4),
    'Helm 3': helm(3),
    'kubectl apply --server-side': kubectl('--server-side'),
    'kubectl apply': kubectl(),
  };

  const get = async <T>(namespace: string, kind: string): Promise<T> =>
    JSON.parse(
      await plane.kubectl([
        'get',
        kind,
        'ratings',
        '-n',
        namespace,
        '-o',
        'json',
        '--show-managed-fields',
      ]),
    ) as T;
  const objects = async (namespace: string) => {
    const route = await get<SeenRoute>(namespace, 'virtualservice');
    const deployment = await get<SeenDeployment>(namespace, 'deployment');
    return { route, deployment };
  };
  /** What the objects say: the timeout, whether there is a fault, and the replicas. */
  const state = async (namespace: string): Promise<string> => {
    const { route, deployment } = await objects(namespace);
    const [all] = route.spec.http;
    const fault = all?.fault === undefined ? 'no fault' : 'a fault';
    return `${all?.timeout}, ${fault}, ${deployment.spec.replicas} replicas`;
  };
  const eventually = (namespace: string, expected: string): Promise<void> =>
    until(expected, SOON_MS, async () => {
      const found = await state(namespace);
      if (found !== expected) {
        throw new Error(`${found}\n${operator.logs()}`);
      }
    });
  /** Managers of the fields that are claimed, without their other fields. */
  const traces = async (namespace: string): Promise<readonly string[]> => {
    const { route, deployment } = await objects(namespace);
    return [route, deployment].flatMap(({ metadata }) => [
      ...Object.keys(metadata.annotations ?? {}).filter((name) => name.includes('field-claims')),
      ...metadata.managedFields.map(({ manager }) => manager).filter((name) => name === OPERATOR),
    ]);
  };
  const inject = (namespace: string): Promise<string> =>
    plane.kubectl(['apply', '--server-side', '-n', namespace, '-f', '-'], {
      input: stringify({
        apiVersion: 'outages.autopilot.test/v1',
        kind: 'Outage',
        metadata: { name: 'slow' },
        spec: {},
      }),
    });
  const end = (namespace: string): Promise<string> =>
    plane.kubectl(['delete', 'outage', 'slow', '-n', namespace, '--timeout=30s']);

  for (const [index, [owner, apply]] of Object.entries(owners).entries()) {
    // @promise outputs/ownership-stays
    it(`let the team apply by ${owner} at any time, and leave nothing behind`, async () => {
      const namespace = `team-${index}`;
      await plane.kubectl(['create', 'namespace', namespace]);
      await apply(namespace, { timeout: '1s', replicas: 3 });
      await inject(namespace);
      await eventually(namespace, '1s, a fault, 0 replicas');
      await apply(namespace, { timeout: '2s', replicas: 3 });
      await eventually(namespace, '2s, a fault, 0 replicas');
      await apply(namespace, { timeout: '2s', replicas: 10 });
      await eventually(namespace, '2s, a fault, 0 replicas');
      await end(namespace);
      expect(await state(namespace)).to.equal('2s, no fault, 10 replicas');
      expect(await traces(namespace)).to.deep.equal([]);
      await apply(namespace, { timeout: '3s', replicas: 4 });
      expect(await state(namespace)).to.equal('3s, no fault, 4 replicas');
    });
  }

  // @promise outputs/newest-original
  it('are given back by the next process after a SIGKILL, with what the team wrote meanwhile', async () => {
    const namespace = 'killed';
    await plane.kubectl(['create', 'namespace', namespace]);
    const apply = helm(4);
    await apply(namespace, { timeout: '1s', replicas: 3 });
    await inject(namespace);
    await until('the claim', SOON_MS, async () =>
      expect(await traces(namespace)).to.not.deep.equal([]),
    );
    operator.kill('SIGKILL');
    await operator.ended;
    await plane.kubectl(['scale', 'deployment/ratings', '--replicas=7', '-n', namespace]);
    await start();
    await eventually(namespace, '1s, a fault, 0 replicas');
    await end(namespace);
    expect(await state(namespace)).to.equal('1s, no fault, 7 replicas');
    expect(await traces(namespace)).to.deep.equal([]);
  });
});
