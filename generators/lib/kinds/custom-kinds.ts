/**
 * CRDs of the kinds that customParameters name: from files of the project, or from the cluster of
 * the current kubeconfig. What comes from
 * a cluster is kept in `.autopilot/crds` and committed: the next generate needs no cluster and
 * writes the same bytes, until it is told to
 * refresh.
 */
import { join } from 'node:path';
import { chooseCrd, parseCrds, crdKindOf, trimCrd } from './foreign-crd.ts';
import type { CrdKind, CrdRequest, ForeignCrd } from './foreign-crd.ts';
import { readText } from '../generate/lock.ts';
import type { ProjectFile } from '../model/model.ts';

export const CLUSTER_SOURCE = 'cluster';

export interface CustomKinds {
  /** By lowerName: what follows from the CRD, or what is wrong. */
  readonly kinds: ReadonlyMap<string, CrdKind | string>;
  /** What was read from the cluster just now, to be kept. */
  readonly files: readonly ProjectFile[];
}

/** @param refresh ask the cluster again for what has been read from one */
export async function resolveCustomKinds(
  dir: string,
  requests: readonly CrdRequest[],
  refresh = false,
): Promise<CustomKinds> {
  const kinds = new Map<string, CrdKind | string>();
  const files: ProjectFile[] = [];
  let cluster: Promise<readonly ForeignCrd[] | string> | undefined;
  for (const request of requests) {
    const kept = `.autopilot/crds/${request.name}.json`;
    const path = request.crd === CLUSTER_SOURCE ? kept : request.crd;
    const text = refresh && request.crd === CLUSTER_SOURCE ? undefined : readText(join(dir, path));
    const crds =
      text !== undefined
        ? parseCrdFile(text, path)
        : request.crd === CLUSTER_SOURCE
          ? await (cluster ??= readClusterCrds())
          : `${path} is not there`;
    const crd =
      typeof crds === 'string'
        ? crds
        : chooseCrd(crds, request, text === undefined ? 'the cluster' : path);
    kinds.set(request.name, typeof crd === 'string' ? crd : crdKindOf(crd, request.version));
    if (text !== undefined || typeof crd === 'string') {
      continue;
    }
    const content = `${JSON.stringify(trimCrd(crd), null, 2)}\n`;
    files.push({ path: kept, content, ownership: 'user-owned', refresh: () => content });
  }
  return { kinds, files };
}

function parseCrdFile(text: string, path: string): readonly ForeignCrd[] | string {
  try {
    return parseCrds(text, path);
  } catch (error) {
    return (error as Error).message;
  }
}

const ALTERNATIVE =
  "or save the CRD as a file and name that: 'kubectl get crd NAME --output yaml > crds/NAME.yaml', 'crd: crds/NAME.yaml'";

/** @returns a sentence when there is no kubectl or no cluster */
async function readClusterCrds(): Promise<readonly ForeignCrd[] | string> {
  const { execa } = await import('execa');
  const result = await execa(
    'kubectl',
    ['get', 'customresourcedefinitions', '--output', 'json', '--request-timeout', '15s'],
    {
      reject: false,
      stdin: 'ignore',
    },
  );
  if (result.code === 'ENOENT') {
    return `the CRD is to come from the cluster, which needs kubectl, and there is none on the PATH: install it, ${ALTERNATIVE}`;
  }
  if (result.failed) {
    const reason = result.stderr.trim().split('\n').at(-1) ?? '';
    return `the CRD is to come from the cluster, but kubectl says '${reason}': choose a context that works, ${ALTERNATIVE}`;
  }
  return parseCrdFile(result.stdout, 'the answer of kubectl');
}
