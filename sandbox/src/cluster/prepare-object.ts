/**
 * The steps of an object before it is written: strict decoding, restriction to the subresource,
 * defaults, validation.
 */
import type { KubeObject } from 'autopilot-runtime/internal';
import { apiVersionOf } from 'autopilot-runtime/internal';
import {
  builtInProblems,
  builtInDecodeError,
  annotationsChangeGeneration,
  withBuiltInDefaults,
} from './built-in-behavior.ts';
import { validateCrd, isCrdKind, withCrdDefaults } from './custom-resource-definition.ts';
import type { StatusCause } from './api-errors.ts';
import { badRequest, invalid } from './api-errors.ts';
import { freezeJson, jsonEqual } from './frozen-json.ts';
import type { Kind } from './kind-registry.ts';
import {
  metadataProblems,
  unknownMetadataFields,
  metadataDecodeError,
  withoutEmptyMetadata,
} from './metadata-validation.ts';
import type { ValidationRules } from './validation-rules.ts';
import {
  pruneUnknown,
  unknownFields,
  withSchemaDefaults,
  withoutNulls,
} from './structural-schema.ts';
import { validateBySchema } from './schema-validation.ts';

/**
 * Decodes the body of a request.
 * @throws ApiError 400 or 422 for another kind, a value that cannot be decoded, or unknown fields
 */
export function decode(kind: Kind, given: KubeObject): KubeObject {
  const version = `${given.kind} in version "${given.apiVersion.split('/').at(-1)}" cannot be handled as a ${kind.kind}`;
  if (
    given.apiVersion !== apiVersionOf(kind) ||
    (given.kind !== kind.kind && kind.custom !== true)
  ) {
    throw badRequest(
      `${version}: no kind "${given.kind}" is registered for version "${given.apiVersion}" here`,
    );
  }
  if (given.kind !== kind.kind) {
    throw wrongKind(kind, given);
  }
  const unread =
    metadataDecodeError(given) ??
    (kind.custom === true ? undefined : builtInDecodeError(kind, given));
  if (unread !== undefined) {
    throw badRequest(`${version}: ${unread}`);
  }
  const unknown = findUnknownFields(kind, given);
  if (unknown.length > 0) {
    throw badRequest(
      `${version}: strict decoding error: ${unknown.map((path) => `unknown field "${path}"`).join(', ')}`,
    );
  }
  return withDecodedNulls(kind, given);
}

/**
 * Decodes the result of a patch.
 * @throws ApiError 400 when the result is another object, 422 when it cannot be decoded
 */
export function decodePatched(kind: Kind, given: KubeObject, before: KubeObject): KubeObject {
  const { name, namespace } = before.metadata;
  const next = given.metadata ?? {};
  if (given.kind !== kind.kind) {
    throw wrongKind(kind, given);
  }
  if (given.apiVersion !== before.apiVersion) {
    throw invalid(kind, name, [
      invalidValue('apiVersion', given.apiVersion, `must be ${before.apiVersion}`),
    ]);
  }
  if (next.name !== name) {
    throw badRequest(
      `the name of the object (${next.name}) does not match the name on the URL (${name})`,
    );
  }
  if (next.namespace !== namespace) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  const unread =
    metadataDecodeError(given) ??
    (kind.custom === true ? undefined : builtInDecodeError(kind, given));
  const unknown = findUnknownFields(kind, given).map((path) => `unknown field "${path}"`);
  const problem =
    unread ?? (unknown.length === 0 ? undefined : `strict decoding error: ${unknown.join(', ')}`);
  if (problem !== undefined) {
    throw invalid({ group: '', kind: '', plural: '' }, '', [
      invalidValue('patch', JSON.stringify(given), problem),
    ]);
  }
  return withDecodedNulls(kind, given);
}

/** A field of a built-in kind that is null counts as absent. A schema may allow null. */
function withDecodedNulls(kind: Kind, given: KubeObject): KubeObject {
  if (kind.schema !== undefined) {
    return freezeJson(withoutNulls(given, kind.schema) as KubeObject);
  }
  return kind.custom === true ? given : freezeJson(withoutNullFields(given) as KubeObject);
}

/** The value as a built-in kind is decoded: a field that is null counts as absent. */
export function withoutNullFields(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutNullFields);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutNullFields(field)]));
}

function wrongKind(kind: Kind, { kind: found, metadata }: KubeObject): Error {
  return invalid({ ...kind, kind: found }, metadata.name, [
    invalidValue('kind', found, `must be ${kind.kind}`),
  ]);
}

function findUnknownFields(kind: Kind, object: KubeObject): readonly string[] {
  return [
    ...(kind.schema === undefined ? [] : unknownFields(object, kind.schema)),
    ...unknownMetadataFields(object),
  ].sort();
}

/** The object with its defaults, frozen. */
export function applyDefaults(kind: Kind, object: KubeObject): KubeObject {
  const lean = withoutEmptyMetadata(object);
  if (isCrdKind(kind)) {
    return withCrdDefaults(lean);
  }
  return freezeJson(
    kind.schema === undefined
      ? withBuiltInDefaults(kind, lean)
      : (withSchemaDefaults(lean, kind.schema) as KubeObject),
  );
}

/** The stored object as the changed definition shows it. */
export function pruneAndDefault(kind: Kind, object: KubeObject): KubeObject {
  return kind.schema === undefined
    ? object
    : freezeJson(withSchemaDefaults(pruneUnknown(object, kind.schema), kind.schema) as KubeObject);
}

/** Validates an object. @throws ApiError 422 with all problems */
export function validateObject(
  kind: Kind,
  object: KubeObject,
  before: KubeObject | undefined,
  rules: ValidationRules,
): void {
  const causes = [...metadataProblems(kind, object, before), ...bodyProblems(kind, object, before)];
  // Rules are evaluated only when the schema finds no problem.
  const all =
    causes.length > 0 || kind.schema === undefined
      ? causes
      : rules.problemsOf(kind, object, before);
  if (all.length > 0) {
    throw invalid(kind, object.metadata.name, all);
  }
}

function bodyProblems(
  kind: Kind,
  object: KubeObject,
  before: KubeObject | undefined,
): readonly StatusCause[] {
  if (isCrdKind(kind)) {
    return validateCrd(object);
  }
  return kind.schema === undefined
    ? builtInProblems(kind, object, before)
    : validateBySchema(object, kind.schema, '', before);
}

function invalidValue(field: string, value: unknown, detail: string): StatusCause {
  return {
    reason: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${JSON.stringify(value)}: ${detail}`,
  };
}

/**
 * Restricts a write to its subresource: writes of status change only status, other writes never
 * change it. Server-set fields stay.
 */
export function restrictToSubresource(
  kind: Kind,
  old: KubeObject,
  next: KubeObject,
  subresource: string | undefined,
): KubeObject {
  if (subresource === 'status') {
    const { status: _, ...rest } = old;
    return freezeJson({ ...rest, status: next.status } as KubeObject);
  }
  const {
    uid,
    resourceVersion,
    generation,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
  } = old.metadata as KubeObject['metadata'] & {
    deletionGracePeriodSeconds?: number;
  };
  const { managedFields: _, ...metadata } = next.metadata;
  const kept = {
    ...metadata,
    uid,
    resourceVersion,
    generation,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
  };
  const { status } = kind.status === true ? old : next;
  const whole = freezeJson({ ...next, metadata: kept, status } as KubeObject);
  return jsonEqual(whole.metadata, old.metadata)
    ? freezeJson({ ...whole, metadata: old.metadata })
    : whole;
}

/** Whether a change increments metadata.generation. */
export function changesGeneration(kind: Kind, before: KubeObject, after: KubeObject): boolean {
  if (!kind.generation) {
    return false;
  }
  const body = ({ metadata: _, ...rest }: KubeObject): object => {
    const { status: __, ...spec } = rest;
    return kind.status === true || kind.custom !== true ? spec : rest;
  };
  return (
    !jsonEqual(body(before), body(after)) ||
    (annotationsChangeGeneration(kind) &&
      !jsonEqual(before.metadata.annotations, after.metadata.annotations))
  );
}

/** Sets the fields that the API server gives every new object of a kind. */
export function withServerFields(kind: Kind, object: KubeObject): KubeObject {
  if (kind.group !== '' || kind.kind !== 'Namespace') {
    return object;
  }
  const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
  return {
    ...object,
    metadata: { ...object.metadata, labels },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  };
}

/** An object that is being deleted takes no new finalizers. @throws ApiError 422 */
export function rejectNewFinalizers(kind: Kind, old: KubeObject, { metadata }: KubeObject): void {
  if (
    old.metadata.deletionTimestamp === undefined ||
    metadata.finalizers === old.metadata.finalizers
  ) {
    return;
  }
  const fresh = (metadata.finalizers ?? []).filter(
    (finalizer) => old.metadata.finalizers?.includes(finalizer) !== true,
  );
  if (fresh.length === 0) {
    return;
  }
  const found = fresh.map((finalizer) => JSON.stringify(finalizer)).join(', ');
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${found}}`;
  throw invalid(kind, metadata.name, [
    { reason: 'FieldValueForbidden', field: 'metadata.finalizers', message },
  ]);
}
