/**
 * Replicas of the operator as processes. Each process has a name and a proxy address of its own. A
 * process that ends is started again, as a Deployment does.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readFileSync, writeFileSync } from 'node:fs';
import type { OperatorProcess } from '../e2e/operator-process.ts';
import { startProcess } from '../e2e/operator-process.ts';
import { freePorts } from '../realparts/index.ts';
import type { ProcessLog } from './audit-checks.ts';
import type { FaultyProxy } from './faulty-proxy.ts';

const PROCESS_PRELOAD = join(import.meta.dirname, 'process-preload.ts');
const RETRY_MS = 500;

export interface MemoryUse {
  readonly heapMb: number;
  /** Resident, without the pages of files, as Node's own binary, which a node shares. */
  readonly ownMb: number;
  readonly rssMb: number;
  /** The most that was resident since the process began. */
  readonly peakMb: number;
}

/** Numbers of lists, from the metrics of the running processes. */
export interface ListCounts {
  /** Lists after the first one of each kind. */
  readonly again: number;
  /** Changes that a list found and a watch should have reported. */
  readonly missed: number;
}

export interface Replica {
  readonly slot: string;
  /** Name of the process, for example `a3`. */
  readonly name: string;
  readonly process: OperatorProcess;
  /** Time at which the process was killed, frozen or ended. */
  stopped?: number;
}

export interface ReplicaOptions {
  readonly project: string;
  readonly namespace: string;
  readonly way: FaultyProxy;
  /** Read for each request. */
  readonly tokenFile: string;
}

/** What the project's Dockerfile gives to Node. */
function optionsOfImage(project: string): string {
  const [, options] =
    /NODE_OPTIONS="([^"]*)"/.exec(readFileSync(join(project, 'Dockerfile'), 'utf8')) ?? [];
  if (options === undefined) {
    throw new Error('the Dockerfile says nothing of NODE_OPTIONS');
  }
  return options;
}

/** Microseconds, by the clock that all processes of this machine share. */
export const machineTimeMs = (): number => Number(process.hrtime.bigint() / 1000n);

export class Replicas {
  readonly #options: ReplicaOptions;
  readonly #now = new Map<string, Replica>();
  readonly #all: Replica[] = [];
  #ending = false;

  constructor(ports: ReplicaOptions) {
    this.#options = ports;
  }

  /**
   * Starts a replica and waits until it is ready; it is started again whenever it ends. @param
   * skewMs how wrong its clock is
   */
  async start(slot: string, skewMs = 0): Promise<void> {
    const { way, project, namespace, tokenFile } = this.#options;
    const name = `${slot}${this.#all.filter((one) => one.slot === slot).length}`;
    const kubeconfig = join(project, `${name}.kubeconfig`);
    writeFileSync(kubeconfig, kubeconfigText(await way.open(name), tokenFile));
    const [port = 0] = await freePorts(1);
    const process = await startProcess(project, {
      kubeconfig,
      namespace,
      port,
      pod: name,
      node: ['--import', PROCESS_PRELOAD],
      env: {
        AUTOPILOT_SKEW_MS: String(skewMs),
        NODE_OPTIONS: optionsOfImage(project),
        NODE_COMPILE_CACHE: join(project, '.compiled'),
      },
      readyWithinMs: 0,
    });
    const replica: Replica = { slot, name, process };
    this.#now.set(slot, replica);
    this.#all.push(replica);
    void process.ended.then(async () => {
      replica.stopped ??= machineTimeMs();
      await pause(RETRY_MS);
      if (!this.#ending && this.#now.get(slot) === replica) {
        await this.start(slot, skewMs);
      }
    });
  }

  get(slot: string): Replica {
    const replica = this.#now.get(slot);
    if (replica === undefined) {
      throw new Error(`there is no replica ${slot}`);
    }
    return replica;
  }

  get slots(): readonly string[] {
    return [...this.#now.keys()];
  }

  signal(slot: string, signal: NodeJS.Signals): Replica {
    const replica = this.get(slot);
    if (signal === 'SIGKILL' || signal === 'SIGSTOP') {
      replica.stopped ??= machineTimeMs();
    }
    replica.process.kill(signal);
    return replica;
  }

  /** Ends one for good (SIGTERM). */
  async stop(slot: string): Promise<void> {
    const replica = this.get(slot);
    this.#now.delete(slot);
    await replica.process.stop();
  }

  /**
   * After garbage collection; undefined when it is not ready, or does not answer within ten
   * seconds.
   */
  async memory(slot: string): Promise<MemoryUse | undefined> {
    const { process } = this.get(slot);
    const lines = (): readonly string[] =>
      process
        .logs()
        .split('\n')
        .filter((line) => line.startsWith('{"message":"memory"'));
    // Before it has started, the signal would end it.
    const ready = await fetch(`${process.endpoints}/readyz`).catch(() => undefined);
    if (ready?.ok !== true) {
      return undefined;
    }
    const before = lines().length;
    process.kill('SIGUSR2');
    for (let times = 0; times < 100; times++) {
      const found = lines();
      if (found.length > before) {
        return JSON.parse(found.at(-1) ?? '') as MemoryUse;
      }
      await pause(100);
    }
    return undefined;
  }

  /** The sum over all processes that respond. */
  async lists(): Promise<ListCounts> {
    const texts = await Promise.all(
      [...this.#now.values()].map(({ process }) =>
        fetch(`${process.endpoints}/metrics`).then(
          (response) => response.text(),
          () => '',
        ),
      ),
    );
    const sum = (name: string): number =>
      texts
        .flatMap((text) => [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'gm'))])
        .reduce((all, [, count]) => all + Number(count), 0);
    return { again: sum('autopilot_relists_total'), missed: sum('autopilot_relist_missed_total') };
  }

  processLogs(): readonly ProcessLog[] {
    return this.#all.map(({ name, process, stopped }) => ({
      name,
      logs: process.logs(),
      ...(stopped !== undefined && { stopped }),
    }));
  }

  async end(): Promise<void> {
    this.#ending = true;
    for (const { process } of this.#now.values()) {
      process.kill('SIGKILL');
    }
    await Promise.all([...this.#now.values()].map(({ process }) => process.ended));
  }
}

function kubeconfigText(server: string, tokenFile: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: { tokenFile } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}
