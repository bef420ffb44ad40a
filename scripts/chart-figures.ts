/**
 * The figures of docs/chart-comparison.md: how large AutoRoute's chart is, and with `memory` what
 * its operator takes as a process of this
 * machine, idle and busy (Linux, root; needs the real parts).
 */
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
import { scaffold } from '../generators/lib/index.ts';
import { build, root } from './build.ts';

/** Where a Pod finds its token (autopilot-runtime's kube/connect.ts). */
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

async function measureMemory(routes: number): Promise<void> {
  const { controlPlane, freePorts, until } = await import('../test/realparts/index.ts');
  const { deployment } = await import('../examples/autoroute/test/deployments.ts');
  build();
  const dir = mkdtempSync(join(tmpdir(), 'autopilot-memory-'));
  await scaffold({ dir, example: 'autoroute', runtime: 'registry' });
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  const plane = await controlPlane();
  try {
    await plane.installIstioCrds();
    await plane.kubectl(['create', 'namespace', 'ops']);
    await plane.helm([
      'install',
      'autoroute-operator',
      join(dir, 'charts/autoroute-operator'),
      '-n',
      'ops',
    ]);
    const [port = 0] = await freePorts(1);
    writeFileSync(join(dir, 'autopilot-operator.yaml'), `metricsAddr: "127.0.0.1:${port}"\n`);
    // As in a Pod: compiled packages, and a mounted token in place of a kubeconfig, which would
    // load the whole Kubernetes client.
    const { users } = JSON.parse(
      readFileSync(await plane.tokenKubeconfig('ops', 'autoroute-operator'), 'utf8'),
    ) as { users: { user: { token: string } }[] };
    writeFileSync(join(dir, 'token'), users[0]?.user.token ?? '');
    writeFileSync(join(dir, 'namespace'), 'ops');
    const { hostname, port: secure } = new URL(plane.server);
    mkdirSync(SECRETS, { recursive: true });
    const mount = `mount -t tmpfs tmpfs ${SECRETS} && cp token namespace ${SECRETS} && cp ${dirname(plane.kubeconfig)}/certs/apiserver.crt ${SECRETS}/ca.crt`;
    const [, nodeOptions = ''] =
      /NODE_OPTIONS="([^"]*)"/.exec(readFileSync(join(dir, 'Dockerfile'), 'utf8')) ?? [];
    // As the image: what is compiled is there.
    const NODE_COMPILE_CACHE = join(dir, '.compiled');
    await execa(process.execPath, ['src/main.ts', '--check'], {
      cwd: dir,
      env: { NODE_COMPILE_CACHE, NODE_OPTIONS: nodeOptions },
    });
    const child = execa(
      'unshare',
      ['--mount', 'sh', '-c', `${mount} && exec ${process.execPath} src/main.ts`],
      {
        cwd: dir,
        reject: false,
        all: true,
        env: {
          KUBERNETES_SERVICE_HOST: hostname,
          KUBERNETES_SERVICE_PORT: secure,
          POD_NAMESPACE: 'ops',
          WATCH_NAMESPACE: '',
          NODE_OPTIONS: nodeOptions,
          NODE_COMPILE_CACHE,
        },
      },
    );
    const ask = async (path: string): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      if (!response.ok) {
        throw new Error(await response.text());
      }
      return response.text();
    };
    await until('the operator is ready', 30_000, () => ask('/readyz'));
    const resident = (): string =>
      [
        ...readFileSync(`/proc/${child.pid}/status`, 'utf8').matchAll(
          /^(VmRSS|VmHWM|RssAnon):\s+(\d+) kB$/gm,
        ),
      ]
        .map(([, name, kB]) => `${name} ${Math.round(Number(kB) / 1024)} MB`)
        .join(', ');
    console.log(`Node ${process.version}, idle                          ${resident()}`);
    const apply = (objects: readonly object[]): Promise<string> =>
      plane.kubectl(['apply', '--server-side', '-f', '-'], {
        input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
      });
    const place = { metadata: { name: 'example', namespace: 'default' } };
    await apply(
      Array.from({ length: routes }, (_, index) => ({
        ...deployment(`d${index}`),
        metadata: { ...deployment(`d${index}`).metadata, namespace: 'default' },
      })),
    );
    const begun = performance.now();
    await apply([
      {
        apiVersion: 'examples.io/v1',
        kind: 'AutoRoute',
        ...place,
        spec: { deploymentSelector: { matchLabels: { 'app-group': 'httpbin' } } },
      },
    ]);
    await plane.kubectl(['wait', 'autoroute/example', '--for=condition=Ready', '--timeout=300s']);
    console.log(
      `${routes} Deployments routed after ${Math.round((performance.now() - begun) / 100) / 10} s       ${resident()}`,
    );
    console.log((await ask('/metrics')).match(/^process_cpu_seconds_total .*$/m)?.[0]);
    child.kill('SIGTERM');
    await child;
  } finally {
    await plane.stop();
    rmdirSync(SECRETS);
    rmSync(dir, { recursive: true, force: true });
  }
}
