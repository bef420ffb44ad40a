/** The people and controllers of a scenario: they change the cluster directly. */
import type { KubeObject, ObjectKey, ResourceType, Scheduler } from 'autopilot-runtime/ports';
import { hasCode } from 'autopilot-runtime/ports';
import type { Cluster } from '../cluster/cluster.ts';
import type { FlightObject } from '../kit/fly.ts';
import { declaredKinds } from './look.ts';
import type { Act } from './scenario.ts';
import type { Trace } from './trace.ts';
import { nameOf } from './trace.ts';

export class User {
  readonly #cluster: Cluster;
  readonly #scheduler: Scheduler;
  readonly #trace: Trace;

  constructor(cluster: Cluster, scheduler: Scheduler, trace: Trace) {
    this.#cluster = cluster;
    this.#scheduler = scheduler;
    this.#trace = trace;
  }

  /** Returns why it was refused; undefined when it was not. */
  async act(step: Act): Promise<Error | undefined> {
    this.#trace.add('user', sentence(step));
    try {
      await this.#do(step);
      return undefined;
    } catch (error) {
      this.#trace.add('user', `is refused: ${(error as Error).message}`);
      return error as Error;
    }
  }

  async #do(step: Act): Promise<void> {
    const { api } = this.#cluster;
    if (step.does === 'create') {
      return this.create(step.object);
    }
    const { kind, name, namespace } = step;
    const type =
      declaredKinds(this.#scheduler).find((declared) => declared.kind === kind) ??
      this.#cluster.typeNamed(kind);
    const key = keyIn(type, name, namespace);
    if (step.does === 'patch') {
      await api.patch(type, key, { type: 'merge', body: step.change });
    } else {
      await api.delete(type, key);
    }
  }

  /** Creates an object, its namespace and its status as it is written down. */
  async create(object: FlightObject): Promise<void> {
    const { api } = this.#cluster;
    const type = this.#cluster.typeOf(object);
    const key = keyIn(type, object.metadata.name, object.metadata.namespace);
    if (key.namespace !== undefined) {
      await this.#needNamespace(key.namespace);
    }
    const made = await api.create(type, { ...object, metadata: { ...object.metadata, ...key } });
    const { status } = object as { readonly status?: unknown };
    if (status !== undefined && made.status === undefined) {
      await api.patch(type, key, { type: 'merge', body: { status } }, { subresource: 'status' });
    }
  }

  async #needNamespace(name: string): Promise<void> {
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

function keyIn(type: ResourceType, name: string, namespace = 'default'): ObjectKey {
  return type.namespaced ? { namespace, name } : { name };
}

function sentence(step: Act): string {
  if (step.does === 'create') {
    return `creates ${nameOf(step.object.kind, step.object.metadata)}`;
  }
  const what = nameOf(step.kind, step);
  return step.does === 'remove'
    ? `deletes ${what}`
    : `changes ${what}: ${JSON.stringify(step.change)}`;
}
