/**
 * CustomResourceDefinitions: what the API server fills in, demands of them, and says of them in
 * status.
 */
import type { KubeObject } from 'autopilot-runtime/ports';
import type { Cause } from './errors.ts';
import { keep, remembered } from './frozen.ts';
import type { StructuralSchema } from './schema.ts';
import { problemsOf } from './validate.ts';

export const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly priority?: number;
  readonly description?: string;
  readonly format?: string;
}

export interface Version {
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
  readonly additionalPrinterColumns?: readonly Column[];
}

interface Names {
  readonly plural: string;
  readonly kind: string;
  readonly singular?: string;
  readonly listKind?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

export interface Definition {
  readonly group: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly names: Names;
  readonly versions: readonly Version[];
}

export function isDefinition({
  group,
  plural,
}: {
  readonly group: string;
  readonly plural: string;
}): boolean {
  return group === 'apiextensions.k8s.io' && plural === 'customresourcedefinitions';
}

export function withDefinitionDefaults(object: KubeObject): KubeObject {
  const spec = object.spec as Definition | undefined;
  return spec?.names?.kind === undefined
    ? object
    : keep({ ...object, spec: completed(keep(spec)) } as KubeObject);
}

const completed = remembered((spec: Definition): object => {
  const { kind, singular = kind.toLowerCase(), listKind = `${kind}List` } = spec.names;
  return keep({
    conversion: { strategy: 'None' },
    ...spec,
    names: { ...spec.names, singular, listKind },
  });
});

/** What the server's controllers write a moment later. */
export function established(object: KubeObject, time: string): object {
  const { names, versions } = object.spec as Definition;
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

export function definitionProblems({ metadata, spec }: KubeObject): readonly Cause[] {
  const { group, names, versions } = spec as Definition;
  const found: Cause[] = [];
  if (metadata.name !== `${names.plural}.${group}`) {
    found.push(invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'));
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    found.push(
      invalid('spec.versions', versions, 'must have exactly one version marked as storage version'),
    );
  }
  for (const [index, { schema }] of versions.entries()) {
    const root = schema?.openAPIV3Schema;
    if (root === undefined) {
      found.push(required(`spec.versions[${index}].schema.openAPIV3Schema`));
    } else {
      found.push(...rootProblems(root));
    }
  }
  return found;
}

const rootProblems = remembered((root: StructuralSchema) =>
  schemaProblems(root, 'spec.validation.openAPIV3Schema', true),
);

function schemaProblems(schema: StructuralSchema, place: string, root = false): readonly Cause[] {
  const found: Cause[] = [];
  const free =
    schema['x-kubernetes-int-or-string'] === true ||
    schema['x-kubernetes-preserve-unknown-fields'] === true;
  if ((schema.type ?? '') === '' && !free) {
    found.push(
      required(
        `${place}.type`,
        `must not be empty ${root ? 'at the root' : place.endsWith('items') ? 'for specified array items' : 'for specified object fields'}`,
      ),
    );
  }
  if (schema.type === 'array' && schema.items === undefined) {
    found.push(required(`${place}.items`, 'must be specified'));
  }
  if (schema.default !== undefined) {
    for (const { field, reason, message } of problemsOf(keep(schema.default), schema, '.')) {
      found.push({
        reason,
        field: `${place}.default${field === '.' ? '' : field.slice(1)}`,
        message: message.replace(/: \.(\S*) in body/, ': $1 in body'),
      });
    }
  }
  if (schema['x-kubernetes-list-type'] === 'map') {
    for (const key of schema['x-kubernetes-list-map-keys'] ?? []) {
      const item = schema.items?.properties?.[key];
      if (item?.default === undefined && schema.items?.required?.includes(key) !== true) {
        found.push(
          required(
            `${place}.items.properties[${key}].default`,
            'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
          ),
        );
      }
    }
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (!(root && name === 'metadata')) {
      found.push(...schemaProblems(inner, `${place}.properties[${name}]`));
    }
  }
  if (typeof schema.additionalProperties === 'object') {
    found.push(...schemaProblems(schema.additionalProperties, `${place}.additionalProperties`));
  }
  if (schema.items !== undefined) {
    found.push(...schemaProblems(schema.items, `${place}.items`));
  }
  return found;
}

function invalid(field: string, value: unknown, text: string): Cause {
  return {
    reason: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${JSON.stringify(value)}: ${text}`,
  };
}

function required(field: string, text?: string): Cause {
  return {
    reason: 'FieldValueRequired',
    field,
    message: text === undefined ? 'Required value' : `Required value: ${text}`,
  };
}
