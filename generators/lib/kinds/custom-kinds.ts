/**
 * The CRDs of the kinds in `customParameters`: read from files of the project, or from the cluster
 * of the current kubeconfig.
 *
 * A CRD from a cluster is kept in `.autopilot/crds` and committed with the project. Later runs of
 * `autopilot generate` read the kept file, so that they need no cluster and write the same bytes.
 * `--refresh` reads the cluster again.
 */
import { globSync, statSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { readText } from '../util/files.ts';
import type { ProjectFile } from '../util/project-file.ts';
import { parseCrds, refusePatches } from './crd-text.ts';
import { chooseCrd, crdKindOf, trimCrd } from './foreign-crd.ts';
import type { CrdKind, CrdRequest, ForeignCrd, PlacedCrd } from './foreign-crd.ts';

/** Value of `crd` in customParameters that means the cluster of the current kubeconfig. */
export const CLUSTER_SOURCE = 'cluster';

/** Result of looking for the CRD of one custom kind. */
export type CustomKindResult =
  | { readonly type: 'found'; readonly kind: CrdKind }
  | { readonly type: 'failed'; readonly message: string };

/** Results by the `lowerName` of the custom kind. */
export type CustomKindResults = ReadonlyMap<string, CustomKindResult>;

/** Result of `resolveCustomKinds`. */
export interface CustomKinds {
  readonly kinds: CustomKindResults;
  /** The CRDs that were found, without the metadata of a cluster. */
  readonly crds: readonly ForeignCrd[];
  /** Files to write: the CRDs that were just read from the cluster. */
  readonly files: readonly ProjectFile[];
}

/**
 * Finds the CRD of each request. A CRD that cannot be found or used is a `failed` result, so that
 * the caller can report all of them with their places.
 * @param dir the project's folder
 * @param refresh whether to read CRDs from the cluster although a copy is kept. Default: false.
 */
export async function resolveCustomKinds(
  dir: string,
  requests: readonly CrdRequest[],
  refresh = false,
): Promise<CustomKinds> {
  const kinds = new Map<string, CustomKindResult>();
  const files: ProjectFile[] = [];
  const crds = new Map<string, ForeignCrd>();
  const readCluster = once(readClusterCrds);
  for (const request of requests) {
    try {
      const crd = readCrdFile(dir, request, refresh) ?? (await readFromCluster(request));
      const kind = crdKindOf(crd, request.version);
      kinds.set(request.name, { type: 'found', kind });
      crds.set(crd.metadata.name, trimCrd(crd));
    } catch (error) {
      kinds.set(request.name, { type: 'failed', message: (error as Error).message });
    }
  }
  return { kinds, crds: [...crds.values()], files };

  async function readFromCluster(request: CrdRequest): Promise<ForeignCrd> {
    const crd = chooseCrd(await readCluster(), request, 'the cluster');
    const content = `${JSON.stringify(trimCrd(crd), null, 2)}\n`;
    files.push({
      path: keptPath(request),
      content,
      ownership: 'user-owned',
      refresh: () => content,
    });
    return crd;
  }
}

function keptPath({ name }: CrdRequest): string {
  return `.autopilot/crds/${name}.json`;
}

/**
 * Reads the file that a request names, or the kept copy of a CRD from the cluster.
 * @returns undefined when the cluster must be asked
 * @throws Error when the path is no file of the project, or the file has not the CRD
 */
function readCrdFile(dir: string, request: CrdRequest, refresh: boolean): ForeignCrd | undefined {
  const fromCluster = request.crd === CLUSTER_SOURCE;
  if (fromCluster && refresh) {
    return undefined;
  }
  const path = fromCluster ? keptPath(request) : request.crd;
  refuseOtherPath(dir, path);
  const text = readText(join(dir, path));
  if (text !== undefined) {
    const found = parseCrds(text, path);
    refusePatches(found);
    return chooseCrd(found.crds, request, path);
  }
  if (fromCluster) {
    return undefined;
  }
  throw new Error(`the file ${path} does not exist`);
}

/** @throws Error when the path is absolute, or of a folder */
function refuseOtherPath(dir: string, path: string): void {
  if (isAbsolute(path)) {
    const inside = relative(dir, path).replaceAll('\\', '/');
    throw new Error(
      `${path} is an absolute path, which other machines do not have: copy the file into the project, or write the path from there: ${inside}`,
    );
  }
  if (statSync(join(dir, path), { throwIfNoEntry: false })?.isDirectory() === true) {
    const [example] = globSync('**/*.{yaml,yml,json}', { cwd: join(dir, path) }).sort();
    const hint = example === undefined ? '' : `, for example ${join(path, example)}`;
    throw new Error(`${path} is a folder: name the file that has the CRD${hint}`);
  }
}

/** A function that runs `load` at the first call and returns the same promise afterwards. */
function once<T>(load: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= load());
}

const FILE_ALTERNATIVE =
  "or save the CRD as a file and name the file: 'kubectl get crd NAME --output yaml > crds/NAME.yaml', 'crd: crds/NAME.yaml'";

const KUBECTL_ARGUMENTS = [
  'get',
  'customresourcedefinitions',
  '--output',
  'json',
  '--request-timeout',
  '15s',
];

/** @throws Error when kubectl is missing or the cluster does not respond */
async function readClusterCrds(): Promise<readonly PlacedCrd[]> {
  const { execa } = await import('execa');
  const result = await execa('kubectl', KUBECTL_ARGUMENTS, { reject: false, stdin: 'ignore' });
  if (result.code === 'ENOENT') {
    throw new Error(
      `reading the CRD from the cluster needs kubectl, which is not on the PATH: install kubectl, ${FILE_ALTERNATIVE}`,
    );
  }
  if (result.failed) {
    const reason = result.stderr.trim().split('\n').at(-1) ?? '';
    throw new Error(
      `reading the CRD from the cluster failed, kubectl says '${reason}': choose a context that works, ${FILE_ALTERNATIVE}`,
    );
  }
  const { crds } = parseCrds(result.stdout, 'the output of kubectl');
  return crds.map(({ crd }) => ({ crd, place: 'the cluster' }));
}
