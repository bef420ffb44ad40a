/**
 * What a node needs beyond the control plane: kubelet, scheduler, proxy, containerd, runc, CNI
 * plugins, names. Each family has a Go module of its own, so that version selection does not mix
 * them, and is kept in the cache by the hash of its module.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { unpacked } from '../debian.ts';
import { stamp } from '../parts.ts';
import { cacheRoot, Unavailable } from '../unavailable.ts';

interface Family {
  /** Folder below `go/`. */
  readonly module: string;
  /** The programs it gives, by the package each is built from. */
  readonly programs: Readonly<Record<string, string>>;
  readonly flags: readonly string[];
  env(): Promise<Readonly<Record<string, string>>>;
}

const PLAIN = async (): Promise<Readonly<Record<string, string>>> => ({ CGO_ENABLED: '0' });
const CONTAINERD = 'github.com/containerd/containerd/v2';
const CNI = 'github.com/containernetworking/plugins/plugins';

const FAMILIES: readonly Family[] = [
  {
    module: 'node',
    programs: {
      kubelet: 'k8s.io/kubernetes/cmd/kubelet',
      'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
      'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
    },
    flags: ['-ldflags', `-s -w ${stamp}`],
    env: PLAIN,
  },
  {
    module: 'containerd',
    programs: {
      containerd: `${CONTAINERD}/cmd/containerd`,
      'containerd-shim-runc-v2': `${CONTAINERD}/cmd/containerd-shim-runc-v2`,
      ctr: `${CONTAINERD}/cmd/ctr`,
    },
    flags: [
      '-trimpath',
      '-tags',
      'no_btrfs no_devmapper no_zfs no_aufs',
      '-ldflags',
      `-s -w -X ${CONTAINERD}/version.Version=v2.3.7`,
    ],
    env: PLAIN,
  },
  {
    module: 'cni',
    programs: {
      ptp: `${CNI}/main/ptp`,
      loopback: `${CNI}/main/loopback`,
      'host-local': `${CNI}/ipam/host-local`,
      portmap: `${CNI}/meta/portmap`,
    },
    flags: ['-trimpath', '-ldflags', '-s -w'],
    env: PLAIN,
  },
  {
    module: 'runc',
    programs: { runc: 'github.com/opencontainers/runc' },
    flags: ['-trimpath', '-tags', 'seccomp', '-ldflags', '-s -w -X main.version=1.5.2'],
    env: seccomp,
  },
  {
    module: 'pause',
    programs: { pause: '.' },
    flags: ['-trimpath', '-ldflags', '-s -w'],
    env: PLAIN,
  },
  {
    module: 'coredns',
    programs: { coredns: '.' },
    flags: ['-trimpath', '-ldflags', '-s -w'],
    env: PLAIN,
  },
];

/** runc is the one part in C: it wants libseccomp's headers. */
async function seccomp(): Promise<Readonly<Record<string, string>>> {
  const folder = await unpacked('libseccomp-dev', 'libseccomp2');
  const libraries = join(folder, 'usr/lib/x86_64-linux-gnu');
  return {
    CGO_ENABLED: '1',
    CGO_CFLAGS: `-I${join(folder, 'usr/include')}`,
    CGO_LDFLAGS: `-L${libraries}`,
    PKG_CONFIG_PATH: join(libraries, 'pkgconfig'),
    PKG_CONFIG_SYSROOT_DIR: folder,
  };
}

/** What a node finds on its PATH, and the libraries that some of it needs. */
export interface PodParts {
  readonly path: readonly string[];
  /** Where the CNI plugins lie. */
  readonly cni: string;
  readonly libraries: string;
  /** The program that holds a Pod's namespaces. */
  readonly pause: string;
}

/**
 * Builds what is missing (minutes, once), with progress. @throws Unavailable when a part cannot be
 * had on this machine.
 */
export async function podParts(): Promise<PodParts> {
  const nft = await unpacked(
    'nftables',
    'libnftables1',
    'libnftnl11',
    'libmnl0',
    'libjansson4',
    'libxtables12',
    'libedit2',
    'libbsd0',
    'libmd0',
    'libgmp10',
    'libseccomp2',
  );
  const folders: Record<string, string> = {};
  for (const family of FAMILIES) {
    folders[family.module] = await familyFolder(family);
  }
  return {
    path: [...Object.values(folders), join(nft, 'usr/sbin')],
    cni: folders['cni'] ?? '',
    pause: join(folders['pause'] ?? '', 'pause'),
    libraries: [join(nft, 'usr/lib/x86_64-linux-gnu'), join(nft, 'lib/x86_64-linux-gnu')].join(':'),
  };
}

async function familyFolder(family: Family): Promise<string> {
  const source = join(import.meta.dirname, 'go', family.module);
  const hash = createHash('sha256').update(JSON.stringify([family.programs, family.flags]));
  for (const file of ['go.mod', 'go.sum']) {
    hash.update(readFileSync(join(source, file)));
  }
  const folder = join(cacheRoot(), `${family.module}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) {
    return folder;
  }
  mkdirSync(cacheRoot(), { recursive: true });
  const work = mkdtempSync(join(cacheRoot(), '.build-'));
  try {
    const env = await family.env();
    for (const [program, path] of Object.entries(family.programs)) {
      const started = Date.now();
      console.log(`building ${program} from its Go modules (once) …`);
      await execa(
        'go',
        ['build', '-mod=readonly', ...family.flags, '-o', join(work, program), path],
        {
          cwd: source,
          env: { GOFLAGS: '-buildvcs=false', ...env },
        },
      );
      console.log(`built ${program} in ${Math.round((Date.now() - started) / 1000)} s`);
    }
    renameSync(work, folder);
    return folder;
  } catch (error) {
    const reason =
      (error as { code?: string }).code === 'ENOENT'
        ? 'there is no Go on this machine'
        : (error as Error).message;
    throw new Unavailable(`the ${family.module} part of a node cannot be built: ${reason}`, {
      cause: error,
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
