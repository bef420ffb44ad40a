/** The verbs of the API except watch, carried out by the cluster's KubeApi. */
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
import { getIfPresent } from '../cluster/rbac.ts';
import { badRequest, notServed } from '../cluster/api-errors.ts';
import type { Kind } from '../cluster/kind-registry.ts';
import type { ApiResponse } from './response.ts';
import type { ApiRequest, ResourcePath } from './api-request.ts';
import { strategicMerge } from './strategic-merge.ts';
import { tableOf, wantsTable } from './table.ts';

/** The kind of a path. @throws ApiError 404 */
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

/** One request for a kind that the cluster serves. */
interface KindRequest {
  readonly cluster: Cluster;
  readonly kind: Kind;
  readonly request: ApiRequest;
  readonly resource: ResourcePath;
}

/** Carries out a request for a collection or an object. @throws ApiError */
export async function handleVerb(
  cluster: Cluster,
  request: ApiRequest,
  resource: ResourcePath,
): Promise<ApiResponse> {
  const { namespace, name } = resource;
  const target = { cluster, kind: findKind(cluster, resource), request, resource };
  return name === undefined
    ? handleCollection(target)
    : handleObject(target, namespace === undefined ? { name } : { namespace, name });
}

async function handleCollection(target: KindRequest): Promise<ApiResponse> {
  const { cluster, kind, request, resource } = target;
  const { api } = cluster;
  const { namespace } = resource;
  switch (request.method) {
    case 'GET':
      return listResponse(target, await api.list(kind, listOptions(request, namespace)));
    case 'POST': {
      const options = writeOptions(resource, request.query);
      const created = await api.create(kind, readObject(request, namespace), options);
      return { ...objectResponse(target, created), code: 201 };
    }
    case 'DELETE':
      for (const { metadata } of (await api.list(kind, listOptions(request, namespace))).items) {
        await api.delete(kind, metadata, deleteOptions(request));
      }
      return successResponse();
    default:
      throw methodNotAllowed();
  }
}

async function handleObject(target: KindRequest, key: ObjectKey): Promise<ApiResponse> {
  const { cluster, kind, request, resource } = target;
  const { api } = cluster;
  const options = writeOptions(resource, request.query);
  switch (request.method) {
    case 'GET': {
      const isScale = resource.subresource === 'scale';
      return objectResponse(target, isScale ? cluster.scale(kind, key) : await api.get(kind, key));
    }
    case 'PUT': {
      const object = withName(readObject(request, key.namespace), key);
      return objectResponse(target, await api.replace(kind, object, options));
    }
    case 'PATCH':
      return handlePatch(target, key, options);
    case 'DELETE':
      return handleDelete(target, key);
    default:
      throw methodNotAllowed();
  }
}

function methodNotAllowed(): Error {
  return badRequest('the server does not allow this method on the requested resource');
}

function objectResponse(target: KindRequest, object: KubeObject): ApiResponse {
  const { cluster, kind, request } = target;
  const asTable = wantsTable(request) && object.kind === kind.kind;
  return {
    code: 200,
    body: asTable ? tableOf(cluster, kind, request, { items: [object] }) : object,
  };
}

function listResponse({ cluster, kind, request }: KindRequest, list: KubeList): ApiResponse {
  if (wantsTable(request)) {
    return { code: 200, body: tableOf(cluster, kind, request, list) };
  }
  const { resourceVersion, continue: token } = list;
  const metadata = { resourceVersion, ...(token !== undefined && { continue: token }) };
  return {
    code: 200,
    body: { kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata, items: list.items },
  };
}

function successResponse(details?: object): ApiResponse {
  return {
    code: 200,
    body: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      ...(details !== undefined && { details }),
    },
  };
}

async function handlePatch(
  target: KindRequest,
  key: ObjectKey,
  options: WriteOptions,
): Promise<ApiResponse> {
  const { cluster, kind, request } = target;
  const { api } = cluster;
  const { body } = request;
  const type = request.contentType.split(';')[0]?.trim();
  switch (type) {
    case 'application/apply-patch+yaml':
      return objectResponse(target, await applyObject(target, key, options));
    case 'application/merge-patch+json': {
      const patch = { type: 'merge', body } as Patch;
      return objectResponse(target, await api.patch(kind, key, patch, options));
    }
    case 'application/json-patch+json': {
      const patch: Patch = { type: 'json', body: body as readonly JsonPatchOperation[] };
      return objectResponse(target, await api.patch(kind, key, patch, options));
    }
    case 'application/strategic-merge-patch+json':
      return kind.custom === true
        ? unsupportedMediaType(type, kind)
        : objectResponse(target, await patchStrategically(target, key, options));
    default:
      return unsupportedMediaType(type ?? '', kind);
  }
}

async function applyObject(
  { cluster, kind, request }: KindRequest,
  key: ObjectKey,
  options: WriteOptions,
): Promise<KubeObject> {
  const fieldManager = options.fieldManager ?? '';
  if (fieldManager === '') {
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  }
  return cluster.api.apply(kind, withName(readObject(request, key.namespace), key), {
    ...options,
    fieldManager,
    force: request.query.get('force') === 'true',
  });
}

/** A strategic merge patch reads and replaces the object, and tries once more after a conflict. */
async function patchStrategically(
  { cluster, kind, request }: KindRequest,
  key: ObjectKey,
  options: WriteOptions,
): Promise<KubeObject> {
  const { api } = cluster;
  const change = async (): Promise<KubeObject> => {
    const old = await api.get(kind, key);
    const next = strategicMerge(old, request.body, kind.shape) as KubeObject;
    return api.replace(kind, next, options);
  };
  try {
    return await change();
  } catch (error) {
    if (hasCode(error, 409) && options.dryRun !== true) {
      return change();
    }
    throw error;
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

async function handleDelete(target: KindRequest, key: ObjectKey): Promise<ApiResponse> {
  const { cluster, kind, request } = target;
  const { api } = cluster;
  const { uid } = (await api.get(kind, key)).metadata;
  await api.delete(kind, key, deleteOptions(request));
  const remaining = await getIfPresent(api, kind, key);
  if (remaining !== undefined && remaining.metadata.uid === uid) {
    return { code: 200, body: remaining };
  }
  const group = kind.group === '' ? {} : { group: kind.group };
  return successResponse({ name: key.name, ...group, kind: kind.plural, uid });
}

/** Reads the options of a list from the query. */
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

/** The object of the body, with the namespace of the path. @throws ApiError 400 */
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
