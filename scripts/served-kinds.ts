/**
 * Writes sandbox/src/cluster/served-kinds.ts: the kinds that a real API server with the CRDs of
 * Istio and the Gateway API serves, and how their lists merge, from its discovery and OpenAPI
 * documents. Run the script again after an update of the version in test/realparts.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SchemaReferences, MergeSchema, Shape } from '../sandbox/src/cluster/merge-shape.ts';
import { mergeShapeOf } from '../sandbox/src/cluster/merge-shape.ts';
import { controlPlane, until } from '../test/realparts/index.ts';
import { root } from './build.ts';

interface DiscoveredResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}
interface OpenApiDocument {
  readonly components: {
    readonly schemas: Readonly<
      Record<
        string,
        MergeSchema & {
          'x-kubernetes-group-version-kind'?: readonly {
            group: string;
            version: string;
            kind: string;
          }[];
        }
      >
    >;
  };
}

const plane = await controlPlane();
try {
  await plane.installIstioCrds();
  await plane.installGatewayApiCrds();
  const raw = async <T>(path: string): Promise<T> =>
    JSON.parse(await plane.kubectl(['get', '--raw', path])) as T;
  await until('the CRDs are in the OpenAPI document', 30_000, () =>
    raw('/openapi/v3/apis/gateway.networking.k8s.io/v1'),
  );
  const { groups } = await raw<{
    groups: { name: string; versions: { groupVersion: string }[] }[];
  }>('/apis');
  const versions = [
    'v1',
    ...groups.flatMap((group) => group.versions.map(({ groupVersion }) => groupVersion)),
  ];

  const definitions = await raw<{ items: { metadata: { name: string } }[] }>(
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  );
  const defined = new Set(definitions.items.map(({ metadata }) => metadata.name));

  const shared = new Map<string, { shape: Shape | undefined; text: string }>();
  const kinds: object[] = [];
  for (const groupVersion of versions) {
    const path = groupVersion.includes('/') ? `apis/${groupVersion}` : `api/${groupVersion}`;
    const [group, version] = groupVersion.includes('/')
      ? (groupVersion.split('/') as [string, string])
      : ['', groupVersion];
    const { resources } = await raw<{ resources: readonly DiscoveredResource[] }>(`/${path}`);
    const { schemas } = (await raw<OpenApiDocument>(`/openapi/v3/${path}`)).components;
    const open = new Set<string>();
    const lastPart = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);
    const references: SchemaReferences = {
      schema: (ref) => schemas[lastPart(ref)],
      shape(ref) {
        const name = lastPart(ref);
        if (name.endsWith('.ObjectMeta') || open.has(name)) {
          return undefined;
        }
        if (!shared.has(name)) {
          open.add(name);
          const shape = mergeShapeOf(schemas[name] ?? {}, references);
          open.delete(name);
          shared.set(name, { shape, text: JSON.stringify(shape) });
        }
        const { shape, text } = shared.get(name) ?? {};
        return shape === undefined || (text ?? '').length < 200 ? shape : { ref: shortName(name) };
      },
    };
    for (const { name, kind, namespaced, verbs } of resources) {
      if (name.includes('/') || !verbs.includes('watch') || !verbs.includes('create')) {
        continue;
      }
      const schema = Object.entries(schemas).find(([, one]) =>
        one['x-kubernetes-group-version-kind']?.some(
          (gvk) => gvk.group === group && gvk.version === version && gvk.kind === kind,
        ),
      )?.[1];
      const shape =
        schema === undefined
          ? undefined
          : mergeShapeOf(
              { ...schema, properties: omit(schema.properties, 'metadata') },
              references,
            );
      const status = resources.some((one) => one.name === `${name}/status`);
      const custom = defined.has(`${name}.${group}`);
      kinds.push({
        group,
        version,
        kind,
        plural: name,
        namespaced,
        ...(custom && { custom }),
        ...(status && { status }),
        ...(shape !== undefined && { shape }),
      });
    }
  }
  const used = new Set<string>();
  const collect = (value: unknown): void => {
    for (const [, ref] of JSON.stringify(value).matchAll(/"ref":"([^"]+)"/g)) {
      if (ref !== undefined && ref !== 'any' && !used.has(ref)) {
        used.add(ref);
        collect([...shared].find(([name]) => shortName(name) === ref)?.[1].shape);
      }
    }
  };
  collect(kinds);
  const shapes = [...shared]
    .filter(([name]) => used.has(shortName(name)))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const text = `// Made by scripts/served-kinds.ts from a real API server. Do not edit.
import type { Shape } from './merge-shape.ts';
import type { ServedKind } from './kind-registry.ts';

export const MERGE_SHAPES: Readonly<Record<string, Shape>> = {
${shapes.map(([name, { shape }]) => `  ${JSON.stringify(shortName(name))}: ${JSON.stringify(shape)},`).join('\n')}
};

export const SERVED_KINDS: readonly ServedKind[] = [
${kinds.map((kind) => `  ${JSON.stringify(kind)},`).join('\n')}
];
`;
  writeFileSync(join(root, 'sandbox/src/cluster/served-kinds.ts'), text);
  console.log(`${kinds.length} kinds, ${shapes.length} shared shapes, ${text.length} bytes`);
} finally {
  await plane.stop();
}

/** The last two parts of a schema's name say enough: v1.PodSpec. */
function shortName(name: string): string {
  return name.split('.').slice(-2).join('.');
}

function omit(
  properties: MergeSchema['properties'],
  name: string,
): Readonly<Record<string, MergeSchema>> {
  return Object.fromEntries(Object.entries(properties ?? {}).filter(([key]) => key !== name));
}
