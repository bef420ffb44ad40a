/** CustomResourceDefinitions: defaults, validation and status. */
import type { KubeObject } from 'autopilot-runtime/internal';
import type { StatusCause } from './api-errors.ts';
import { freezeJson, memoize } from './frozen-json.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { validateBySchema } from './schema-validation.ts';

/** Finalizer that keeps a definition until its objects are deleted. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** An entry of `additionalPrinterColumns`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly priority?: number;
  readonly description?: string;
  readonly format?: string;
}

/** A version of a CustomResourceDefinition. */
export interface DefinitionVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly schema?: { readonly openAPIV3Schema?: StructuralSchema };
  readonly subresources?: {
    readonly status?: object;
    readonly scale?: {
      readonly specReplicasPath: string;
      readonly statusReplicasPath: string;
      readonly labelSelectorPath?: string;
    };
  };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
}

interface DefinitionNames {
  readonly plural: string;
  readonly kind: string;
  readonly singular?: string;
  readonly listKind?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** The spec of a CustomResourceDefinition. */
export interface DefinitionSpec {
  readonly group: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly names: DefinitionNames;
  readonly versions: readonly DefinitionVersion[];
}

/** The part of the status that decides which versions a definition can lose. */
interface DefinitionStatus {
  readonly storedVersions?: readonly string[];
}

/** Whether a kind is CustomResourceDefinition. */
export function isCrdKind({
  group,
  plural,
}: {
  readonly group: string;
  readonly plural: string;
}): boolean {
  return group === 'apiextensions.k8s.io' && plural === 'customresourcedefinitions';
}

/** The definition with the defaults of the API server. */
export function withCrdDefaults(object: KubeObject): KubeObject {
  const spec = object.spec as DefinitionSpec | undefined;
  return spec?.names?.kind === undefined
    ? object
    : freezeJson({ ...object, spec: completeSpec(freezeJson(spec)) } as KubeObject);
}

const completeSpec = memoize((spec: DefinitionSpec): object => {
  const { kind, singular = kind.toLowerCase(), listKind = `${kind}List` } = spec.names;
  return freezeJson({
    conversion: { strategy: 'None' },
    ...spec,
    names: { ...spec.names, singular, listKind },
  });
});

/** The status that the API server's controllers write after the creation. */
export function establishedStatus(object: KubeObject, time: string): object {
  const { names, versions } = object.spec as DefinitionSpec;
  const condition = (type: string, reason: string, message: string): object => ({
    type,
    status: 'True',
    lastTransitionTime: time,
    reason,
    message,
  });
  return {
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    acceptedNames: names,
    storedVersions: versions.filter(({ storage }) => storage).map(({ name }) => name),
  };
}

/** The definition with its storage version in `status.storedVersions`. */
export function withStoredVersion(object: KubeObject): KubeObject {
  const stored = (object.spec as DefinitionSpec).versions
    .filter(({ storage }) => storage)
    .map(({ name }) => name);
  const status = object.status as DefinitionStatus | undefined;
  const storedVersions = [...new Set([...(status?.storedVersions ?? []), ...stored])];
  return freezeJson({ ...object, status: { ...status, storedVersions } } as KubeObject);
}

/** The versions that resources may be stored in, and that the definition does not have. */
function lostVersions(
  versions: readonly DefinitionVersion[],
  { storedVersions = [] }: DefinitionStatus = {},
): readonly StatusCause[] {
  return storedVersions.flatMap((name, index) =>
    versions.some((version) => version.name === name)
      ? []
      : invalidCause(
          `status.storedVersions[${index}]`,
          name,
          `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`,
        ),
  );
}

/** The problems of a definition, in the API server's words. */
export function validateCrd({ metadata, spec, status }: KubeObject): readonly StatusCause[] {
  const { group, names, versions } = spec as DefinitionSpec;
  const found = [...lostVersions(versions, status as DefinitionStatus | undefined)];
  if (metadata.name !== `${names.plural}.${group}`) {
    found.push(
      invalidCause('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'),
    );
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    found.push(
      invalidCause(
        'spec.versions',
        versions,
        'must have exactly one version marked as storage version',
      ),
    );
  }
  for (const [index, { schema }] of versions.entries()) {
    const root = schema?.openAPIV3Schema;
    if (root === undefined) {
      found.push(requiredCause(`spec.versions[${index}].schema.openAPIV3Schema`));
    } else {
      found.push(...rootProblems(root));
    }
  }
  return found;
}

const rootProblems = memoize((root: StructuralSchema) =>
  schemaProblems(root, 'spec.validation.openAPIV3Schema', true),
);

function typeRequirement(path: string, root: boolean): string {
  if (root) {
    return 'at the root';
  }
  return path.endsWith('items') ? 'for specified array items' : 'for specified object fields';
}

function schemaProblems(
  schema: StructuralSchema,
  path: string,
  root = false,
): readonly StatusCause[] {
  const found: StatusCause[] = [];
  const free =
    schema['x-kubernetes-int-or-string'] === true ||
    schema['x-kubernetes-preserve-unknown-fields'] === true;
  if ((schema.type ?? '') === '' && !free) {
    found.push(requiredCause(`${path}.type`, `must not be empty ${typeRequirement(path, root)}`));
  }
  if (schema.type === 'array' && schema.items === undefined) {
    found.push(requiredCause(`${path}.items`, 'must be specified'));
  }
  if (schema.default !== undefined) {
    for (const { field, reason, message } of validateBySchema(
      freezeJson(schema.default),
      schema,
      '.',
    )) {
      found.push({
        reason,
        field: `${path}.default${field === '.' ? '' : field.slice(1)}`,
        message: message.replace(/: \.(\S*) in body/, ': $1 in body'),
      });
    }
  }
  if (schema['x-kubernetes-list-type'] === 'map') {
    for (const key of schema['x-kubernetes-list-map-keys'] ?? []) {
      const item = schema.items?.properties?.[key];
      if (item?.default === undefined && schema.items?.required?.includes(key) !== true) {
        found.push(
          requiredCause(
            `${path}.items.properties[${key}].default`,
            'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
          ),
        );
      }
    }
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (!(root && name === 'metadata')) {
      found.push(...schemaProblems(inner, `${path}.properties[${name}]`));
    }
  }
  if (typeof schema.additionalProperties === 'object') {
    found.push(...schemaProblems(schema.additionalProperties, `${path}.additionalProperties`));
  }
  if (schema.items !== undefined) {
    found.push(...schemaProblems(schema.items, `${path}.items`));
  }
  return found;
}

function invalidCause(field: string, value: unknown, detail: string): StatusCause {
  return {
    reason: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${JSON.stringify(value)}: ${detail}`,
  };
}

function requiredCause(field: string, detail?: string): StatusCause {
  return {
    reason: 'FieldValueRequired',
    field,
    message: detail === undefined ? 'Required value' : `Required value: ${detail}`,
  };
}
