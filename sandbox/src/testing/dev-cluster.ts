/**
 * A cluster to develop against, for `npm run dev -- --sandbox`: an in-memory cluster in real time,
 * with the project's CustomResourceDefinition, its samples, and an API server for kubectl.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from 'autopilot-runtime';
import { describeObject, hasCode, systemClock } from 'autopilot-runtime/internal';
import { Cluster } from '../cluster/cluster.ts';
import { serveApi } from '../api-server/serve-api.ts';
import { readManifests } from './read-manifests.ts';

/** A running development cluster. */
export interface DevCluster {
  /** The in-memory cluster. */
  readonly cluster: Cluster;
  /** Content of a kubeconfig file for the cluster's API server. */
  readonly kubeconfig: string;
  /** The samples that were created, as `Kind namespace/name`. */
  readonly created: readonly string[];
  /** Stops the API server. */
  close(): Promise<void>;
}

/**
 * Starts a development cluster.
 *
 * @param project folder of the project. The definitions in `src/generated` and all objects in
 * `examples/*.yaml` are created; the examples are read as kubectl reads them.
 * @throws Error that names the file when an object is not valid YAML or the cluster refuses it.
 */
export async function startDevCluster(project: string): Promise<DevCluster> {
  const cluster = new Cluster({ clock: systemClock });
  const files = [
    'src/generated/crd.json',
    ...globSync('src/generated/foreign-crds.json', { cwd: project }),
    ...globSync('examples/*.{yaml,yml}', { cwd: project }).sort(),
  ];
  const created: string[] = [];
  for (const file of files) {
    for (const object of objectsOf(project, file)) {
      try {
        const made = await createWithNamespace(cluster, object);
        if (!file.endsWith('.json')) {
          created.push(describeObject(made));
        }
      } catch (error) {
        throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
      }
    }
  }
  const apiServer = await serveApi(cluster);
  return { cluster, kubeconfig: apiServer.kubeconfig, created, close: () => apiServer.close() };
}

function objectsOf(project: string, file: string): readonly KubeObject[] {
  const text = readFileSync(join(project, file), 'utf8');
  return file.endsWith('.json')
    ? [JSON.parse(text) as KubeObject | KubeObject[]].flat()
    : (readManifests(text, file) as readonly KubeObject[]);
}

/** Creates an object, by default in `default`, and its namespace if that does not exist. */
async function createWithNamespace(cluster: Cluster, object: KubeObject): Promise<KubeObject> {
  const type = cluster.typeOf(object);
  const namespace = type.namespaced ? (object.metadata.namespace ?? 'default') : undefined;
  if (namespace !== undefined) {
    const parent = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    await cluster.api.create(cluster.typeOf(parent), parent).catch((error: unknown) => {
      if (!hasCode(error, 409)) {
        throw error;
      }
    });
  }
  return cluster.api.create(
    type,
    { ...object, metadata: { ...object.metadata, ...(namespace !== undefined && { namespace }) } },
    { fieldManager: 'dev' },
  );
}
