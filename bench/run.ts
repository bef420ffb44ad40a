/**
 * npm run bench: compares the operator with bare writes on one real API server. With `--peer` also
 * with a controller of controller-runtime, which needs Go.
 * The contenders take turns in one run, because results of runs at different times cannot be
 * compared. Prints a table and the budget of docs/design.md.
 *
 *   --rounds 3     turns of each contender
 *   --runs 1500    resources; each makes four transitions
 *   --peer         also controller-runtime (builds it: a minute or more)
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import type { KubeApi } from '../runtime/src/internal.ts';
import { connect } from '../runtime/src/internal.ts';
import type { ControlPlane } from '../test/realparts/index.ts';
import { controlPlane, until } from '../test/realparts/index.ts';
import { build, root } from '../scripts/build.ts';
import { buildPeer } from './peers/index.ts';
import { CONFIG_MAPS, CRD, LAST, NAMESPACE, PHASES, resource, RUNS } from './workload.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    runs: { type: 'string', default: '1500' },
    peer: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const runs = Number(values.runs);
const folder = mkdtempSync(join(tmpdir(), 'autopilot-bench-'));
/** Options of node. The runtime is compiled and the workers are TypeScript, as in a project. */
const node = ['--disable-warning=ExperimentalWarning'];
/** Node options and compile cache of the generated image, for all Node processes. */
const [, NODE_OPTIONS = ''] =
  /NODE_OPTIONS="([^"]*)"/.exec(
    readFileSync(join(root, 'examples/autoroute/Dockerfile'), 'utf8'),
  ) ?? [];
const asImage = { NODE_OPTIONS, NODE_COMPILE_CACHE: join(folder, 'compiled') };

interface Result {
  readonly contender: string;
  readonly perSecond: number;
  /** CPU time of the contender's process per transition, in milliseconds. */
  readonly cpuMs: number;
  /** Reconciles per transition. Bare writes make two requests and do not reconcile: 0. */
  readonly reconciles: number;
  readonly writes: number;
}

build();
const plane = await controlPlane();
const connected = await connect({ kubeconfig: plane.kubeconfig });
const { api } = connected;
try {
  await plane.kubectl(['create', 'namespace', NAMESPACE]);
  await plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(CRD) });
  await plane.kubectl(['wait', '--for=condition=Established', `crd/${CRD.metadata.name}`]);
  const peer = values.peer ? await buildPeer() : undefined;
  const results: Result[] = [];
  for (let round = 0; round < rounds; round++) {
    results.push(
      await watchOnly(plane, 'bare writes'),
      await watchOnly(plane, 'bare writes and watches', '--watch'),
      await autopilotRun(plane),
    );
    if (peer !== undefined) {
      results.push(await controller(plane, peer));
    }
  }
  console.log(table(results));
  const idle = await memory(plane);
  console.log(
    `\nwith 2,000 resources and 4,000 outputs cached: ${idle.rssMb.toFixed(0)} MB resident; first transition ${idle.firstMs.toFixed(0)} ms after the start of the process`,
  );
} finally {
  await connected.close();
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function fill(count: number, outputs = 1): Promise<void> {
  const indexes = Array.from({ length: count }, (_, index) => index);
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      for (let index = indexes.pop(); index !== undefined; index = indexes.pop()) {
        await api.create(RUNS, resource(index, outputs));
      }
    }),
  );
}

async function clear(): Promise<void> {
  for (const plural of [RUNS.plural, CONFIG_MAPS.plural]) {
    await plane.kubectl(['delete', plural, '-n', NAMESPACE, '--all', '--wait=false']);
  }
  await until('the namespace is empty', 120_000, async () => {
    const left = await Promise.all(
      [RUNS, CONFIG_MAPS].map((type) => api.list(type, { namespace: NAMESPACE, limit: 5 })),
    );
    const names = left
      .flatMap(({ items }) => items.map(({ metadata }) => metadata.name))
      .filter((name) => name !== 'kube-root-ca.crt');
    if (names.length > 0) {
      throw new Error(`there are ${names.join(', ')}`);
    }
  });
}

async function watchOnly(
  { kubeconfig }: ControlPlane,
  contender: string,
  ...args: readonly string[]
): Promise<Result> {
  await fill(runs);
  // Every contender is observed by the same watch, because a watch costs the server CPU time.
  const done = lastTransition(api, runs);
  const command = [...node, join(import.meta.dirname, 'watch-only.ts'), ...args];
  const { stdout } = await execa(process.execPath, command, {
    env: { KUBECONFIG: kubeconfig, ...asImage },
  });
  await done;
  await clear();
  const { seconds, cpu, transitions } = JSON.parse(stdout) as {
    seconds: number;
    cpu: number;
    transitions: number;
  };
  return {
    contender,
    perSecond: transitions / seconds,
    cpuMs: (cpu / transitions) * 1000,
    reconciles: 0,
    writes: 2,
  };
}

function autopilotRun(control: ControlPlane): Promise<Result> {
  return operator(control, 'autopilot', process.execPath, [
    ...node,
    join(import.meta.dirname, 'operator.ts'),
  ]);
}

function controller(control: ControlPlane, binary: string): Promise<Result> {
  return operator(control, 'controller-runtime', binary, []);
}

/**
 * Measures a process that makes the transitions. The time runs from the first transition to the
 * last one, both seen by a watch. CPU seconds are read from the metrics of the process.
 */
async function operator(
  { kubeconfig }: ControlPlane,
  contender: string,
  command: string,
  args: readonly string[],
): Promise<Result> {
  await fill(runs);
  const done = lastTransition(api, runs);
  const started = await start(kubeconfig, command, args);
  const before = await started.metrics();
  const { seconds } = await done;
  const after = await started.metrics();
  await started.stop();
  await clear();
  const transitions = runs * PHASES.length;
  const total = (text: string, name: string, labels = ''): number =>
    [...text.matchAll(new RegExp(`^${name}(?:{[^}]*${labels}[^}]*})? ([\\d.e+-]+)$`, 'gm'))].reduce(
      (sum, [, value]) => sum + Number(value),
      0,
    );
  const grown = (name: string, labels = ''): number =>
    total(after, name, labels) - total(before, name, labels);
  return {
    contender,
    perSecond: transitions / seconds,
    cpuMs: (grown('process_cpu_seconds_total') / transitions) * 1000,
    reconciles: grown('controller_runtime_reconcile_total') / transitions,
    writes: grown('rest_client_requests_total', 'method="PATCH"') / transitions,
  };
}

/** The time between the first and the last transition. */
async function lastTransition(
  api: KubeApi,
  count: number,
): Promise<{ readonly seconds: number; readonly first: number }> {
  const { resourceVersion } = await api.list(RUNS, { namespace: NAMESPACE, limit: 1 });
  let first: number | undefined;
  const finished = new Set<string>();
  for await (const event of api.watch(RUNS, { namespace: NAMESPACE, resourceVersion })) {
    if (event.type !== 'MODIFIED') {
      continue;
    }
    first ??= performance.now();
    if ((event.object.status as { phase?: string } | undefined)?.phase === LAST) {
      finished.add(event.object.metadata.name);
    }
    if (finished.size === count) {
      return { seconds: (performance.now() - first) / 1000, first };
    }
  }
  throw new Error('the watch ended before the last transition');
}

interface Started {
  readonly pid: number;
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

async function start(
  kubeconfig: string,
  command: string,
  args: readonly string[],
): Promise<Started> {
  const port = await freePort();
  const config = join(folder, 'autopilot-operator.yaml');
  writeFileSync(
    config,
    JSON.stringify({ metricsAddr: `127.0.0.1:${port}`, workInterval: '1h', logLevel: 'warn' }),
  );
  let log = '';
  const child = execa(command, [...args], {
    reject: false,
    all: true,
    env: {
      KUBECONFIG: kubeconfig,
      AUTOPILOT_CONFIG: config,
      METRICS_ADDR: `127.0.0.1:${port}`,
      WATCH_NAMESPACE: '',
      POD_NAMESPACE: NAMESPACE,
      ...asImage,
    },
  });
  child.all?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const metrics = async (): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  await until(`${command} serves metrics`, 30_000, metrics).catch((error: Error) => {
    throw new Error(`${error.message}\n${log}`, { cause: error });
  });
  return {
    pid: child.pid ?? 0,
    metrics,
    async stop() {
      child.kill('SIGTERM');
      await child;
    },
  };
}

/** Measures the memory of an idle operator with 2,000 resources and two outputs of each. */
async function memory({
  kubeconfig,
}: ControlPlane): Promise<{ readonly rssMb: number; readonly firstMs: number }> {
  await fill(2_000, 2);
  const done = lastTransition(api, 2_000);
  const launched = performance.now();
  const busy = await start(kubeconfig, process.execPath, [
    ...node,
    join(import.meta.dirname, 'operator.ts'),
  ]);
  const { first } = await done;
  await busy.stop();
  const idle = await start(kubeconfig, process.execPath, [
    ...node,
    join(import.meta.dirname, 'operator.ts'),
  ]);
  await until('all objects are cached and the work queue is empty', 60_000, async () => {
    const text = await idle.metrics();
    if (!/^autopilot_cached_objects{[^}]*kind="ConfigMap"} 4000$/m.test(text)) {
      throw new Error('not yet');
    }
    if (!/^workqueue_depth{[^}]*priority="-100"} 0$/m.test(text)) {
      throw new Error('not yet');
    }
  });
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(
    readFileSync(`/proc/${idle.pid}/status`, 'utf8'),
  )?.[1];
  await idle.stop();
  return { rssMb: Number(resident) / 1024, firstMs: first - launched };
}

function table(results: readonly Result[]): string {
  const names = [...new Set(results.map(({ contender }) => contender))];
  const middle = (of: (result: Result) => number, contender: string): number => {
    const all = results.filter((result) => result.contender === contender).map(of);
    return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
  };
  const measure = middle(({ perSecond }) => perSecond, 'bare writes');
  const rows = names.map((name) => {
    const perSecond = middle((result) => result.perSecond, name);
    const cells = [
      perSecond.toFixed(0),
      (perSecond / measure).toFixed(2),
      middle(({ cpuMs }) => cpuMs, name).toFixed(2),
      middle(({ writes }) => writes, name).toFixed(2),
      middle(({ reconciles }) => reconciles, name).toFixed(2),
    ];
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  return [
    '| | transitions/s | of bare writes | CPU ms each | PATCHes each | reconciles each |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
