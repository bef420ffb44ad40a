/**
 * Validation of names, labels, annotations, finalizers and owner references. Source:
 * k8s.io/apimachinery, api/validation.
 */
import type { KubeObject } from 'autopilot-runtime/internal';
import type { StatusCause } from './api-errors.ts';
import { isMap } from './frozen-json.ts';
import type { Kind } from './kind-registry.ts';

const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const SUBDOMAIN_PATTERN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_ANNOTATION_BYTES = 256 * 1024;
/** Kinds whose names are DNS labels. */
const LABEL_NAMES = new Set(['services', 'namespaces']);
/** Finalizers of Kubernetes, which have no domain. */
const STANDARD_FINALIZERS = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

const METADATA_FIELDS = new Set(
  (
    'name generateName namespace uid resourceVersion generation creationTimestamp ' +
    'deletionTimestamp deletionGracePeriodSeconds labels annotations ownerReferences finalizers ' +
    'managedFields selfLink'
  ).split(' '),
);

const NAME_EDGES_MESSAGE =
  "and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const SUBDOMAIN_MESSAGE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_VALUE_MESSAGE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** Paths of unknown fields in metadata. */
export function unknownMetadataFields({ metadata }: KubeObject): readonly string[] {
  return Object.keys(metadata).flatMap((name) =>
    METADATA_FIELDS.has(name) ? [] : [`metadata.${name}`],
  );
}

/** Why the metadata cannot be decoded: a label or annotation is no string. Undefined: it can. */
export function metadataDecodeError({ metadata }: KubeObject): string | undefined {
  for (const field of ['labels', 'annotations'] as const) {
    const wrong = Object.values(metadata[field] ?? {}).find((value) => typeof value !== 'string');
    if (wrong !== undefined && wrong !== null) {
      return `json: cannot unmarshal ${goJsonType(wrong)} into Go struct field ObjectMeta.${field} of type string`;
    }
  }
  return undefined;
}

/** The name of a JSON type in the messages of Go's decoder. */
function goJsonType(value: unknown): string {
  if (Array.isArray(value)) {
    return 'array';
  }
  if (isMap(value)) {
    return 'object';
  }
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** The object without the empty maps and lists of its metadata. */
export function withoutEmptyMetadata(object: KubeObject): KubeObject {
  const { metadata } = object;
  const empty = (['labels', 'annotations', 'finalizers', 'ownerReferences'] as const).filter(
    (field) => {
      const value = metadata[field];
      return value !== undefined && (value === null || Object.keys(value).length === 0);
    },
  );
  if (empty.length === 0) {
    return object;
  }
  return {
    ...object,
    metadata: Object.fromEntries(
      Object.entries(metadata).filter(([field]) => !empty.some((one) => one === field)),
    ) as KubeObject['metadata'],
  };
}

/**
 * Problems of the metadata, in the API server's words.
 * @param before the object before the write: its unchanged invalid values are accepted
 */
export function metadataProblems(
  kind: Kind,
  { metadata }: KubeObject,
  before?: KubeObject,
): readonly StatusCause[] {
  const was = before?.metadata;
  return [
    ...(before === undefined ? nameProblems(kind, metadata.name) : []),
    ...(metadata.labels === was?.labels
      ? []
      : labelProblems(metadata.labels ?? {}, 'metadata.labels')),
    ...(metadata.annotations === was?.annotations
      ? []
      : annotationProblems(metadata.annotations ?? {}, 'metadata.annotations')),
    ...(metadata.finalizers === was?.finalizers
      ? []
      : finalizerProblems(kind, metadata.finalizers ?? [])),
    ...(metadata.ownerReferences === was?.ownerReferences
      ? []
      : ownerProblems(metadata.ownerReferences ?? [])),
  ];
}

function invalidCause(field: string, value: unknown, detail: string): StatusCause {
  return {
    reason: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${JSON.stringify(value)}: ${detail}`,
  };
}

function nameProblems(kind: Kind, name: string): readonly StatusCause[] {
  const label = kind.group === '' && LABEL_NAMES.has(kind.plural);
  if (label && name.includes('.')) {
    return [invalidCause('metadata.name', name, 'must not contain dots')];
  }
  // The names of roles and bindings may have any length.
  if (kind.group === 'rbac.authorization.k8s.io') {
    const isSegment = !/[/%]/.test(name) && name !== '.' && name !== '..';
    return isSegment ? [] : [invalidCause('metadata.name', name, SUBDOMAIN_MESSAGE)];
  }
  const maxLength = label ? 63 : 253;
  if (name.length > maxLength) {
    return [invalidCause('metadata.name', name, `must be no more than ${maxLength} characters`)];
  }
  return SUBDOMAIN_PATTERN.test(name)
    ? []
    : [invalidCause('metadata.name', name, SUBDOMAIN_MESSAGE)];
}

function keyProblems(key: string): readonly string[] {
  const slash = key.indexOf('/');
  const [prefix, name] = slash < 0 ? [undefined, key] : [key.slice(0, slash), key.slice(slash + 1)];
  if (name.includes('/')) {
    return [
      `a valid label key must consist of alphanumeric characters, '-', '_' or '.', ${NAME_EDGES_MESSAGE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const found: string[] = [];
  if (prefix === '') {
    found.push('prefix part must be non-empty');
  } else if (prefix !== undefined) {
    if (prefix.length > 253) {
      found.push('prefix part must be no more than 253 bytes');
    }
    if (!SUBDOMAIN_PATTERN.test(prefix)) {
      found.push(`prefix part ${SUBDOMAIN_MESSAGE}`);
    }
  }
  if (name === '') {
    found.push('name part must be non-empty');
  } else if (name.length > 63) {
    found.push('name part must be no more than 63 bytes');
  }
  if (!NAME_PART.test(name)) {
    found.push(
      `name part must consist of alphanumeric characters, '-', '_' or '.', ${NAME_EDGES_MESSAGE}`,
    );
  }
  return found;
}

/** @param field where the labels are, for the messages: `metadata.labels`. */
export function labelProblems(
  labels: Readonly<Record<string, string>>,
  field: string,
): readonly StatusCause[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...keyProblems(key).map((text) => invalidCause(field, key, text)),
    ...(value.length > 63 ? [invalidCause(field, value, 'must be no more than 63 bytes')] : []),
    ...(LABEL_VALUE.test(value) ? [] : [invalidCause(field, value, LABEL_VALUE_MESSAGE)]),
  ]);
}

/** @param field where the annotations are, for the messages: `metadata.annotations`. */
export function annotationProblems(
  annotations: Readonly<Record<string, string>>,
  field: string,
): readonly StatusCause[] {
  const keys = Object.keys(annotations).flatMap((key) =>
    keyProblems(key.toLowerCase()).map((text) => invalidCause(field, key, text)),
  );
  // UTF-8 needs at most three bytes for each UTF-16 unit.
  const units = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + key.length + value.length,
    0,
  );
  if (units * 3 <= MAX_ANNOTATION_BYTES) {
    return keys;
  }
  const size = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  if (size <= MAX_ANNOTATION_BYTES) {
    return keys;
  }
  return [
    ...keys,
    {
      reason: 'FieldValueTooLong',
      field,
      message: `Too long: may not be more than ${MAX_ANNOTATION_BYTES} bytes`,
    },
  ];
}

function finalizerProblems(kind: Kind, finalizers: readonly string[]): readonly StatusCause[] {
  return finalizers.flatMap((one, index) => {
    const problems = keyProblems(one).map((text) => invalidCause('metadata.finalizers', one, text));
    if (
      problems.length > 0 ||
      kind.custom === true ||
      one.includes('/') ||
      STANDARD_FINALIZERS.has(one)
    ) {
      return problems;
    }
    return [
      invalidCause(
        `metadata.finalizers[${index}]`,
        one,
        'name is neither a standard finalizer name nor is it fully qualified',
      ),
    ];
  });
}

function ownerProblems(
  owners: NonNullable<KubeObject['metadata']['ownerReferences']>,
): readonly StatusCause[] {
  const found = owners.flatMap((owner, index): readonly StatusCause[] => {
    const path = `metadata.ownerReferences[${index}]`;
    const missing = (['apiVersion', 'kind', 'name', 'uid'] as const).filter(
      (field) => (owner[field] ?? '') === '',
    );
    if (missing.length > 0) {
      return missing.map((field) => ({
        reason: 'FieldValueRequired',
        field: `${path}.${field}`,
        message: 'Required value: must not be empty',
      }));
    }
    return owner.apiVersion === 'v1' && owner.kind === 'Event'
      ? [invalidCause(path, owner, '/v1, Kind=Event is disallowed from being an owner')]
      : [];
  });
  const controllers = owners.filter(({ controller }) => controller === true);
  if (controllers.length < 2) {
    return found;
  }
  const names = controllers.map(({ kind, name }) => `${kind}/${name}`).join(' and ');
  const text = `Only one reference can have Controller set to true. Found "true" in references for ${names}`;
  return [...found, invalidCause('metadata.ownerReferences', owners, text)];
}
