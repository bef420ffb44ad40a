/**
 * Merge rules of the lists and maps of a kind under server-side apply, from x-kubernetes-list-type
 * and related schema extensions. Default without a rule: maps merge field by field, and a list is
 * one value. Source: Kubernetes API conventions, "Merge strategy".
 */

export interface Shape {
  /** List type. `map` merges items by `keys`, `set` merges values. Default: one value. */
  readonly list?: 'map' | 'set';
  readonly keys?: readonly string[];
  /** Defaults of absent keys, for example the protocol TCP of a Service port. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  readonly items?: Shape;
  /** True: the map is one value. */
  readonly atomic?: true;
  readonly fields?: Readonly<Record<string, Shape>>;
  /** Shape of the members of a map without declared fields. */
  readonly values?: Shape;
  /** True: no schema declares the members, so that an apply owns each member as a whole. */
  readonly open?: true;
  /** Name of a shape in MERGE_SHAPES that several kinds use. */
  readonly ref?: string;
}

/** Shape of values without a schema: maps merge member by member, lists are one value. */
export const ANY_SHAPE: Shape = { open: true, values: { ref: 'any' } };

/** Shape of metadata, equal for all kinds. */
export const METADATA_SHAPE: Shape = {
  fields: {
    finalizers: { list: 'set' },
    ownerReferences: { list: 'map', keys: ['uid'], items: { atomic: true } },
  },
};

/** The parts of an OpenAPI v3 or CRD schema that decide merging. */
export interface MergeSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, MergeSchema>>;
  readonly additionalProperties?: MergeSchema | boolean;
  readonly items?: MergeSchema;
  readonly default?: unknown;
  readonly $ref?: string;
  readonly allOf?: readonly MergeSchema[];
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular';
}

/** The schemas that `$ref` can name. */
export interface SchemaReferences {
  schema(name: string): MergeSchema | undefined;
  shape(name: string): Shape | undefined;
}

const NO_REFERENCES: SchemaReferences = { schema: () => undefined, shape: () => undefined };

/** The shape of a schema. Undefined: all parts merge by default. */
export function mergeShapeOf(
  schema: MergeSchema,
  references: SchemaReferences = NO_REFERENCES,
): Shape | undefined {
  const name = referenceOf(schema);
  if (name !== undefined) {
    return references.shape(name);
  }
  if (schema.items !== undefined) {
    return listShape(schema, schema.items, references);
  }
  if (schema['x-kubernetes-map-type'] === 'atomic') {
    return { atomic: true };
  }
  const fields = Object.entries(schema.properties ?? {}).flatMap(([field, inner]) => {
    const shape = mergeShapeOf(inner, references);
    return shape === undefined ? [] : [[field, shape] as const];
  });
  const values =
    typeof schema.additionalProperties === 'object'
      ? mergeShapeOf(schema.additionalProperties, references)
      : undefined;
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) {
    return { ...(fields.length > 0 && { fields: Object.fromEntries(fields) }), ref: 'any' };
  }
  const open = isStructured(schema.additionalProperties);
  if (fields.length === 0 && values === undefined && !open) {
    return undefined;
  }
  return {
    ...(open && { open }),
    ...(fields.length > 0 && { fields: Object.fromEntries(fields) }),
    ...(values !== undefined && { values }),
  };
}

/** Whether the members of a map have declared fields. */
function isStructured(members: MergeSchema['additionalProperties']): boolean {
  return (
    members === true ||
    (typeof members === 'object' && (members.type === 'object' || members.type === 'array'))
  );
}

function referenceOf(schema: MergeSchema): string | undefined {
  return schema.$ref ?? schema.allOf?.find(({ $ref }) => $ref !== undefined)?.$ref;
}

function listShape(
  schema: MergeSchema,
  item: MergeSchema,
  references: SchemaReferences,
): Shape | undefined {
  const list = schema['x-kubernetes-list-type'];
  if (list !== 'map' && list !== 'set') {
    return undefined;
  }
  if (list === 'set') {
    return { list };
  }
  const name = referenceOf(item);
  const { properties } = (name === undefined ? item : references.schema(name)) ?? {};
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const defaults = Object.fromEntries(
    keys.flatMap((key) =>
      properties?.[key]?.default === undefined ? [] : [[key, properties[key].default]],
    ),
  );
  const items = mergeShapeOf(item, references);
  return {
    list,
    keys,
    ...(Object.keys(defaults).length > 0 && { defaults }),
    ...(items !== undefined && { items }),
  };
}
