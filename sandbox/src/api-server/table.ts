/** Tables: the form in which `kubectl get` receives objects. */
import type { KubeList } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { Kind } from '../cluster/kind-registry.ts';
import type { TableCell } from './table-columns.ts';
import { columnsOf } from './table-columns.ts';
import type { ApiRequest } from './api-request.ts';

/** Whether the client accepts a Table. */
export function wantsTable({ accept }: ApiRequest): boolean {
  const [first = ''] = accept.split(',');
  return first.includes('as=Table') && first.includes('g=meta.k8s.io');
}

/** Objects as a Table, with the columns of their kind. */
export function tableOf(
  cluster: Cluster,
  kind: Kind,
  { query }: ApiRequest,
  list: Pick<KubeList, 'items'> & Partial<KubeList>,
): object {
  const columns = columnsOf(kind);
  const now = cluster.clock.now();
  const include = query.get('includeObject') ?? 'Metadata';
  const rows = list.items.map((object) => ({
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
      resourceVersion: list.resourceVersion ?? list.items[0]?.metadata.resourceVersion ?? '',
      ...(list.continue !== undefined && { continue: list.continue }),
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
