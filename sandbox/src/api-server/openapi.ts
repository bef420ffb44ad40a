/**
 * OpenAPI v3, as far as kubectl reads it: the schemas of custom resources for explain, and which
 * requests can be checked strictly.
 */
import { METADATA_SCHEMA } from './metadata-schema.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Kind } from '../cluster/kind-registry.ts';
import type { ApiResponse } from './response.ts';
import type { ApiRequest } from './api-request.ts';

/** The response to an OpenAPI request. Undefined for other paths. */
export function openApiResponse(cluster: Cluster, { path }: ApiRequest): ApiResponse | undefined {
  if (path === '/openapi/v3') {
    const versions = new Set([...cluster.kinds()].map(apiPath));
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
  const kinds = [...cluster.kinds()].filter((kind) => `/openapi/v3/${apiPath(kind)}` === path);
  return kinds.length === 0 ? undefined : { code: 200, body: documentOf(kinds) };
}

function apiPath({ group, version }: Kind): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

function documentOf(kinds: readonly Kind[]): object {
  return {
    openapi: '3.0.0',
    info: { title: 'Autopilot sandbox', version: 'unversioned' },
    paths: Object.fromEntries(kinds.flatMap(pathsOf)),
    components: {
      schemas: {
        ...Object.fromEntries(kinds.map((kind) => [schemaName(kind), kindSchema(kind)])),
        ...METADATA_SCHEMA,
      },
    },
  };
}

function schemaName({ group, version, kind }: Kind): string {
  return `${group === '' ? 'core' : group.split('.').toReversed().join('.')}.${version}.${kind}`;
}

function kindSchema(kind: Kind): object {
  const { group, version } = kind;
  const stringSchema = { type: 'string' };
  const properties = {
    apiVersion: { ...stringSchema, description: 'The group and version of the object.' },
    kind: { ...stringSchema, description: 'The kind of the object.' },
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

const WRITE_PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((name) => ({
  name,
  in: 'query',
  schema: { type: 'string' },
}));

function pathsOf(kind: Kind): readonly (readonly [string, object])[] {
  const { group, version, plural, namespaced } = kind;
  const collection = `/${apiPath(kind)}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}`;
  const names = { 'x-kubernetes-group-version-kind': { group, version, kind: kind.kind } };
  const operation = (action: string, parameters: readonly object[] = []): object => ({
    'x-kubernetes-action': action,
    ...names,
    parameters,
    responses: {},
  });
  return [
    [collection, { get: operation('list'), post: operation('post', WRITE_PARAMETERS) }],
    [
      `${collection}/{name}`,
      {
        get: operation('get'),
        put: operation('put', WRITE_PARAMETERS),
        patch: operation('patch', WRITE_PARAMETERS),
        delete: operation('delete'),
      },
    ],
  ];
}
