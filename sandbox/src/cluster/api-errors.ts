/** Failures in the API server's own words and codes (k8s.io/apimachinery, api/errors). */
import type { ResourceType } from 'autopilot-runtime/internal';
import { ApiError } from 'autopilot-runtime/internal';

/** One cause in the details of a Status. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

type NamedType = Pick<ResourceType, 'group' | 'kind' | 'plural'>;

function qualifiedName({ group, plural }: NamedType): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function statusDetails(type: NamedType, name: string, causes?: readonly StatusCause[]): object {
  return {
    name,
    ...(type.group !== '' && { group: type.group }),
    kind: type.plural,
    ...(causes && { causes }),
  };
}

/** 404: the object does not exist. */
export function notFound(type: NamedType, name: string): ApiError {
  return new ApiError({
    code: 404,
    reason: 'NotFound',
    message: `${qualifiedName(type)} "${name}" not found`,
    details: statusDetails(type, name),
  });
}

/** 404: the kind is not served. */
export function notServed(): ApiError {
  return new ApiError({ code: 404, reason: '', message: '404 page not found' });
}

/** 404: the kind is served, the subresource is not. */
export function noSubresource(type: NamedType, name: string): ApiError {
  return new ApiError({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: statusDetails(type, name),
  });
}

/** 409: an object of this name exists. */
export function alreadyExists(type: NamedType, name: string, deleting: boolean): ApiError {
  const prefix = deleting ? 'object is being deleted: ' : '';
  return new ApiError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${prefix}${qualifiedName(type)} "${name}" already exists`,
    details: statusDetails(type, name),
  });
}

/** The reason of a conflict of resourceVersions. */
export const MODIFIED_MESSAGE =
  'the object has been modified; please apply your changes to the latest version and try again';

/** 409: the object has changed since it was read. */
export function conflict(type: NamedType, name: string, why: string = MODIFIED_MESSAGE): ApiError {
  return new ApiError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualifiedName(type)} "${name}": ${why}`,
    details: statusDetails(type, name),
  });
}

/** 409: an apply changes fields of other field managers. */
export function applyConflict(causes: readonly StatusCause[], message: string): ApiError {
  return new ApiError({ code: 409, reason: 'Conflict', message, details: { causes } });
}

/** 422: the object is invalid. */
export function invalid(type: NamedType, name: string, causes: readonly StatusCause[]): ApiError {
  const details = causes.map(({ field, message }) => `${field}: ${message}`);
  const summary = details.length === 1 ? details[0] : `[${details.join(', ')}]`;
  const kind = type.group === '' ? type.kind : `${type.kind}.${type.group}`;
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${kind} "${name}" is invalid: ${summary}`,
    details: { ...statusDetails(type, name, causes), kind: type.kind },
  });
}

/** A precondition of a DELETE. */
export interface Precondition {
  readonly what: 'UID' | 'ResourceVersion';
  readonly expected: string;
  readonly found: string | undefined;
}

/** 409: a precondition of a DELETE does not hold. */
export function preconditionFailed(
  { group, kind }: NamedType,
  name: string,
  { what, expected, found = '' }: Precondition,
): ApiError {
  const subject = group === '' ? kind : `${kind}.${group}`;
  const why = what === 'UID' ? 'deleted and then recreated' : 'modified';
  const message =
    `Operation cannot be fulfilled on ${subject} "${name}": ` +
    `the ${what} in the precondition (${expected}) does not match ` +
    `the ${what} in record (${found}). The object might have been ${why}`;
  return new ApiError({ code: 409, reason: 'Conflict', message });
}

/** 422: a PUT of a custom resource without the resourceVersion that it replaces. */
export function versionMissing(type: NamedType, name: string): ApiError {
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${qualifiedName(type)} "${name}" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`,
    details: statusDetails(type, name),
  });
}

/** 500: the API server treats some refusals as internal errors. */
export function internal(message: string): ApiError {
  return new ApiError({ code: 500, reason: '', message });
}

/** 413: the body of a request is too large. */
export function requestTooLarge(maxBytes: number): ApiError {
  return new ApiError({
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: `Request entity too large: limit is ${maxBytes}`,
  });
}

/** 400: the request cannot be understood. */
export function badRequest(message: string): ApiError {
  return new ApiError({ code: 400, reason: 'BadRequest', message });
}

/** 403 of the admission plugin NamespaceLifecycle: no new object in a terminating namespace. */
export function terminating(type: NamedType, name: string, namespace: string): ApiError {
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const causes = [
    {
      reason: 'NamespaceTerminating',
      message: `namespace ${namespace} is being terminated`,
      field: 'metadata.namespace',
    },
  ];
  return new ApiError({
    code: 403,
    reason: 'Forbidden',
    message: `${qualifiedName(type)} "${name}" is forbidden: ${why}`,
    details: statusDetails(type, name, causes),
  });
}

/** 410: the version or token is no longer known. */
export function expired(message: string): ApiError {
  return new ApiError({ code: 410, reason: 'Expired', message });
}

/** 422: a JSON patch that cannot be applied. */
export function rejectedPatch(): ApiError {
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: 'the server rejected our request due to an error in our request',
  });
}
