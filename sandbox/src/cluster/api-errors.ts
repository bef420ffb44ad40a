/** Failures in the API server's own words and codes (k8s.io/apimachinery, api/errors). */
import type { ResourceType } from 'autopilot-runtime/ports';
import { ApiError } from 'autopilot-runtime/ports';

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

type Named = Pick<ResourceType, 'group' | 'kind' | 'plural'>;

function qualified({ group, plural }: Named): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function details(type: Named, name: string, causes?: readonly Cause[]): object {
  return {
    name,
    ...(type.group !== '' && { group: type.group }),
    kind: type.plural,
    ...(causes && { causes }),
  };
}

export function notFound(type: Named, name: string): ApiError {
  return new ApiError({
    code: 404,
    reason: 'NotFound',
    message: `${qualified(type)} "${name}" not found`,
    details: details(type, name),
  });
}

/** The kind itself is not served. */
export function notServed(): ApiError {
  return new ApiError({ code: 404, reason: '', message: '404 page not found' });
}

/** The kind is served, the subresource is not. */
export function noSubresource(type: Named, name: string): ApiError {
  return new ApiError({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: details(type, name),
  });
}

export function alreadyExists(type: Named, name: string, deleting: boolean): ApiError {
  const prefix = deleting ? 'object is being deleted: ' : '';
  return new ApiError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${prefix}${qualified(type)} "${name}" already exists`,
    details: details(type, name),
  });
}

export const MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again';

export function conflict(type: Named, name: string, why: string = MODIFIED): ApiError {
  return new ApiError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualified(type)} "${name}": ${why}`,
    details: details(type, name),
  });
}

export function applyConflict(causes: readonly Cause[], message: string): ApiError {
  return new ApiError({ code: 409, reason: 'Conflict', message, details: { causes } });
}

export function invalid(type: Named, name: string, causes: readonly Cause[]): ApiError {
  const texts = causes.map(({ field, message }) => `${field}: ${message}`);
  const text = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const kind = type.group === '' ? type.kind : `${type.kind}.${type.group}`;
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${kind} "${name}" is invalid: ${text}`,
    details: { ...details(type, name, causes), kind: type.kind },
  });
}

/** What a deletion was asked to make sure of does not hold. */
export function preconditionFailed(
  { group, kind }: Named,
  name: string,
  what: 'UID' | 'ResourceVersion',
  expected: string,
  found: string | undefined,
): ApiError {
  const subject = group === '' ? kind : `${kind}.${group}`;
  const why = what === 'UID' ? 'deleted and then recreated' : 'modified';
  const message = `Operation cannot be fulfilled on ${subject} "${name}": the ${what} in the precondition (${expected}) does not match the ${what} in record (${found ?? ''}). The object might have been ${why}`;
  return new ApiError({ code: 409, reason: 'Conflict', message });
}

/** A PUT of a custom resource that does not say which version it replaces. */
export function versionMissing(type: Named, name: string): ApiError {
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${qualified(type)} "${name}" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`,
    details: details(type, name),
  });
}

/** Some refusals of the server are plain errors to it. */
export function internal(message: string): ApiError {
  return new ApiError({ code: 500, reason: '', message });
}

export function badRequest(message: string): ApiError {
  return new ApiError({ code: 400, reason: 'BadRequest', message });
}

/** Nothing new comes into a namespace that is being deleted (the NamespaceLifecycle admission). */
export function terminating(type: Named, name: string, namespace: string): ApiError {
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
    message: `${qualified(type)} "${name}" is forbidden: ${why}`,
    details: details(type, name, causes),
  });
}

export function expired(message: string): ApiError {
  return new ApiError({ code: 410, reason: 'Expired', message });
}

/** A JSON patch that cannot be applied. */
export function rejectedPatch(): ApiError {
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: 'the server rejected our request due to an error in our request',
  });
}
