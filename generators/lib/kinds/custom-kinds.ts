/**
 * CRDs of the kinds that customParameters name: from files of the project, or from the cluster of the current kubeconfig. What comes from
 * a cluster is kept in `.autopilot/crds` and committed: the next generate needs no cluster and writes the same bytes, until it is told to
 * refresh.
 */
import { join } from 'node:path';
import { chosenCrd, crdsIn, kindOf, trimmedCrd } from './crd/source.ts';
import type { CrdKind, CrdRequest, ForeignCrd } from './crd/source.ts';
import { readText } from './lock.ts';
import type { ProjectFile } from './model.ts';

export const CLUSTER = 'cluster';

export interface CustomKinds {
  /** By lowerName: what follows from the CRD, or what is wrong. */
  readonly kinds: ReadonlyMap<string, CrdKind | string>;
  /** What was read from the cluster just now, to be kept. */
  readonly files: readonly ProjectFile[];
}

/** @param refresh ask the cluster again for what has been read from one */
export async function customKinds(dir: string, requests: readonly CrdRequest[], refresh = false): Promise<CustomKinds> {
  const kinds = new Map<string, CrdKind | string>();
  const files: ProjectFile[] = [];
  let cluster: Promise<readonly ForeignCrd[] | string> | undefined;
  for (const request of requests) {
    const kept = `.autopilot/crds/${request.name}.json`;
    const path = request.crd === CLUSTER ? kept : request.crd;
    const text = refresh && request.crd === CLUSTER ? undefined : readText(join(dir, path));
    const crds = text !== undefined ? read(text, path) : request.crd === CLUSTER ? await (cluster ??= fromCluster()) : `${path} is not there`;
    const crd = typeof crds === 'string' ? crds : chosenCrd(crds, request, text === undefined ? 'the cluster' : path);
    kinds.set(request.name, typeof crd === 'string' ? crd : kindOf(crd, request.version));
    if (text !== undefined || typeof crd === 'string') continue;
    const content = `${JSON.stringify(trimmedCrd(crd), null, 2)}\n`;
    files.push({ path: kept, content, ownership: 'yours', follow: () => content });
  }
  return { kinds, files };
}

function read(text: string, path: string): readonly ForeignCrd[] | string {
  try {
    return crdsIn(text, path);
  } catch (error) {
    return (error as Error).message;
  }
}

const INSTEAD = "or save the CRD as a file and name that: 'kubectl get crd NAME --output yaml > crds/NAME.yaml', 'crd: crds/NAME.yaml'";

/** @returns a sentence when there is no kubectl or no cluster */
async function fromCluster(): Promise<readonly ForeignCrd[] | string> {
  const { execa } = await import('execa');
  const result = await execa('kubectl', ['get', 'customresourcedefinitions', '--output', 'json', '--request-timeout', '15s'], {
    reject: false,
    stdin: 'ignore',
  });
  if (result.code === 'ENOENT') return `the CRD is to come from the cluster, which needs kubectl, and there is none on the PATH: install it, ${INSTEAD}`;
  if (result.failed) {
    const reason = result.stderr.trim().split('\n').at(-1) ?? '';
    return `the CRD is to come from the cluster, but kubectl says '${reason}': choose a context that works, ${INSTEAD}`;
  }
  return read(result.stdout, 'the answer of kubectl');
}
