/**
 * OpenAPI v3, as far as kubectl reads it: the schemas of custom resources for explain, and which
 * requests can be checked strictly.
 */
import { METADATA_SCHEMA } from './metadata-schema.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Kind } from '../cluster/kinds.ts';
import type { Answer } from './answer.ts';
import type { Request } from './request.ts';

/** Undefined when the path is none of OpenAPI's. */
export function openApi(cluster: Cluster, { path }: Request): Answer | undefined {
  if (path === '/openapi/v3') {
    const versions = new Set([...cluster.kinds()].map(pathOf));
    return {
      code: 200,
      body: {
        paths: Object.fromEntries(
          [...versions].map((one) => [one, { serverRelativeURL: `/openapi/v3/${one}` }]),
        ),
      },
    };
  }
  if (!path.startsWith('/openapi/v3/')) {
    return undefined;
  }
  const kinds = [...cluster.kinds()].filter((kind) => `/openapi/v3/${pathOf(kind)}` === path);
  return kinds.length === 0 ? undefined : { code: 200, body: documentOf(kinds) };
}

function pathOf({ group, version }: Kind): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

function documentOf(kinds: readonly Kind[]): object {
  return {
    openapi: '3.0.0',
    info: { title: 'Autopilot sandbox', version: 'unversioned' },
    paths: Object.fromEntries(kinds.flatMap(pathsOf)),
    components: {
      schemas: {
        ...Object.fromEntries(kinds.map((kind) => [schemaName(kind), schemaOf(kind)])),
        ...METADATA_SCHEMA,
      },
    },
  };
}

function schemaName({ group, version, kind }: Kind): string {
  return `${group === '' ? 'core' : group.split('.').toReversed().join('.')}.${version}.${kind}`;
}

function schemaOf(kind: Kind): object {
  const { group, version } = kind;
  const text = { type: 'string' };
  const properties = {
    apiVersion: { ...text, description: 'The group and version of the object.' },
    kind: { ...text, description: 'The kind of the object.' },
    metadata: {
      allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }],
      description: 'What every object has.',
    },
  };
  const names = { 'x-kubernetes-group-version-kind': [{ group, version, kind: kind.kind }] };
  if (kind.schema === undefined) {
    return { type: 'object', properties, 'x-kubernetes-preserve-unknown-fields': true, ...names };
  }
  return { ...kind.schema, properties: { ...properties, ...kind.schema.properties }, ...names };
}

const PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((name) => ({
  name,
  in: 'query',
  schema: { type: 'string' },
}));

function pathsOf(kind: Kind): readonly (readonly [string, object])[] {
  const { group, version, plural, namespaced } = kind;
  const collection = `/${pathOf(kind)}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}`;
  const names = { 'x-kubernetes-group-version-kind': { group, version, kind: kind.kind } };
  const operation = (action: string, parameters: readonly object[] = []): object => ({
    'x-kubernetes-action': action,
    ...names,
    parameters,
    responses: {},
  });
  return [
    [collection, { get: operation('list'), post: operation('post', PARAMETERS) }],
    [
      `${collection}/{name}`,
      {
        get: operation('get'),
        put: operation('put', PARAMETERS),
        patch: operation('patch', PARAMETERS),
        delete: operation('delete'),
      },
    ],
  ];
}
