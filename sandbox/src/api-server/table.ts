/** Tables: how `kubectl get` shows objects. */
import type { KubeList, KubeObject } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { Kind } from '../cluster/kind-registry.ts';
import type { TableCell } from './table-columns.ts';
import { columnsOf } from './table-columns.ts';
import type { ApiRequest } from './api-request.ts';

export function wantsTable({ accept }: ApiRequest): boolean {
  const [first = ''] = accept.split(',');
  return first.includes('as=Table') && first.includes('g=meta.k8s.io');
}

export function tableOf(
  cluster: Cluster,
  kind: Kind,
  { query }: ApiRequest,
  objects: readonly KubeObject[],
  list?: KubeList,
): object {
  const columns = columnsOf(kind);
  const now = cluster.clock.now();
  const include = query.get('includeObject') ?? 'Metadata';
  const rows = objects.map((object) => ({
    cells: columns.map(({ cell }): TableCell => cell(object, now)),
    ...(include === 'Object' && { object }),
    ...(include === 'Metadata' && {
      object: {
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: object.metadata,
      },
    }),
  }));
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: {
      resourceVersion: list?.resourceVersion ?? objects[0]?.metadata.resourceVersion ?? '',
      ...(list?.continue !== undefined && { continue: list.continue }),
    },
    columnDefinitions: columns.map(
      ({ name, type, format = '', description = '', priority = 0 }) => ({
        name,
        type,
        format,
        description,
        priority,
      }),
    ),
    rows,
  };
}
