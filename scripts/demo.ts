/**
 * The demo behind `npm start`: scaffolds the AutoRoute example, runs its operator against an
 * in-memory cluster, and prints each object that the operator writes.
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
  ObjectKey,
  Operator,
  OperatorEvent,
  ResourceType,
  Scheduler,
} from '../runtime/src/internal.ts';
import { keyString, startOperator } from '../runtime/src/internal.ts';
import { Cluster } from '../sandbox/src/index.ts';
import { root } from './build.ts';

/** Number of writes of the operator, by action. */
export type WriteCounts = Readonly<
  Record<Extract<OperatorEvent, { type: 'output' }>['action'], number>
>;

/** A demo whose steps are done and whose operator still runs. */
export interface DemoResult {
  /** Folder of the scaffolded project. The demo does not delete it. */
  readonly dir: string;
  /** The in-memory cluster that the operator runs against. */
  readonly cluster: Cluster;
  readonly counts: WriteCounts;
  /** Stops the operator. */
  stop(): Promise<void>;
}

const NAMESPACE = 'default';
const AUTOROUTE = 'example';
/** Longest wait for one step, in milliseconds. */
const TIMEOUT_MS = 10_000;
const SYMBOLS = { created: '+', updated: '~', pruned: '-', edited: '~', restored: '~' } as const;
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Runs all steps of the demo.
 *
 * @param print receives one line at a time, when the event happens
 * @throws Error when a step takes longer than 10 s
 */
export async function runDemo(print: (line: string) => void): Promise<DemoResult> {
  const dir = mkdtempSync(join(tmpdir(), 'autopilot-autoroute-'));
  const started = systemClock.monotonic();
  const log = (line: string): void =>
    print(`${((systemClock.monotonic() - started) / 1000).toFixed(2).padStart(6)} s  ${line}`);
  try {
    log(`yo autopilot --example autoroute   ->  ${dir}`);
    const { plan } = await scaffold({ dir, example: 'autoroute', runtime: 'registry' });
    symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'), 'junction');
    log(`${plan.changes.length} files: state machine, typed workers, scheduler, Helm chart`);
    const demo = await Demo.start(dir, log);
    await demo.runSteps();
    return demo;
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

class Demo implements DemoResult {
  readonly dir: string;
  readonly cluster = new Cluster({ clock: systemClock });
  readonly counts = { created: 0, updated: 0, pruned: 0, edited: 0, restored: 0 };
  readonly #operator: Operator;
  readonly #log: (line: string) => void;

  private constructor(dir: string, scheduler: Scheduler, log: (line: string) => void) {
    this.dir = dir;
    this.#log = log;
    this.#operator = startOperator({
      scheduler,
      api: this.cluster.api,
      clock: systemClock,
      random: systemRandom,
      log: silent,
      onEvent: (event) => this.#printEvent(event),
    });
  }

  /** Loads the project in `dir` and starts its operator. */
  static async start(dir: string, log: (line: string) => void): Promise<Demo> {
    const generated = (file: string): string =>
      pathToFileURL(join(dir, 'src/generated', file)).href;
    const { scheduler } = (await import(generated('scheduler.ts'))) as { scheduler: Scheduler };
    const { default: crd } = (await import(generated('crd.json'), {
      with: { type: 'json' },
    })) as { default: KubeObject };
    const demo = new Demo(dir, scheduler, log);
    await demo.#create(crd);
    log('an in-memory cluster with the CustomResourceDefinitions of AutoRoute and of Istio');
    await demo.#operator.ready;
    log(`the operator runs; phases: ${scheduler.phases.map(({ name }) => name).join(', ')}`);
    return demo;
  }

  async runSteps(): Promise<void> {
    const { api } = this.cluster;
    const key = (name: string): ObjectKey => ({ namespace: NAMESPACE, name });
    const typeOf = (kind: string): ResourceType => this.cluster.typeNamed(kind);

    this.#log('three Deployments, and one AutoRoute that selects them by a label');
    for (const name of ['web', 'api', 'shop']) {
      await this.#create(deployment(name));
    }
    await this.#create(autoRoute());
    await this.#untilRouted(['api', 'shop', 'web']);

    this.#log('a fourth Deployment is created');
    await this.#create(deployment('search'));
    await this.#untilRouted(['api', 'search', 'shop', 'web']);

    this.#log('one Deployment is deleted: its Service and its VirtualService are pruned');
    await api.delete(typeOf('Deployment'), key('api'));
    await this.#untilRouted(['search', 'shop', 'web']);

    this.#log('a VirtualService is deleted by hand: the operator creates it again');
    await api.delete(typeOf('VirtualService'), key('web.example'));
    await this.#untilRouted(['search', 'shop', 'web']);

    this.#log('a Service is changed by hand: the operator repairs it');
    const change = { spec: { selector: { app: 'another' } } };
    await api.patch(typeOf('Service'), key('web'), { type: 'merge', body: change });
    await this.#untilRouted(['search', 'shop', 'web']);
    this.#log('nothing is left to do');
  }

  stop(): Promise<void> {
    return this.#operator.stop();
  }

  async #create(object: KubeObject): Promise<void> {
    const type = this.cluster.typeOf(object);
    await this.cluster.api.create(type, object, { fieldManager: 'npm-start' });
  }

  #printEvent(event: OperatorEvent): void {
    if (event.type === 'reconcileFailed') {
      this.#log(`  ! ${keyString(event.resource)} in ${event.phase}: ${event.message}`);
    } else if (event.type === 'output') {
      this.counts[event.action]++;
      this.#log(`    ${SYMBOLS[event.action]} ${event.kind} ${event.object.name}`);
    }
  }

  /**
   * Waits until the AutoRoute is Ready with routes to exactly these Deployments and the operator
   * has nothing left to do. Prints the AutoRoute's phase and condition.
   */
  async #untilRouted(deployments: readonly string[]): Promise<void> {
    const end = systemClock.monotonic() + TIMEOUT_MS;
    for (;;) {
      const { phase, ready } = await this.#readStatus();
      const message = `${deployments.length} routed`;
      const isReady = ready?.status === 'True' && ready.message === message;
      if (isReady && this.#operator.pendingCount() === 0 && (await this.#hasRoutes(deployments))) {
        this.#log(`  AutoRoute ${NAMESPACE}/${AUTOROUTE}: ${phase}, Ready, ${message}`);
        return;
      }
      if (systemClock.monotonic() > end) {
        const reason = `the AutoRoute is in phase ${phase}: ${ready?.message}`;
        throw new Error(
          `no routes to ${deployments.join(', ')} after ${TIMEOUT_MS / 1000} s; ${reason}`,
        );
      }
      await nextTurn();
    }
  }

  async #readStatus(): Promise<{ phase?: string; ready?: Condition }> {
    const type = this.cluster.typeOf(autoRoute());
    const { status } = await this.cluster.api.get(type, { namespace: NAMESPACE, name: AUTOROUTE });
    const { phase, conditions = [] } = (status ?? {}) as {
      phase?: string;
      conditions?: readonly Condition[];
    };
    const ready = conditions.find(({ type: condition }) => condition === 'Ready');
    return { ...(phase !== undefined && { phase }), ...(ready !== undefined && { ready }) };
  }

  async #hasRoutes(deployments: readonly string[]): Promise<boolean> {
    const list = async (kind: string): Promise<readonly KubeObject[]> => {
      const type = this.cluster.typeNamed(kind);
      return (await this.cluster.api.list(type, { namespace: NAMESPACE })).items;
    };
    const [services, routes] = [await list('Service'), await list('VirtualService')];
    const names = (objects: readonly KubeObject[]): string =>
      objects.map(({ metadata }) => metadata.name).join();
    const selectsItsPods = ({ metadata, spec }: KubeObject): boolean =>
      (spec as { selector?: { app?: string } } | undefined)?.selector?.app === metadata.name;
    return (
      names(services) === deployments.join() &&
      names(routes) === deployments.map((name) => `${name}.${AUTOROUTE}`).join() &&
      services.every(selectsItsPods)
    );
  }
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message: string;
}

function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}

function autoRoute(): KubeObject {
  return {
    apiVersion: 'examples.io/v1',
    kind: 'AutoRoute',
    metadata: { name: AUTOROUTE, namespace: NAMESPACE },
    spec: { deploymentSelector: { matchLabels: { 'app-group': 'httpbin' } } },
  };
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
