/**
 * How the lists and maps of a kind merge under server-side apply: what Kubernetes calls list
 * topology. Absent means the default, maps field by field and lists as one value. (Kubernetes API
 * conventions, "Merge strategy"; x-kubernetes-list-type and friends.)
 */

export interface Shape {
  /** Lists: `map` merges items by `keys`, `set` merges values; absent: the list is one value. */
  readonly list?: 'map' | 'set';
  readonly keys?: readonly string[];
  /** Values that absent keys stand for: a Service port's protocol is TCP. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  readonly items?: Shape;
  /** A map that is one value. */
  readonly atomic?: true;
  readonly fields?: Readonly<Record<string, Shape>>;
  /** All members of a map without declared fields. */
  readonly values?: Shape;
  /**
   * The members of this map are declared nowhere: who applies one owns it, not only what is in it.
   */
  readonly open?: true;
  /** A shape used by several kinds, by its name in the table. */
  readonly ref?: string;
}

/** Shape of values without a schema: maps merge member by member, lists are one value. */
export const ANY_SHAPE: Shape = { open: true, values: { ref: 'any' } };

/** Shapes of metadata, the same for every kind. */
export const METADATA_SHAPE: Shape = {
  fields: {
    finalizers: { list: 'set' },
    ownerReferences: { list: 'map', keys: ['uid'], items: { atomic: true } },
  },
};

/** What of an OpenAPI v3 or CRD schema matters here. */
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

/** Where a `$ref` leads. */
export interface SchemaReferences {
  schema(name: string): MergeSchema | undefined;
  shape(name: string): Shape | undefined;
}

const NO_REFERENCES: SchemaReferences = { schema: () => undefined, shape: () => undefined };

/** The shape of a schema, or undefined when all of it merges by default. */
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

/** Members of such a map have fields of their own. */
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
