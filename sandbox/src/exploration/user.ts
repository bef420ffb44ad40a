/** The people and controllers of a scenario: they change the cluster directly. */
import type { KubeObject, ObjectKey, ResourceType, Scheduler } from 'autopilot-runtime/internal';
import { hasCode } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { ObjectManifest } from '../testing/sandbox.ts';
import { declaredKinds } from './cluster-snapshot.ts';
import type { ClusterChange } from './scenario.ts';
import type { RunTrace } from './run-trace.ts';
import { objectLabel } from './run-trace.ts';

export class User {
  readonly #cluster: Cluster;
  readonly #scheduler: Scheduler;
  readonly #trace: RunTrace;

  constructor(cluster: Cluster, scheduler: Scheduler, trace: RunTrace) {
    this.#cluster = cluster;
    this.#scheduler = scheduler;
    this.#trace = trace;
  }

  /** Returns why it was refused; undefined when it was not. */
  async makeChange(change: ClusterChange): Promise<Error | undefined> {
    this.#trace.add('user', formatChange(change));
    try {
      await this.#apply(change);
      return undefined;
    } catch (error) {
      this.#trace.add('user', `is refused: ${(error as Error).message}`);
      return error as Error;
    }
  }

  async #apply(change: ClusterChange): Promise<void> {
    const { api } = this.#cluster;
    if (change.type === 'create') {
      return this.create(change.object);
    }
    const { kind, name, namespace } = change;
    const type =
      declaredKinds(this.#scheduler).find((declared) => declared.kind === kind) ??
      this.#cluster.typeNamed(kind);
    const key = keyInScope(type, name, namespace);
    if (change.type === 'patch') {
      await api.patch(type, key, { type: 'merge', body: change.body });
    } else {
      await api.delete(type, key);
    }
  }

  /** Creates an object, its namespace and its status as it is written down. */
  async create(object: ObjectManifest): Promise<void> {
    const { api } = this.#cluster;
    const type = this.#cluster.typeOf(object);
    const key = keyInScope(type, object.metadata.name, object.metadata.namespace);
    if (key.namespace !== undefined) {
      await this.#ensureNamespace(key.namespace);
    }
    const created = await api.create(type, { ...object, metadata: { ...object.metadata, ...key } });
    const { status } = object as { readonly status?: unknown };
    if (status !== undefined && created.status === undefined) {
      await api.patch(type, key, { type: 'merge', body: { status } }, { subresource: 'status' });
    }
  }

  async #ensureNamespace(name: string): Promise<void> {
    const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await this.#cluster.api
      .create(this.#cluster.typeOf(namespace), namespace)
      .catch((error: unknown) => {
        if (!hasCode(error, 409)) {
          throw error;
        }
      });
  }
}

function keyInScope(type: ResourceType, name: string, namespace = 'default'): ObjectKey {
  return type.namespaced ? { namespace, name } : { name };
}

function formatChange(change: ClusterChange): string {
  if (change.type === 'create') {
    return `creates ${objectLabel(change.object.kind, change.object.metadata)}`;
  }
  const target = objectLabel(change.kind, change);
  return change.type === 'remove'
    ? `deletes ${target}`
    : `changes ${target}: ${JSON.stringify(change.body)}`;
}
