/**
 * Real etcd, kube-apiserver, kube-controller-manager, kubectl, Helm: found in KUBEBUILDER_ASSETS,
 * then in the local cache, else built from Go modules (minutes, once). The cache lies outside the
 * clone, keyed by the lock files.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { cacheRoot, Unavailable } from './unavailable.ts';

const here = dirname(fileURLToPath(import.meta.url));
const KUBERNETES = 'v1.37.2';
const HELM = 'v4.3.1';
const ISTIO_API = 'istio.io/api@v1.31.4';
const GATEWAY_API = 'sigs.k8s.io/gateway-api@v1.6.3';

const PROMETHEUS_OPERATOR = 'github.com/prometheus-operator/prometheus-operator@v0.85.0';
const HELM_3 = 'v3.22.0';
const KUBECONFORM = 'v0.8.0';
const ACTIONLINT = 'v1.7.7';
const GOPHER_LUA = 'v1.1.2';
const KUBE_SCORE = 'v1.20.0';

export type Tool =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kubectl'
  | 'helm'
  | 'helm3'
  | 'kubeconform'
  | 'actionlint'
  | 'glua'
  | 'kube-score';

/** Build stamp. Without the stamp, Helm reads the version v0.0.0. */
export const stamp = ['gitVersion=' + KUBERNETES, 'gitMajor=1', 'gitMinor=37', 'gitTreeState=clean']
  .map((pair) => `-X k8s.io/component-base/version.${pair}`)
  .join(' ');

/** The stamp of Helm's own build. Without it, `helm template` assumes Kubernetes 1.20. */
const helm3Stamp = [
  `internal/version.version=${HELM_3}`,
  ...['chartutil', 'lint/rules'].flatMap((path) => [
    `pkg/${path}.k8sVersionMajor=1`,
    `pkg/${path}.k8sVersionMinor=37`,
  ]),
]
  .map((pair) => `-X helm.sh/helm/v3/${pair}`)
  .join(' ');

/** How each tool is built, into the folder `bin`. */
const RECIPES: Readonly<
  Record<Tool, (bin: string) => { readonly args: readonly string[]; readonly cwd: string }>
> = {
  etcd: (bin) => ({
    cwd: join(here, 'go/etcd'),
    args: [
      'build',
      '-mod=readonly',
      '-ldflags',
      '-s -w',
      '-o',
      join(bin, 'etcd'),
      'go.etcd.io/etcd/server/v3',
    ],
  }),
  'kube-apiserver': (bin) => kubernetes(bin, 'kube-apiserver'),
  'kube-controller-manager': (bin) => kubernetes(bin, 'kube-controller-manager'),
  kubectl: (bin) => kubernetes(bin, 'kubectl'),
  helm: () => ({
    cwd: here,
    args: [
      'install',
      '-ldflags',
      `-s -w -X helm.sh/helm/v4/internal/version.version=${HELM}`,
      `helm.sh/helm/v4/cmd/helm@${HELM}`,
    ],
  }),
  helm3: () => ({
    cwd: here,
    args: ['install', '-ldflags', `-s -w ${helm3Stamp}`, `helm.sh/helm/v3/cmd/helm@${HELM_3}`],
  }),
  kubeconform: () => ({
    cwd: here,
    args: [
      'install',
      '-ldflags',
      '-s -w',
      `github.com/yannh/kubeconform/cmd/kubeconform@${KUBECONFORM}`,
    ],
  }),
  actionlint: () => ({
    cwd: here,
    args: [
      'install',
      '-ldflags',
      '-s -w',
      `github.com/rhysd/actionlint/cmd/actionlint@${ACTIONLINT}`,
    ],
  }),
  'kube-score': () => ({
    cwd: here,
    args: [
      'install',
      '-ldflags',
      '-s -w',
      `github.com/zegl/kube-score/cmd/kube-score@${KUBE_SCORE}`,
    ],
  }),
  // The interpreter of Argo CD.
  glua: () => ({
    cwd: here,
    args: ['install', '-ldflags', '-s -w', `github.com/yuin/gopher-lua/cmd/glua@${GOPHER_LUA}`],
  }),
};

/**
 * Files in the cache: the newer parts carry their version, so that they need no place in its key.
 */
const FILES: Readonly<Partial<Record<Tool, { readonly cached: string; readonly built: string }>>> =
  {
    helm3: { cached: `helm-${HELM_3}`, built: 'helm' },
    kubeconform: { cached: `kubeconform-${KUBECONFORM}`, built: 'kubeconform' },
    actionlint: { cached: `actionlint-${ACTIONLINT}`, built: 'actionlint' },
    'kube-score': { cached: `kube-score-${KUBE_SCORE}`, built: 'kube-score' },
    glua: { cached: `glua-${GOPHER_LUA}`, built: 'glua' },
  };

function kubernetes(
  bin: string,
  command: string,
): { readonly args: readonly string[]; readonly cwd: string } {
  return {
    cwd: join(here, 'go/kube'),
    args: [
      'build',
      '-mod=readonly',
      '-ldflags',
      `-s -w ${stamp}`,
      '-o',
      join(bin, command),
      `k8s.io/kubernetes/cmd/${command}`,
    ],
  };
}

/** Makes all parts ready, with progress. @throws Unavailable */
export async function prepare(): Promise<void> {
  for (const name of Object.keys(RECIPES) as Tool[]) {
    await tool(name);
  }
}

/** The path of a tool. @throws Unavailable when it is not there and cannot be built. */
export async function tool(name: Tool): Promise<string> {
  const given = process.env['KUBEBUILDER_ASSETS'];
  const cached = FILES[name]?.cached ?? name;
  for (const found of [
    given === undefined ? undefined : join(given, name),
    join(cacheFolder(), cached),
    name === 'kubectl' ? '/usr/bin/kubectl' : undefined,
  ]) {
    if (found !== undefined && existsSync(found)) {
      return found;
    }
  }
  return build(name);
}

async function build(name: Tool): Promise<string> {
  const cache = cacheFolder();
  mkdirSync(cache, { recursive: true });
  const bin = mkdtempSync(join(cache, '.build-'));
  const { args, cwd } = RECIPES[name](bin);
  const started = Date.now();
  console.log(`building ${name} from its Go modules (once; the first can take some minutes) …`);
  const progress = setInterval(
    () => console.log(`  ${name}: ${Math.round((Date.now() - started) / 1000)} s`),
    30_000,
  );
  try {
    await execa('go', args, {
      cwd,
      env: { GOBIN: bin, GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' },
    });
    renameSync(join(bin, FILES[name]?.built ?? name), join(cache, FILES[name]?.cached ?? name));
  } catch (error) {
    const reason =
      (error as { code?: string }).code === 'ENOENT'
        ? 'there is no Go on this machine'
        : (error as Error).message;
    throw new Unavailable(
      `${name} cannot be built: ${reason}. Set KUBEBUILDER_ASSETS to a folder that has it.`,
      { cause: error },
    );
  } finally {
    clearInterval(progress);
    rmSync(bin, { recursive: true, force: true });
  }
  console.log(`built ${name} in ${Math.round((Date.now() - started) / 1000)} s`);
  return join(cache, FILES[name]?.cached ?? name);
}

function cacheFolder(): string {
  const hash = createHash('sha256').update(KUBERNETES + HELM);
  for (const file of globSync('go/*/go.{mod,sum}', { cwd: here }).sort()) {
    hash.update(readFileSync(join(here, file)));
  }
  return join(cacheRoot(), hash.digest('hex').slice(0, 16));
}

/** Files of the Istio CRDs. @throws Unavailable */
export async function istioCrds(): Promise<readonly string[]> {
  return [join(await moduleFolder(ISTIO_API), 'kubernetes/customresourcedefinitions.gen.yaml')];
}

/** Files of the Gateway API's standard CRDs. @throws Unavailable */
export async function gatewayApiCrds(): Promise<readonly string[]> {
  const folder = join(await moduleFolder(GATEWAY_API), 'config/crd/standard');
  return globSync('*.yaml', { cwd: folder, exclude: ['*_vap_*'] })
    .sort()
    .map((file) => join(folder, file));
}

/** Files of the Prometheus operator's CRDs that charts use. @throws Unavailable */
export async function monitoringCrds(): Promise<readonly string[]> {
  const folder = join(await moduleFolder(PROMETHEUS_OPERATOR), 'example/prometheus-operator-crd');
  return ['servicemonitors', 'podmonitors', 'prometheusrules'].map((plural) =>
    join(folder, `monitoring.coreos.com_${plural}.yaml`),
  );
}

async function moduleFolder(module: string): Promise<string> {
  try {
    const { stdout } = await execa('go', ['mod', 'download', '-json', module], { cwd: here });
    return (JSON.parse(stdout) as { Dir: string }).Dir;
  } catch (error) {
    throw new Unavailable(`${module} cannot be had: ${(error as Error).message}`, { cause: error });
  }
}
