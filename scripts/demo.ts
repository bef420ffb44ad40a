/**
 * The first flight: AutoRoute scaffolded by the real generators, flown in the sandbox, told line by
 * line.
 */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { scaffold } from '../generators/lib/index.ts';
import { systemClock, systemRandom } from '../runtime/src/util/clock.ts';
import type {
  KubeObject,
  Logger,
  Operator,
  OperatorEvent,
  Scheduler,
} from '../runtime/src/internal.ts';
import { keyString, startOperator } from '../runtime/src/internal.ts';
import { Cluster } from '../sandbox/src/index.ts';
import { root } from './build.ts';

export interface DemoResult {
  /** The project that was made; it stays. */
  readonly dir: string;
  readonly cluster: Cluster;
  readonly counts: Readonly<
    Record<'transitions' | Extract<OperatorEvent, { type: 'output' }>['action'], number>
  >;
  stop(): Promise<void>;
}

const NAMESPACE = 'default';
const TIMEOUT_MS = 10_000;
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * @param say takes one line at a time, as things happen.
 * @throws Error when a step does not happen within ten seconds
 */
export async function runDemo(say: (line: string) => void): Promise<DemoResult> {
  const dir = mkdtempSync(join(tmpdir(), 'autopilot-autoroute-'));
  const started = systemClock.monotonic();
  const logLine = (line: string): void =>
    say(`${((systemClock.monotonic() - started) / 1000).toFixed(2).padStart(6)} s  ${line}`);
  try {
    logLine(`yo autopilot --example autoroute   ->  ${dir}`);
    const { plan } = await scaffold({ dir, example: 'autoroute', runtime: 'registry' });
    symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'), 'junction');
    logLine(`${plan.changes.length} files: state machine, typed workers, scheduler, Helm chart`);
    return await runAutoRoute(dir, logLine);
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

async function runAutoRoute(dir: string, logLine: (line: string) => void): Promise<DemoResult> {
  const { scheduler } = (await import(
    pathToFileURL(join(dir, 'src/generated/scheduler.ts')).href
  )) as { scheduler: Scheduler };
  const { default: crd } = (await import(pathToFileURL(join(dir, 'src/generated/crd.json')).href, {
    with: { type: 'json' },
  })) as { default: KubeObject };
  const counts = { transitions: 0, created: 0, updated: 0, pruned: 0, edited: 0, restored: 0 };
  const cluster = new Cluster({ clock: systemClock });
  const create = async (object: KubeObject): Promise<void> =>
    void (await cluster.api.create(cluster.typeOf(object), object, { fieldManager: 'npm-start' }));
  await create(crd);
  logLine('an in-memory cluster with the definitions of AutoRoute and of Istio');

  const onEvent = (event: OperatorEvent): void => {
    if (event.type === 'reconcileFailed') {
      logLine(`  ! ${keyString(event.resource)} in ${event.phase}: ${event.message}`);
    } else if (event.type === 'transition') {
      counts.transitions++;
      logLine(
        `  AutoRoute ${keyString(event.resource)}: ${event.from === '' ? 'new' : event.from} -> ${event.to}`,
      );
    } else if (event.type === 'output') {
      counts[event.action]++;
      logLine(
        `    ${event.action === 'pruned' ? '-' : event.action === 'created' ? '+' : '~'} ${event.kind} ${event.object.name}`,
      );
    }
  };
  const operator = startOperator({
    scheduler,
    api: cluster.api,
    clock: systemClock,
    random: systemRandom,
    log: silent,
    onEvent,
  });
  await operator.ready;
  logLine(`the operator runs: ${scheduler.phases.map(({ name }) => name).join(', ')}`);

  for (const name of ['web', 'api', 'shop']) {
    await create(deployment(name));
  }
  logLine('three Deployments, and one AutoRoute that selects them by a label');
  await create({
    apiVersion: 'examples.io/v1',
    kind: 'AutoRoute',
    metadata: { name: 'example', namespace: NAMESPACE },
    spec: { deploymentSelector: { matchLabels: { 'app-group': 'httpbin' } } },
  });
  await routed(cluster, operator, ['api', 'shop', 'web']);

  logLine('a fourth Deployment arrives');
  await create(deployment('search'));
  await routed(cluster, operator, ['api', 'search', 'shop', 'web']);

  logLine('one is removed: its Service and VirtualService have to go');
  await cluster.api.delete(cluster.typeNamed('Deployment'), { namespace: NAMESPACE, name: 'api' });
  await routed(cluster, operator, ['search', 'shop', 'web']);
  logLine('at rest');
  return { dir, cluster, counts, stop: () => operator.stop() };
}

/**
 * Waits until the AutoRoute is Ready with routes to exactly these Deployments, and nothing is left
 * to do.
 */
async function routed(
  cluster: Cluster,
  operator: Operator,
  deployments: readonly string[],
): Promise<void> {
  const end = systemClock.monotonic() + TIMEOUT_MS;
  const type = cluster.typeOf({ apiVersion: 'examples.io/v1', kind: 'AutoRoute' });
  const services = cluster.typeNamed('Service');
  for (;;) {
    const [{ items }, { status }] = await Promise.all([
      cluster.api.list(services, { namespace: NAMESPACE }),
      cluster.api.get(type, { namespace: NAMESPACE, name: 'example' }),
    ]);
    const { phase } = (status ?? {}) as { phase?: string };
    if (
      phase === 'Ready' &&
      operator.pendingCount() === 0 &&
      items.map(({ metadata }) => metadata.name).join() === deployments.join()
    ) {
      return;
    }
    if (systemClock.monotonic() > end) {
      throw new Error(
        `waited ${TIMEOUT_MS / 1000} s in vain for routes to ${deployments.join(', ')}; the AutoRoute is in ${phase}`,
      );
    }
    const tick = Promise.withResolvers<void>();
    setImmediate(tick.resolve);
    await tick.promise;
  }
}

function deployment(name: string): KubeObject {
  const labels = { app: name };
  const containers = [
    { name, image: `registry.example/${name}:1`, ports: [{ containerPort: 8080 }] },
  ];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: NAMESPACE, labels: { ...labels, 'app-group': 'httpbin' } },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}
