/** The scale subresource: the replicas of an object, wherever its kind keeps them. */
import type { KubeObject } from 'autopilot-runtime/internal';
import { isMap, freezeJson } from './frozen-json.ts';
import type { Kind } from './kind-registry.ts';

/** JSON paths of the scale subresource, as a CustomResourceDefinition declares them. */
export interface ScalePaths {
  /** Path of the desired replicas, for example `.spec.replicas`. */
  readonly spec: string;
  /** Path of the observed replicas. */
  readonly status: string;
  /** Path of the label selector in its string form. Default: none. */
  readonly selector?: string;
}

/** The Scale of an object. Absent replicas count as 0. */
export function toScale(kind: Kind, object: KubeObject, paths: ScalePaths): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = kind.custom === true ? customSelector(object, paths) : selectorOf(object);
  return freezeJson({
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicasSpec(readPath(object, paths.spec)),
    status: {
      replicas: Number(readPath(object, paths.status) ?? 0),
      ...(typeof selector === 'string' && { selector }),
    },
  } as KubeObject);
}

/** The object with the replicas of a Scale. */
export function withReplicas(object: KubeObject, scale: KubeObject, paths: ScalePaths): KubeObject {
  const { replicas: wanted = 0 } = (scale.spec ?? {}) as { replicas?: number };
  return writePath(object, pathParts(paths.spec), wanted) as KubeObject;
}

function customSelector(object: KubeObject, { selector }: ScalePaths): unknown {
  return selector === undefined ? undefined : readPath(object, selector);
}

function replicasSpec(value: unknown): object {
  return typeof value === 'number' && value !== 0 ? { replicas: value } : {};
}

function pathParts(path: string): readonly string[] {
  return path.split('.').filter((part) => part !== '');
}

function readPath(object: unknown, path: string): unknown {
  return pathParts(path).reduce<unknown>(
    (value, part) => (isMap(value) ? value[part] : undefined),
    object,
  );
}

function writePath(value: unknown, [part, ...rest]: readonly string[], wanted: unknown): unknown {
  if (part === undefined) {
    return wanted;
  }
  const map = isMap(value) ? value : {};
  return { ...map, [part]: writePath(map[part], rest, wanted) };
}

function selectorOf({ spec }: KubeObject): string | undefined {
  const { selector } = (spec ?? {}) as {
    selector?: { matchLabels?: Readonly<Record<string, string>> };
  };
  const labels = Object.entries(selector?.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return labels.length === 0
    ? undefined
    : labels.map(([key, value]) => `${key}=${value}`).join(',');
}
