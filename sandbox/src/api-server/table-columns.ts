/**
 * Table columns: the additionalPrinterColumns of custom resources, and kubectl's columns of common
 * built-in kinds.
 */
import type { KubeObject } from 'autopilot-runtime/internal';
import type { Kind } from '../cluster/kind-registry.ts';
import { evaluateJsonPath } from './json-path.ts';

/** The value of a cell. */
export type TableCell = string | number | boolean | null;

/** A column of a Table. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  /** Columns above 0 are shown with -o wide only. */
  readonly priority?: number;
  readonly cell: (object: KubeObject, now: number) => TableCell;
}

// oxlint-disable-next-line typescript/no-explicit-any -- columns read objects of many kinds
type AnyObject = any;

const NAME_COLUMN: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  cell: ({ metadata }) => metadata.name,
};
const AGE_COLUMN: TableColumn = {
  name: 'Age',
  type: 'string',
  cell: ({ metadata }, now) => formatAge(metadata.creationTimestamp, now),
};

function createColumn(
  name: string,
  cell: (object: AnyObject) => TableCell | undefined,
  priority = 0,
): TableColumn {
  return { name, type: 'string', priority, cell: (object) => cell(object) ?? '<none>' };
}

const formatLabels = (labels: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',') || '<none>';
const countMembers = (value: object | undefined): number => Object.keys(value ?? {}).length;
const containers = (object: AnyObject, field: 'name' | 'image'): string =>
  (object.spec?.template?.spec?.containers ?? []).map((one: AnyObject) => one[field]).join(',');

const BUILT_IN_COLUMNS: Readonly<Record<string, readonly TableColumn[]>> = {
  'deployments.apps': [
    createColumn(
      'Ready',
      ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 1}`,
    ),
    createColumn('Up-to-date', ({ status }) => status?.updatedReplicas ?? 0),
    createColumn('Available', ({ status }) => status?.availableReplicas ?? 0),
    AGE_COLUMN,
    createColumn('Containers', (object) => containers(object, 'name'), 1),
    createColumn('Images', (object) => containers(object, 'image'), 1),
    createColumn('Selector', ({ spec }) => formatLabels(spec?.selector?.matchLabels), 1),
  ],
  services: [
    createColumn('Type', ({ spec }) => spec?.type),
    createColumn('Cluster-IP', ({ spec }) => spec?.clusterIP),
    createColumn('External-IP', ({ spec }) => spec?.externalName),
    createColumn('Port(s)', ({ spec }) =>
      (spec?.ports ?? [])
        .map(
          (one: AnyObject) =>
            `${one.port}${one.nodePort === undefined ? '' : `:${one.nodePort}`}/${one.protocol}`,
        )
        .join(','),
    ),
    AGE_COLUMN,
    createColumn('Selector', ({ spec }) => formatLabels(spec?.selector), 1),
  ],
  configmaps: [
    createColumn('Data', ({ data, binaryData }) => countMembers(data) + countMembers(binaryData)),
    AGE_COLUMN,
  ],
  secrets: [
    createColumn('Type', ({ type }) => type),
    createColumn('Data', ({ data }) => countMembers(data)),
    AGE_COLUMN,
  ],
  namespaces: [createColumn('Status', ({ status }) => status?.phase), AGE_COLUMN],
  pods: [
    createColumn(
      'Ready',
      ({ spec, status }) =>
        `${(status?.containerStatuses ?? []).filter((one: AnyObject) => one.ready).length}/${spec?.containers?.length ?? 0}`,
    ),
    createColumn('Status', ({ status }) => status?.phase ?? 'Pending'),
    AGE_COLUMN,
    createColumn('IP', ({ status }) => status?.podIP, 1),
  ],
  'leases.coordination.k8s.io': [
    createColumn('Holder', ({ spec }) => spec?.holderIdentity),
    AGE_COLUMN,
  ],
  'customresourcedefinitions.apiextensions.k8s.io': [
    createColumn('Created At', ({ metadata }) => metadata.creationTimestamp),
  ],
};

/** Columns of Events, for both API groups. */
const EVENT_COLUMNS: readonly TableColumn[] = [
  {
    name: 'Last Seen',
    type: 'string',
    cell: (event: AnyObject, now) =>
      formatAge(
        event.series?.lastObservedTime ??
          event.deprecatedLastTimestamp ??
          event.lastTimestamp ??
          event.eventTime,
        now,
      ),
  },
  createColumn('Type', ({ type }) => type),
  createColumn('Reason', ({ reason }) => reason),
  createColumn(
    'Object',
    ({ regarding, involvedObject = regarding }) =>
      `${String(involvedObject?.kind).toLowerCase()}/${involvedObject?.name}`,
  ),
  createColumn('Message', ({ note, message = note }) => message),
  createColumn('Name', ({ metadata }) => metadata.name, 1),
];

/** The name and the columns of the kind, or the name and the age. Events begin with their age. */
export function columnsOf(kind: Kind): readonly TableColumn[] {
  const { columns, group, plural } = kind;
  if (plural === 'events' && (group === '' || group === 'events.k8s.io')) {
    return EVENT_COLUMNS;
  }
  if (columns === undefined || columns.length === 0) {
    return [
      NAME_COLUMN,
      ...(BUILT_IN_COLUMNS[group === '' ? plural : `${plural}.${group}`] ?? [AGE_COLUMN]),
    ];
  }
  return [
    NAME_COLUMN,
    ...columns.map(({ name, type, format, description, priority, jsonPath }): TableColumn => ({
      name,
      type,
      ...(format !== undefined && { format }),
      ...(description !== undefined && { description }),
      ...(priority !== undefined && { priority }),
      cell: (object, now) => {
        const [value] = evaluateJsonPath(object, jsonPath);
        if (value === undefined || value === null) {
          return type === 'string' ? '' : null;
        }
        if (type === 'date') {
          return formatAge(typeof value === 'string' ? value : undefined, now);
        }
        return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
          ? value
          : JSON.stringify(value);
      },
    })),
  ];
}

/** An age in the form of kubectl: 5s, 3m, 2m7s, 4h, 12d. */
function formatAge(time: string | undefined, now: number): string {
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
