/** Every verb but watch, over the cluster's own KubeApi. */
import type {
  DeleteOptions,
  JsonPatchOperation,
  KubeList,
  KubeObject,
  ListOptions,
  ObjectKey,
  Patch,
  WriteOptions,
} from 'autopilot-runtime/internal';
import { apiVersionOf, hasCode } from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import { badRequest, notServed } from '../cluster/api-errors.ts';
import type { Kind } from '../cluster/kind-registry.ts';
import type { ApiResponse } from './response.ts';
import type { ApiRequest, ResourcePath } from './api-request.ts';
import { strategicMerge } from './strategic-merge.ts';
import { tableOf, wantsTable } from './table.ts';

/** @throws ApiError */
export function findKind(cluster: Cluster, resource: ResourcePath): Kind {
  const kind = [...cluster.kinds()].find(
    ({ group, version, plural }) =>
      group === resource.group && version === resource.version && plural === resource.plural,
  );
  if (kind === undefined) {
    throw notServed();
  }
  return kind;
}

/** @throws ApiError */
export async function handleVerb(
  cluster: Cluster,
  request: ApiRequest,
  resource: ResourcePath,
): Promise<ApiResponse> {
  const kind = findKind(cluster, resource);
  const { api } = cluster;
  const { method, query } = request;
  const { namespace, name } = resource;
  const objectResponse = (object: KubeObject): ApiResponse => ({
    code: 200,
    body:
      wantsTable(request) && object.kind === kind.kind
        ? tableOf(cluster, kind, request, [object])
        : object,
  });
  if (name === undefined) {
    switch (method) {
      case 'GET':
        return listResponse(
          cluster,
          kind,
          request,
          await api.list(kind, listOptions(request, namespace)),
        );
      case 'POST':
        return {
          ...objectResponse(
            await api.create(kind, readObject(request, namespace), writeOptions(resource, query)),
          ),
          code: 201,
        };
      case 'DELETE':
        for (const { metadata } of (await api.list(kind, listOptions(request, namespace))).items) {
          await api.delete(kind, metadata, deleteOptions(request));
        }
        return {
          code: 200,
          body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' },
        };
      default:
        throw methodNotAllowed();
    }
  }
  const key: ObjectKey = namespace === undefined ? { name } : { namespace, name };
  const options = writeOptions(resource, query);
  switch (method) {
    case 'GET':
      return objectResponse(
        resource.subresource === 'scale' ? cluster.scale(kind, key) : await api.get(kind, key),
      );
    case 'PUT':
      return objectResponse(
        await api.replace(kind, withName(readObject(request, namespace), key), options),
      );
    case 'PATCH':
      return handlePatch(cluster, kind, key, request, options, objectResponse);
    case 'DELETE':
      return handleDelete(cluster, kind, key, request);
    default:
      throw methodNotAllowed();
  }
}

function methodNotAllowed(): Error {
  return badRequest('the server does not allow this method on the requested resource');
}

function listResponse(
  cluster: Cluster,
  kind: Kind,
  request: ApiRequest,
  list: KubeList,
): ApiResponse {
  if (wantsTable(request)) {
    return { code: 200, body: tableOf(cluster, kind, request, list.items, list) };
  }
  const { resourceVersion, continue: token } = list;
  const metadata = { resourceVersion, ...(token !== undefined && { continue: token }) };
  return {
    code: 200,
    body: { kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata, items: list.items },
  };
}

async function handlePatch(
  cluster: Cluster,
  kind: Kind,
  key: ObjectKey,
  request: ApiRequest,
  options: WriteOptions,
  objectResponse: (object: KubeObject) => ApiResponse,
): Promise<ApiResponse> {
  const { api } = cluster;
  const { body, query, contentType } = request;
  const type = contentType.split(';')[0]?.trim();
  switch (type) {
    case 'application/apply-patch+yaml': {
      const fieldManager = options.fieldManager ?? '';
      if (fieldManager === '') {
        throw badRequest(
          'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
        );
      }
      return objectResponse(
        await api.apply(kind, withName(readObject(request, key.namespace), key), {
          ...options,
          fieldManager,
          force: query.get('force') === 'true',
        }),
      );
    }
    case 'application/merge-patch+json':
      return objectResponse(await api.patch(kind, key, { type: 'merge', body } as Patch, options));
    case 'application/json-patch+json':
      return objectResponse(
        await api.patch(
          kind,
          key,
          { type: 'json', body: body as readonly JsonPatchOperation[] },
          options,
        ),
      );
    case 'application/strategic-merge-patch+json': {
      if (kind.custom === true) {
        return unsupportedMediaType(type, kind);
      }
      const change = async (): Promise<KubeObject> => {
        const old = await api.get(kind, key);
        return api.replace(kind, strategicMerge(old, body, kind.shape) as KubeObject, options);
      };
      return objectResponse(
        await change().catch((error: unknown) =>
          hasCode(error, 409) && options.dryRun !== true
            ? change()
            : Promise.reject(error as Error),
        ),
      );
    }
    default:
      return unsupportedMediaType(type ?? '', kind);
  }
}

function unsupportedMediaType(type: string, kind: Kind): ApiResponse {
  const known = [
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/apply-patch+yaml',
  ];
  if (kind.custom !== true) {
    known.push('application/strategic-merge-patch+json');
  }
  const message = `the body of the request was in an unknown format - accepted media types include: ${known.join(', ')}, not ${type}`;
  return {
    code: 415,
    body: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason: 'UnsupportedMediaType',
      code: 415,
    },
  };
}

async function handleDelete(
  cluster: Cluster,
  kind: Kind,
  key: ObjectKey,
  request: ApiRequest,
): Promise<ApiResponse> {
  const { api } = cluster;
  const { uid } = (await api.get(kind, key)).metadata;
  await api.delete(kind, key, deleteOptions(request));
  const remaining = await api
    .get(kind, key)
    .catch((error: unknown) => (hasCode(error, 404) ? undefined : Promise.reject(error as Error)));
  if (remaining !== undefined && remaining.metadata.uid === uid) {
    return { code: 200, body: remaining };
  }
  const details = {
    name: key.name,
    ...(kind.group !== '' && { group: kind.group }),
    kind: kind.plural,
    uid,
  };
  return {
    code: 200,
    body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details },
  };
}

export function listOptions({ query }: ApiRequest, namespace: string | undefined): ListOptions {
  const parameter = (name: string): string | undefined => query.get(name) ?? undefined;
  const [labelSelector, fieldSelector, token, limit] = [
    parameter('labelSelector'),
    parameter('fieldSelector'),
    parameter('continue'),
    Number(parameter('limit') ?? 0),
  ];
  return {
    ...(namespace !== undefined && { namespace }),
    ...(labelSelector !== undefined && labelSelector !== '' && { labelSelector }),
    ...(fieldSelector !== undefined && fieldSelector !== '' && { fieldSelector }),
    ...(token !== undefined && token !== '' && { continue: token }),
    ...(limit > 0 && { limit }),
  };
}

function writeOptions({ subresource }: ResourcePath, query: URLSearchParams): WriteOptions {
  if (subresource !== undefined && subresource !== 'status' && subresource !== 'scale') {
    throw notServed();
  }
  const fieldManager = query.get('fieldManager');
  return {
    ...(subresource !== undefined && { subresource }),
    ...(fieldManager !== null && fieldManager !== '' && { fieldManager }),
    ...(query.get('dryRun') === 'All' && { dryRun: true }),
  };
}

function deleteOptions({ body }: ApiRequest): DeleteOptions {
  const { preconditions, propagationPolicy } = (body ?? {}) as DeleteOptions;
  return {
    ...(preconditions && { preconditions }),
    ...(propagationPolicy && { propagationPolicy }),
  };
}

/** An object as it came; without a namespace it lies where the path says. */
function readObject({ body }: ApiRequest, namespace: string | undefined): KubeObject {
  if (typeof body !== 'object' || body === null) {
    throw badRequest('the request has no body');
  }
  const object = body as KubeObject;
  const metadata = object.metadata ?? {};
  if (
    namespace !== undefined &&
    metadata.namespace !== undefined &&
    metadata.namespace !== namespace
  ) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  return { ...object, metadata: { ...metadata, ...(namespace !== undefined && { namespace }) } };
}

function withName(object: KubeObject, { name }: ObjectKey): KubeObject {
  const { metadata } = object;
  if (metadata.name !== undefined && metadata.name !== name) {
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  }
  return { ...object, metadata: { ...metadata, name } };
}
