/** A request, parsed: its path, query, headers and body. */
import type { IncomingMessage } from 'node:http';
import { badRequest } from '../cluster/api-errors.ts';

/** The resource that a path below /api or /apis names. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** A parsed HTTP request. */
export interface ApiRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly contentType: string;
  readonly resource: ResourcePath | undefined;
  /** The parsed JSON body. Undefined: the request has no body. */
  readonly body: unknown;
}

/** @throws ApiError 400 when the body is not JSON */
export async function readRequest(incoming: IncomingMessage): Promise<ApiRequest> {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://sandbox');
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    chunks.push(chunk as Buffer);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    method: incoming.method ?? 'GET',
    host: incoming.headers.host ?? '',
    path: pathname,
    query: searchParams,
    accept: incoming.headers.accept ?? '',
    contentType: incoming.headers['content-type'] ?? '',
    resource: parseResourcePath(pathname),
    body: text === '' ? undefined : parseBody(text, incoming.headers['content-type'] ?? ''),
  };
}

function parseBody(text: string, contentType: string): unknown {
  if (contentType.includes('protobuf')) {
    throw badRequest(
      'the sandbox reads JSON, not protobuf; with kubectl create, add --dry-run=client -o yaml | kubectl apply -f -',
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`the sandbox reads JSON bodies only: ${(error as Error).message}`);
  }
}

function parseResourcePath(path: string): ResourcePath | undefined {
  const [root, ...parts] = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  if (root !== 'api' && root !== 'apis') {
    return undefined;
  }
  const [group, version, ...rest] = root === 'api' ? ['', ...parts] : parts;
  if (group === undefined || version === undefined || rest.length === 0) {
    return undefined;
  }
  // /namespaces/<name>, /namespaces/<name>/status and /namespaces/<name>/finalize name a Namespace.
  // Longer paths name objects in the namespace.
  const isNamespaced =
    rest[0] === 'namespaces' &&
    rest.length > 2 &&
    !(rest.length === 3 && (rest[2] === 'status' || rest[2] === 'finalize'));
  const [namespace, [plural, name, subresource]] = isNamespaced
    ? [rest[1], rest.slice(2)]
    : [undefined, rest];
  if (plural === undefined) {
    return undefined;
  }
  return {
    group,
    version,
    plural,
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(subresource !== undefined && { subresource }),
  };
}
