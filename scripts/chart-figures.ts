/**
 * Figures of docs/chart-comparison.md: the size of AutoRoute's chart and, with the argument
 * `memory`, the memory of its operator when idle and busy (Linux, root; needs the real parts).
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { ControlPlane } from '../test/realparts/index.ts';
import { scaffold } from '../generators/lib/index.ts';
import { build, root } from './build.ts';

/** Folder of the ServiceAccount token in a Pod. */
const SECRETS = '/var/run/secrets/kubernetes.io/serviceaccount';
const chart = join(root, 'examples/autoroute/charts/autoroute-operator');

function countLines(...patterns: readonly string[]): string {
  const files = globSync([...patterns], { cwd: chart });
  const counts = files.map(
    (file) => readFileSync(join(chart, file), 'utf8').split('\n').length - 1,
  );
  return `${counts.reduce((sum, count) => sum + count, 0)} lines in ${files.length} ${files.length === 1 ? 'file' : 'files'}, the longest ${Math.max(...counts)}`;
}

console.log(`values.yaml          ${countLines('values.yaml')}`);
console.log(`templates            ${countLines('templates/**/*.{yaml,tpl,txt}')}`);
console.log(
  `  without the CRD    ${countLines('templates/*.{yaml,tpl,txt}', 'templates/{metrics,rbac,tests}/*')}`,
);
console.log(`values.schema.json   ${countLines('values.schema.json')}`);
console.log(`README.md            ${countLines('README.md')}`);
if (process.argv.includes('memory')) {
  await measureMemory(Number(process.argv.at(-1)) || 200);
}

/**
 * Runs the AutoRoute operator as its Pod does and prints its memory and CPU time.
 * @param routes number of Deployments to route
 */
async function measureMemory(routes: number): Promise<void> {
  const { controlPlane, freePorts, until } = await import('../test/realparts/index.ts');
  build();
  const dir = mkdtempSync(join(tmpdir(), 'autopilot-memory-'));
  await scaffold({ dir, example: 'autoroute', runtime: 'registry' });
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  const plane = await controlPlane();
  try {
    await installOperator(plane, dir);
    const [port = 0] = await freePorts(1);
    writeFileSync(join(dir, 'autopilot-operator.yaml'), `metricsAddr: "127.0.0.1:${port}"\n`);
    const child = startAsPod(plane, dir, await preparePod(plane, dir));
    const ask = async (path: string): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      if (!response.ok) {
        throw new Error(await response.text());
      }
      return response.text();
    };
    await until('the operator is ready', 30_000, () => ask('/readyz'));
    console.log(`Node ${process.version}, idle                          ${memoryOf(child.pid)}`);
    const seconds = await routeDeployments(plane, routes);
    console.log(`${routes} Deployments routed after ${seconds} s       ${memoryOf(child.pid)}`);
    console.log((await ask('/metrics')).match(/^process_cpu_seconds_total .*$/m)?.[0]);
    child.kill('SIGTERM');
    await once(child, 'exit');
  } finally {
    await plane.stop();
    rmdirSync(SECRETS);
    rmSync(dir, { recursive: true, force: true });
  }
}

async function installOperator(plane: ControlPlane, dir: string): Promise<void> {
  await plane.installIstioCrds();
  await plane.kubectl(['create', 'namespace', 'ops']);
  const chart = join(dir, 'charts/autoroute-operator');
  await plane.helm(['install', 'autoroute-operator', chart, '-n', 'ops']);
}

/**
 * Writes what a Pod has: the compile cache of the image, and a ServiceAccount token in place of a
 * kubeconfig, which would load the whole Kubernetes client.
 * @returns the environment of the image
 */
async function preparePod(plane: ControlPlane, dir: string): Promise<Record<string, string>> {
  const { users } = JSON.parse(
    readFileSync(await plane.tokenKubeconfig('ops', 'autoroute-operator'), 'utf8'),
  ) as { users: { user: { token: string } }[] };
  writeFileSync(join(dir, 'token'), users[0]?.user.token ?? '');
  writeFileSync(join(dir, 'namespace'), 'ops');
  mkdirSync(SECRETS, { recursive: true });
  const dockerfile = readFileSync(join(dir, 'Dockerfile'), 'utf8');
  const [, nodeOptions = ''] = /NODE_OPTIONS="([^"]*)"/.exec(dockerfile) ?? [];
  const env = { NODE_COMPILE_CACHE: join(dir, '.compiled'), NODE_OPTIONS: nodeOptions };
  await execa(process.execPath, ['src/main.ts', '--check'], { cwd: dir, env });
  return env;
}

/** Starts the operator as its Pod does, with the token mounted. */
function startAsPod(plane: ControlPlane, dir: string, env: Record<string, string>): ChildProcess {
  const { hostname, port } = new URL(plane.server);
  const certificate = `${dirname(plane.kubeconfig)}/certs/apiserver.crt`;
  const mount = [
    `mount -t tmpfs tmpfs ${SECRETS}`,
    `cp token namespace ${SECRETS}`,
    `cp ${certificate} ${SECRETS}/ca.crt`,
  ].join(' && ');
  const command = `${mount} && exec ${process.execPath} src/main.ts`;
  return spawn('unshare', ['--mount', 'sh', '-c', command], {
    cwd: dir,
    stdio: 'ignore',
    env: {
      ...process.env,
      ...env,
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      POD_NAMESPACE: 'ops',
      WATCH_NAMESPACE: '',
    },
  });
}

/** Resident memory of a process, at present and at most. */
function memoryOf(pid: number | undefined): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return [...status.matchAll(/^(VmRSS|VmHWM|RssAnon):\s+(\d+) kB$/gm)]
    .map(([, name, kB]) => `${name} ${Math.round(Number(kB) / 1024)} MB`)
    .join(', ');
}

/** @returns seconds until the AutoRoute of all Deployments is Ready */
async function routeDeployments(plane: ControlPlane, routes: number): Promise<number> {
  const { deployment } = await import('../examples/autoroute/test/deployments.ts');
  const apply = (objects: readonly object[]): Promise<string> =>
    plane.kubectl(['apply', '--server-side', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    });
  await apply(
    Array.from({ length: routes }, (_, index) => {
      const made = deployment(`d${index}`);
      return { ...made, metadata: { ...made.metadata, namespace: 'default' } };
    }),
  );
  const begun = performance.now();
  await apply([
    {
      apiVersion: 'examples.io/v1',
      kind: 'AutoRoute',
      metadata: { name: 'example', namespace: 'default' },
      spec: { deploymentSelector: { matchLabels: { 'app-group': 'httpbin' } } },
    },
  ]);
  await plane.kubectl(['wait', 'autoroute/example', '--for=condition=Ready', '--timeout=300s']);
  return Math.round((performance.now() - begun) / 100) / 10;
}
