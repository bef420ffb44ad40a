/**
 * A Kubernetes cluster of one node that runs real Pods: etcd, API server, controller manager,
 * scheduler, containerd, kubelet, kube-proxy and DNS, all in private Linux namespaces.
 *
 * The host sees one virtual network link, two routes and a cgroup folder. All of them go with the
 * first process of the namespaces.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { kubeconfigText, until } from '../control-plane.ts';
import { tool } from '../parts.ts';
import { Unavailable } from '../unavailable.ts';
import { writeImage } from './image.ts';
import { podParts } from './parts.ts';
import type { PodParts } from './parts.ts';
import {
  argumentsOf,
  filesOf,
  PAUSE_IMAGE,
  POD_NETWORK,
  SERVICE_NETWORK,
  SYSCTLS,
  USERS,
} from './settings.ts';
import type { Place } from './settings.ts';

const CGROUPS = '/sys/fs/cgroup';

export interface PodNode {
  /** The administrator's kubeconfig: a file. */
  readonly kubeconfig: string;
  /** Where the logs of the parts lie: `<part>.log`. */
  readonly logs: string;
  kubectl(args: readonly string[], options?: { readonly input?: string }): Promise<string>;
  /** Makes an image file known to the node. */
  importImage(file: string): Promise<void>;
  stop(): Promise<void>;
}

/** Why this machine cannot run one; undefined when it can. */
export function obstacle(): string | undefined {
  if (process.platform !== 'linux') {
    return 'Pods need Linux';
  }
  if (process.getuid?.() !== 0) {
    return 'Pods need root: namespaces, cgroups and a network link';
  }
  try {
    execFileSync(
      'unshare',
      ['--mount', '--net', '--pid', '--uts', '--ipc', '--fork', '--mount-proc', 'true'],
      { stdio: 'pipe' },
    );
  } catch (error) {
    return `this machine does not allow private namespaces: ${(error as Error).message.trim()}`;
  }
  return undefined;
}

/** Makes all parts ready, with progress. @throws Unavailable */
export async function preparePods(): Promise<void> {
  const why = obstacle();
  if (why !== undefined) {
    throw new Unavailable(why);
  }
  await podParts();
}

/**
 * @throws Unavailable when the host or a part is unsuitable, Error when the node does not become
 * ready.
 */
export async function podNode(): Promise<PodNode> {
  const why = obstacle();
  if (why !== undefined) {
    throw new Unavailable(why);
  }
  const parts = await podParts();
  const programs = [...parts.path];
  for (const name of ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const) {
    programs.push(dirname(await tool(name)));
  }
  // Short: the paths of Unix sockets have a limit of 108 characters.
  const folder = mkdtempSync('/tmp/ap-node-');
  const suffix = folder.slice(-6).toLowerCase();
  const subnet = freeSubnet();
  const place: Place = {
    folder,
    address: `${subnet}.2`,
    cgroup: `autopilot-${suffix}`,
    parts: {
      cni: parts.cni,
      runc: join(parts.path.find((path) => existsSync(join(path, 'runc'))) ?? '', 'runc'),
    },
  };
  const token = prepareFolder(place);
  const cgroups = makeCgroups(place.cgroup);
  const link = `ap${suffix}`;
  const libraries = parts.libraries;
  const environment = { gateway: `${subnet}.1`, token, programs, libraries };
  const first = startNamespaces(place, environment);
  const stop = async (): Promise<void> => {
    await end(first);
    removeCgroups(cgroups);
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  const atExit = (): void => kill(first);
  process.once('exit', atExit);
  try {
    await joinNetwork(first, link, `${subnet}.1`, place.address);
    return await ready(place, parts, token, async () => {
      process.removeListener('exit', atExit);
      await stop();
    });
  } catch (error) {
    const said = tails(join(folder, 'log'));
    await stop();
    throw new Error(`the node did not become ready: ${(error as Error).message}\n${said}`, {
      cause: error,
    });
  }
}

async function ready(
  place: Place,
  parts: PodParts,
  token: string,
  stop: () => Promise<void>,
): Promise<PodNode> {
  const { folder, address } = place;
  const kubeconfig = join(folder, 'admin.kubeconfig');
  const kubectlPath = await tool('kubectl');
  const kubectl: PodNode['kubectl'] = async (args, { input } = {}) => {
    const { stdout } = await execa(kubectlPath, ['--kubeconfig', kubeconfig, ...args], {
      ...(input === undefined ? {} : { input }),
      env: { HOME: folder },
    });
    return stdout;
  };
  const ctr = parts.path.map((path) => join(path, 'ctr')).find((path) => existsSync(path)) ?? 'ctr';
  const importImage = async (file: string): Promise<void> => {
    await execa(ctr, [
      '--address',
      join(folder, 'run/containerd.sock'),
      '--namespace',
      'k8s.io',
      'images',
      'import',
      '--local',
      file,
    ]);
  };
  await until(`the API server at ${address} answers`, 60_000, () =>
    kubectl(['get', '--raw', '/readyz']),
  );
  const pauseRoot = join(folder, 'pause');
  mkdirSync(pauseRoot);
  writeFileSync(join(pauseRoot, 'pause'), readFileSync(parts.pause), { mode: 0o755 });
  const pauseImage = join(folder, 'pause.tar');
  await writeImage(pauseImage, {
    reference: PAUSE_IMAGE,
    layers: [pauseRoot],
    entrypoint: ['/pause'],
    user: '65535:65535',
  });
  await until('containerd takes images', 60_000, () => importImage(pauseImage));
  await until('the node is registered', 60_000, () => kubectl(['get', 'node', 'node']));
  await kubectl(['wait', '--for=condition=Ready', 'node/node', '--timeout=60s']);
  return { kubeconfig, logs: join(folder, 'log'), kubectl, importImage, stop };
}

/** Keys, tokens, settings and arguments. Returns the administrator's token. */
function prepareFolder(place: Place): string {
  const { folder, address } = place;
  const write = (name: string, content: string, mode = 0o600): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content, { mode });
  };
  for (const name of ['log', 'run', 'kubelet', 'podlogs']) {
    mkdirSync(join(folder, name));
  }
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  write('sa.key', privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  write('sa.pub', publicKey.export({ type: 'spki', format: 'pem' }) as string);
  const tokens = Object.entries(USERS).map(([name, user]) => ({
    name,
    user,
    token: randomBytes(16).toString('hex'),
  }));
  write('tokens.csv', tokens.map(({ user, token }) => csvLine(token, user)).join(''));
  for (const { name, token } of tokens) {
    write(`${name}.kubeconfig`, kubeconfigText(`https://${address}:6443`, token));
  }
  for (const [name, content] of Object.entries(filesOf(place))) {
    write(name, content, 0o644);
  }
  for (const [name, content] of Object.entries(SYSCTLS)) {
    write(`sysctl/${name}`, `${content}\n`, 0o644);
  }
  for (const [part, args] of Object.entries(argumentsOf(place))) {
    write(`args/${part}`, args.map((arg) => `${arg}\n`).join(''));
  }
  return tokens.find(({ name }) => name === 'admin')?.token ?? '';
}

/** `token,user,uid,"group,group"`. */
function csvLine(token: string, user: string): string {
  const [name, uid, ...groups] = user.split(',');
  return `${token},${name},${uid}${groups.length > 0 ? `,"${groups.join(',')}"` : ''}\n`;
}

/** A /30 that no link of this machine has yet. */
function freeSubnet(): string {
  const taken = execFileSync('ip', ['-o', 'address'], { encoding: 'utf8' });
  for (let third = 27; third < 255; third++) {
    if (!taken.includes(` 10.250.${third}.`)) {
      return `10.250.${third}`;
    }
  }
  throw new Error('no private subnet is free');
}

/** One folder in each cgroup v1 hierarchy, or one in the unified one. */
function makeCgroups(name: string): readonly string[] {
  const unified = existsSync(join(CGROUPS, 'cgroup.controllers'));
  const parents = unified
    ? [CGROUPS]
    : readdirSync(CGROUPS).flatMap((each) =>
        existsSync(join(CGROUPS, each, 'cgroup.procs')) ? [join(CGROUPS, each)] : [],
      );
  return parents.map((parent) => {
    const folder = join(parent, name);
    mkdirSync(folder, { recursive: true });
    if (parent.endsWith('/cpuset')) {
      for (const file of ['cpuset.cpus', 'cpuset.mems']) {
        writeFileSync(join(folder, file), readFileSync(join(parent, file), 'utf8'));
      }
    }
    return folder;
  });
}

/** The kernel ends what is in them with the namespaces; only empty folders are left. */
function removeCgroups(folders: readonly string[]): void {
  const remove = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) {
        remove(join(folder, entry.name));
      }
    }
    rmdirSync(folder);
  };
  for (const folder of folders) {
    try {
      remove(folder);
    } catch {
      // A process that is still ending keeps its folder; the folder is empty and harmless.
    }
  }
}

interface NamespaceEnvironment {
  readonly gateway: string;
  readonly token: string;
  /** Folders of the programs. */
  readonly programs: readonly string[];
  /** LD_LIBRARY_PATH of the programs. */
  readonly libraries: string;
}

function startNamespaces(
  place: Place,
  { gateway, token, programs, libraries }: NamespaceEnvironment,
): ChildProcess {
  const log = openSync(join(place.folder, 'log/init.log'), 'w');
  return spawn(
    'unshare',
    [
      '--mount',
      '--net',
      '--pid',
      '--uts',
      '--ipc',
      '--fork',
      '--mount-proc',
      '--propagation',
      'private',
      '--kill-child',
      'bash',
      join(import.meta.dirname, 'init.sh'),
    ],
    {
      stdio: ['ignore', log, log],
      env: {
        PATH: [...programs, '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':'),
        LD_LIBRARY_PATH: libraries,
        HOME: place.folder,
        FOLDER: place.folder,
        ADDRESS: place.address,
        GATEWAY: gateway,
        TOKEN: token,
      },
    },
  );
}

/** The process that is number 1 inside. */
function insider(first: ChildProcess): number {
  const children = readFileSync(`/proc/${first.pid}/task/${first.pid}/children`, 'utf8').trim();
  const pid = Number(children.split(' ')[0]);
  if (!(pid > 0) || readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net')) {
    throw new Error('the namespaces are not there yet');
  }
  return pid;
}

async function joinNetwork(
  first: ChildProcess,
  link: string,
  gateway: string,
  address: string,
): Promise<void> {
  const pid = await until('the private namespaces are there', 10_000, async () => insider(first));
  await execa('ip', [
    'link',
    'add',
    link,
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    String(pid),
  ]);
  await execa('ip', ['address', 'add', `${gateway}/30`, 'dev', link]);
  await execa('ip', ['link', 'set', link, 'up']);
  for (const network of [SERVICE_NETWORK, POD_NETWORK]) {
    await execa('ip', ['route', 'replace', network, 'via', address, 'dev', link]);
  }
}

function kill(first: ChildProcess): void {
  try {
    process.kill(insider(first), 'SIGKILL');
  } catch {
    first.kill('SIGKILL');
  }
}

async function end(first: ChildProcess): Promise<void> {
  if (first.exitCode !== null || first.signalCode !== null) {
    return;
  }
  const ended = new Promise((resolve) => first.once('exit', resolve));
  kill(first);
  await ended;
}

function tails(folder: string): string {
  return readdirSync(folder)
    .map(
      (name) =>
        `── ${name}\n${readFileSync(join(folder, name), 'utf8').split('\n').slice(-8).join('\n')}`,
    )
    .join('\n');
}
