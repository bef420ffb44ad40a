/**
 * Snapshot of the quiescent cluster, without the parts that differ between two runs: times,
 * messages, uids, versions, addresses.
 */
import type { KubeApi, KubeObject, ResourceType } from '../../runtime/src/internal.ts';
import { LAST_PHASE, PARCELS } from './parcel-operator.ts';

export const CONFIG_MAPS: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
export const SERVICES: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
};

/** Objects as JSON, by `Kind name`. */
export type Snapshot = ReadonlyMap<string, string>;

interface Status {
  readonly phase?: string;
  readonly observedGeneration?: number;
  readonly colour?: string;
  readonly legs?: number;
  readonly receipt?: string;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason?: string;
  }[];
}

/** Whether the status says that the operator has handled the parcel. */
export function isQuiescent({ metadata, spec, status }: KubeObject): boolean {
  const { phase, observedGeneration, receipt, conditions = [] } = (status ?? {}) as Status;
  return (
    metadata.deletionTimestamp === undefined &&
    phase === LAST_PHASE &&
    observedGeneration === metadata.generation &&
    receipt === (spec as { colour: string }).colour &&
    conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True')
  );
}

export async function snapshot(api: KubeApi, namespace: string): Promise<Snapshot> {
  const [parcels, configMaps, services] = await Promise.all(
    [PARCELS, CONFIG_MAPS, SERVICES].map(
      async (type) => (await api.list(type, { namespace })).items,
    ),
  );
  const names = new Map((parcels ?? []).map(({ metadata }) => [metadata.uid, metadata.name]));
  const objects = [
    ...(parcels ?? []),
    ...(configMaps ?? []).filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt'),
    ...(services ?? []),
  ];
  return new Map(
    objects.map((object) => [
      `${object.kind} ${object.metadata.name}`,
      JSON.stringify(bare(object, names)),
    ]),
  );
}

/** The differences, for error messages. */
export function differences(expected: Snapshot, found: Snapshot): readonly string[] {
  return [
    ...[...expected].flatMap(([name, text]) => {
      if (!found.has(name)) {
        return [`${name} is missing`];
      }
      return found.get(name) === text ? [] : [`${name} is ${found.get(name)}, not ${text}`];
    }),
    ...[...found.keys()]
      .filter((name) => !expected.has(name))
      .map((name) => `${name} is left over`),
  ];
}

function bare(
  { kind, metadata, spec, status, ...rest }: KubeObject & { readonly data?: object },
  names: ReadonlyMap<string | undefined, string>,
): object {
  const {
    name,
    labels = {},
    annotations = {},
    finalizers = [],
    ownerReferences = [],
    deletionTimestamp,
  } = metadata;
  const ownerOf = (uid: string): string => names.get(uid) ?? 'an unknown object';
  const { clusterIP: _, clusterIPs: __, ...fields } = (spec ?? {}) as Record<string, unknown>;
  const { phase, colour, receipt, legs, conditions = [] } = (status ?? {}) as Status;
  return {
    kind,
    name,
    labels: Object.entries(labels)
      .map(([label, value]) => `${label}=${label.endsWith('/owner-uid') ? ownerOf(value) : value}`)
      .sort(),
    annotations: Object.keys(annotations).sort(),
    finalizers,
    owners: ownerReferences.map((owner) => [
      owner.kind,
      owner.name,
      owner.controller,
      ownerOf(owner.uid),
    ]),
    deleted: deletionTimestamp !== undefined,
    spec: fields,
    ...(kind === PARCELS.kind
      ? {
          status: {
            phase,
            colour,
            receipt,
            legs,
            conditions: conditions
              .map(({ type, status: value, reason }) => `${type}=${value} ${reason}`)
              .sort(),
          },
        }
      : { data: rest.data }),
  };
}
