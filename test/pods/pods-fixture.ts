/**
 * What the files of this layer share: one node, a project made as its README says, and images that
 * buildah makes of Dockerfiles.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { execa } from 'execa';
import { scaffold } from '../../generators/lib/index.ts';
import { buildah, istioCrds, podNode, tool } from '../realparts/index.ts';
import type { Buildah, PodNode } from '../realparts/index.ts';
import { nodeImage, shellLessImage } from './node-image.ts';

export interface PodsFixture {
  readonly node: PodNode;
  /** AutoRoute's folder, with its packages. */
  readonly project: string;
  /** The canary's folder. */
  readonly canary: string;
  /** Images on the node: AutoRoute's, the same without a shell, and the canary's. */
  readonly images: { readonly first: string; readonly second: string; readonly canary: string };
  /** Folders of charts. */
  readonly charts: { readonly autoroute: string; readonly canary: string };
  readonly builder: Buildah;
  /** `npm run …` in AutoRoute's project or another, with helm, kubectl and buildah on the PATH. */
  npmRun(args: readonly string[], folder?: string): Promise<string>;
  helm(args: readonly string[], major?: 3 | 4): Promise<string>;
}

/** Image with the Node of this computer. Builds use it in place of node:…-slim. */
export const NODE_IMAGE = 'localhost/node:local';

/** Image without a shell, as those of distroless: the base of the second image. */
const SHELL_LESS_IMAGE = 'localhost/node-without-shell:local';

let all: Promise<PodsFixture> | undefined;
let dir: string | undefined;
let node: PodNode | undefined;

/** Starts it for the first who asks. */
export function podsFixture(): Promise<PodsFixture> {
  return (all ??= start());
}

after(async () => {
  await node?.stop();
  if (dir !== undefined) {
    rmSync(dir, { recursive: true, force: true });
  }
});

async function start(): Promise<PodsFixture> {
  const folder = mkdtempSync(join(tmpdir(), 'autopilot-pods-'));
  dir = folder;
  const [helm4, helm3] = [await tool('helm'), await tool('helm3')];
  const [project, canary] = [join(folder, 'autoroute'), join(folder, 'canary')];
  await scaffold({ dir: project, example: 'autoroute', runtime: 'vendor' });
  await scaffold({ dir: canary, example: 'canary', runtime: 'vendor' });
  await execa('npm', ['install', '--no-audit', '--no-fund'], { cwd: project });
  await execa('npm', ['install', '--package-lock-only', '--no-audit', '--no-fund'], {
    cwd: canary,
  });
  symlinkSync(join(project, 'node_modules'), join(canary, 'node_modules'));
  // Lies beside what the image needs, as such things do.
  for (const name of ['.env', 'kubeconfig']) {
    writeFileSync(join(project, name), 'a secret');
  }
  for (const name of ['builder', 'base', 'shell-less']) {
    mkdirSync(join(folder, name));
  }
  const builder = await buildah(join(folder, 'builder'));
  const bases = {
    [NODE_IMAGE]: await nodeImage(join(folder, 'base'), NODE_IMAGE),
    [SHELL_LESS_IMAGE]: await shellLessImage(join(folder, 'shell-less'), SHELL_LESS_IMAGE),
  };
  for (const [reference, file] of Object.entries(bases)) {
    const base = await builder.run(['pull', '--quiet', `oci-archive:${file}`]);
    await builder.run(['tag', base, reference]);
  }

  let kubeconfig = '';
  const npmRun = async (args: readonly string[], folder = project): Promise<string> => {
    const path = [
      builder.bin,
      dirname(process.execPath),
      dirname(helm4),
      dirname(await tool('kubectl')),
      process.env['PATH'],
    ].join(delimiter);
    return (
      await execa('npm', ['run', ...args], {
        cwd: folder,
        all: true,
        env: { PATH: path, KUBECONFIG: kubeconfig },
      })
    ).all;
  };
  const helm = async (args: readonly string[], major: 3 | 4 = 4): Promise<string> =>
    (
      await execa(major === 3 ? helm3 : helm4, args, {
        all: true,
        env: { KUBECONFIG: kubeconfig, HOME: folder },
      })
    ).all;
  const images = {
    first: 'localhost/autoroute-operator:1',
    second: 'localhost/autoroute-operator:2',
    canary: 'localhost/canary-operator:1',
  };
  const given = [
    '--tool',
    'buildah',
    '--build-arg',
    `NODE_IMAGE=${NODE_IMAGE}`,
    '--image-build-args',
  ];
  await npmRun(['build', '--', images.first, ...given, '--layers']);
  const shellLess = ['--build-arg', `RUNTIME_IMAGE=${SHELL_LESS_IMAGE}`];
  await npmRun(['build', '--', images.second, ...shellLess, ...given, '--layers']);
  await builder.run([
    'build',
    '--layers',
    '--build-arg',
    `NODE_IMAGE=${NODE_IMAGE}`,
    '--tag',
    images.canary,
    canary,
  ]);

  const started = await podNode();
  node = started;
  ({ kubeconfig } = started);
  for (const [name, image] of Object.entries(images)) {
    const file = join(folder, `${name}.tar`);
    await builder.run(['push', image, `docker-archive:${file}:${image}`]);
    await started.importImage(file);
    rmSync(file);
  }
  for (const file of await istioCrds()) {
    await started.kubectl(['apply', '--server-side', '-f', file]);
  }
  const charts = {
    autoroute: join(project, 'charts/autoroute-operator'),
    canary: join(canary, 'charts/canary-operator'),
  };
  return { node: started, project, canary, images, charts, builder, npmRun, helm };
}

/** A Deployment of no Pods: no registry is here. */
export function withoutPods<T extends object>(deployment: T): T {
  const copy = structuredClone(deployment) as T & { spec: { replicas?: number } };
  copy.spec.replicas = 0;
  return copy;
}
