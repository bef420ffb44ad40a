/**
 * The columns of each kind: its additionalPrinterColumns, and those that kubectl shows of common
 * built-in kinds.
 */
import type { KubeObject } from 'autopilot-runtime/ports';
import type { Kind } from '../cluster/kinds.ts';
import { found } from './jsonpath.ts';

export type Cell = string | number | boolean | null;

export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  /** Above 0: only in -o wide. */
  readonly priority?: number;
  readonly cell: (object: KubeObject, now: number) => Cell;
}

// oxlint-disable-next-line typescript/no-explicit-any -- columns look into objects of every built-in kind
type Loose = any;

const NAME: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  cell: ({ metadata }) => metadata.name,
};
const AGE: TableColumn = {
  name: 'Age',
  type: 'string',
  cell: ({ metadata }, now) => ageOf(metadata.creationTimestamp, now),
};

function column(
  name: string,
  cell: (object: Loose) => Cell | undefined,
  priority = 0,
): TableColumn {
  return { name, type: 'string', priority, cell: (object) => cell(object) ?? '<none>' };
}

const selector = (labels: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',') || '<none>';
const sizeOf = (value: object | undefined): number => Object.keys(value ?? {}).length;
const containers = (object: Loose, field: 'name' | 'image'): string =>
  (object.spec?.template?.spec?.containers ?? []).map((one: Loose) => one[field]).join(',');

const BUILTIN: Readonly<Record<string, readonly TableColumn[]>> = {
  'deployments.apps': [
    column('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 1}`),
    column('Up-to-date', ({ status }) => status?.updatedReplicas ?? 0),
    column('Available', ({ status }) => status?.availableReplicas ?? 0),
    AGE,
    column('Containers', (object) => containers(object, 'name'), 1),
    column('Images', (object) => containers(object, 'image'), 1),
    column('Selector', ({ spec }) => selector(spec?.selector?.matchLabels), 1),
  ],
  services: [
    column('Type', ({ spec }) => spec?.type),
    column('Cluster-IP', ({ spec }) => spec?.clusterIP),
    column('External-IP', ({ spec }) => spec?.externalName),
    column('Port(s)', ({ spec }) =>
      (spec?.ports ?? [])
        .map(
          (one: Loose) =>
            `${one.port}${one.nodePort === undefined ? '' : `:${one.nodePort}`}/${one.protocol}`,
        )
        .join(','),
    ),
    AGE,
    column('Selector', ({ spec }) => selector(spec?.selector), 1),
  ],
  configmaps: [column('Data', ({ data, binaryData }) => sizeOf(data) + sizeOf(binaryData)), AGE],
  secrets: [column('Type', ({ type }) => type), column('Data', ({ data }) => sizeOf(data)), AGE],
  namespaces: [column('Status', ({ status }) => status?.phase), AGE],
  pods: [
    column(
      'Ready',
      ({ spec, status }) =>
        `${(status?.containerStatuses ?? []).filter((one: Loose) => one.ready).length}/${spec?.containers?.length ?? 0}`,
    ),
    column('Status', ({ status }) => status?.phase ?? 'Pending'),
    AGE,
    column('IP', ({ status }) => status?.podIP, 1),
  ],
  'leases.coordination.k8s.io': [column('Holder', ({ spec }) => spec?.holderIdentity), AGE],
  'customresourcedefinitions.apiextensions.k8s.io': [
    column('Created At', ({ metadata }) => metadata.creationTimestamp),
  ],
};

/** Of Events in both of their APIs. */
const EVENT: readonly TableColumn[] = [
  {
    name: 'Last Seen',
    type: 'string',
    cell: (event: Loose, now) =>
      ageOf(
        event.series?.lastObservedTime ??
          event.deprecatedLastTimestamp ??
          event.lastTimestamp ??
          event.eventTime,
        now,
      ),
  },
  column('Type', ({ type }) => type),
  column('Reason', ({ reason }) => reason),
  column(
    'Object',
    ({ regarding, involvedObject = regarding }) =>
      `${String(involvedObject?.kind).toLowerCase()}/${involvedObject?.name}`,
  ),
  column('Message', ({ note, message = note }) => message),
  column('Name', ({ metadata }) => metadata.name, 1),
];

/** Name first, then the kind's own; without any, the age. Events begin with when they were seen. */
export function columnsOf(kind: Kind): readonly TableColumn[] {
  const { columns, group, plural } = kind;
  if (plural === 'events' && (group === '' || group === 'events.k8s.io')) {
    return EVENT;
  }
  if (columns === undefined || columns.length === 0) {
    return [NAME, ...(BUILTIN[group === '' ? plural : `${plural}.${group}`] ?? [AGE])];
  }
  return [
    NAME,
    ...columns.map(({ name, type, format, description, priority, jsonPath }): TableColumn => ({
      name,
      type,
      ...(format !== undefined && { format }),
      ...(description !== undefined && { description }),
      ...(priority !== undefined && { priority }),
      cell: (object, now) => {
        const [value] = found(object, jsonPath);
        if (value === undefined || value === null) {
          return type === 'string' ? '' : null;
        }
        if (type === 'date') {
          return ageOf(typeof value === 'string' ? value : undefined, now);
        }
        return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
          ? value
          : JSON.stringify(value);
      },
    })),
  ];
}

/** As kubectl writes durations: 5s, 3m, 2m7s, 4h, 12d. */
function ageOf(time: string | undefined, now: number): string {
  const at = time === undefined ? Number.NaN : Date.parse(time);
  if (Number.isNaN(at)) {
    return '<unknown>';
  }
  const seconds = Math.max(0, Math.floor((now - at) / 1000));
  const [minutes, hours, days] = [
    Math.floor(seconds / 60),
    Math.floor(seconds / 3600),
    Math.floor(seconds / 86_400),
  ];
  const with_ = (large: number, unit: string, rest: number, small: string): string =>
    `${large}${unit}${rest > 0 ? `${rest}${small}` : ''}`;
  if (seconds < 120) {
    return `${seconds}s`;
  }
  if (minutes < 10) {
    return with_(minutes, 'm', seconds % 60, 's');
  }
  if (minutes < 180) {
    return `${minutes}m`;
  }
  if (hours < 8) {
    return with_(hours, 'h', minutes % 60, 'm');
  }
  if (hours < 48) {
    return `${hours}h`;
  }
  return days < 8 ? with_(days, 'd', hours % 24, 'h') : `${days}d`;
}
