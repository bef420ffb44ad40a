/**
 * The workload of every contender: each resource goes through four phases. Each phase applies one
 * ConfigMap, then writes the next phase to status.
 */
import type { AnyContext, AnyResult, KubeObject, ResourceType } from 'autopilot-runtime/internal';
import { defineScheduler } from 'autopilot-runtime/generated';

export const RUNS: ResourceType = {
  group: 'bench.autopilot.test',
  version: 'v1',
  kind: 'Run',
  plural: 'runs',
  namespaced: true,
};
export const CONFIG_MAPS: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
export const NAMESPACE = 'bench';
export const PHASES = ['One', 'Two', 'Three', 'Four'] as const;
export const LAST = 'Done';

const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
export const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${RUNS.plural}.${RUNS.group}` },
  spec: {
    group: RUNS.group,
    names: { kind: RUNS.kind, plural: RUNS.plural, singular: 'run', listKind: 'RunList' },
    scope: 'Namespaced',
    versions: [
      {
        name: RUNS.version,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: open, status: open } } },
      },
    ],
  },
};

/** @param outputs number of ConfigMaps per resource. */
export function resource(index: number, outputs = 1): KubeObject {
  return {
    apiVersion: `${RUNS.group}/${RUNS.version}`,
    kind: RUNS.kind,
    metadata: { name: `run-${String(index).padStart(5, '0')}`, namespace: NAMESPACE },
    spec: { outputs },
  };
}

export function configMap(name: string, phase: string): KubeObject & { readonly data: object } {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: { phase, note: `what ${name} needs in ${phase}` },
  };
}

async function worker({ resource: { metadata, spec, status } }: AnyContext): Promise<AnyResult> {
  const phase = (status as { phase?: string } | undefined)?.phase ?? PHASES[0];
  const next = PHASES[PHASES.indexOf(phase as (typeof PHASES)[number]) + 1] ?? LAST;
  const { outputs } = spec as { outputs: number };
  return {
    next,
    outputs: {
      configmaps: Array.from({ length: outputs }, (_, index) =>
        configMap(`${metadata.name}-${index}`, phase),
      ),
    },
  };
}

export const scheduler = defineScheduler({
  operatorName: 'bench-operator',
  resource: RUNS,
  queries: [],
  phases: [
    ...PHASES.map((name, index) => ({
      name,
      initial: index === 0,
      inputs: [],
      outputs: [{ name: 'configmaps', type: CONFIG_MAPS, namespace: 'own' as const }],
      worker,
    })),
    { name: LAST, final: true, inputs: [], outputs: [] },
  ],
});
