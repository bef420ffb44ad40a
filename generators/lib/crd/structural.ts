/**
 * JSON Schema -> the structural subset that a CustomResourceDefinition takes
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).
 * What cannot be structural is an error that names the path and the way out.
 */

export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
  readonly $ref?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
}

/** Keywords that mean the same in both. */
const KEPT = [
  'title',
  'description',
  'default',
  'format',
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'uniqueItems',
  'x-kubernetes-validations',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
];

type Out = Record<string, unknown>;

/** @param path for messages: `spec`. @throws Error */
export function toStructural(schema: JsonSchema, path: string): Out {
  const kept: Out = {};
  for (const keyword of KEPT) if (schema[keyword] !== undefined) kept[keyword] = schema[keyword];
  for (const bound of ['Minimum', 'Maximum']) {
    const exclusive = schema[`exclusive${bound}`];
    if (typeof exclusive !== 'number') continue;
    kept[bound.toLowerCase()] = exclusive;
    kept[`exclusive${bound}`] = true;
  }
  // uniqueItems: true is forbidden; a set says the same.
  if (kept['uniqueItems'] !== undefined) {
    delete kept['uniqueItems'];
    if (schema['uniqueItems'] === true) kept['x-kubernetes-list-type'] = 'set';
  }
  // A recursive type: the schema cannot follow it.
  if (schema.$ref !== undefined) return { ...kept, type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  if (schema.anyOf !== undefined) return { ...kept, ...unionOf(schema.anyOf, path) };
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  if (types.includes('null')) return { ...kept, ...toStructural({ ...schema, type: types.filter((type) => type !== 'null') }, path), nullable: true };
  if (types.length > 1) return { ...kept, ...mixed(types, path) };
  const values = schema.const === undefined ? schema.enum : [schema.const];
  if (values !== undefined) return { ...kept, ...enumOf(values, path) };
  switch (types[0]) {
    case 'object':
      return { ...kept, ...objectOf(schema, path) };
    case 'array': {
      if (schema.items === undefined || Array.isArray(schema.items))
        throw new Error(`${path} is a tuple, which a CRD cannot describe; use an object with named fields or an array of one type`);
      return { ...kept, type: 'array', items: toStructural(schema.items as JsonSchema, `${path}[]`) };
    }
    case 'string':
    case 'boolean':
    case 'integer':
    case 'number':
      return { ...kept, type: types[0] };
    case undefined:
      return { ...kept, 'x-kubernetes-preserve-unknown-fields': true };
    default:
      throw new Error(`${path} has the type '${types[0]}', which a CRD cannot describe`);
  }
}

function objectOf(schema: JsonSchema, path: string): Out {
  const properties = Object.entries(schema.properties ?? {});
  const { additionalProperties } = schema;
  if (properties.length === 0 && typeof additionalProperties === 'object') {
    const values = toStructural(additionalProperties, `${path}{}`);
    return { type: 'object', additionalProperties: values };
  }
  if (properties.length > 0 && typeof additionalProperties === 'object' && Object.keys(additionalProperties).length > 0)
    throw new Error(`${path} has both named fields and an index signature, which a CRD cannot describe; move the map into a field of its own`);
  if (properties.length === 0) return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const required = (schema['required'] as readonly string[] | undefined) ?? [];
  return {
    type: 'object',
    properties: Object.fromEntries(properties.map(([name, value]) => [name, toStructural(value, `${path}.${name}`)])),
    ...(required.length === 0 ? {} : { required }),
  };
}

/** Several plain types: number and text is int-or-string, anything else has no structure. */
function mixed(types: readonly string[], path: string): Out {
  const numeric = types.some((type) => type === 'number' || type === 'integer');
  if (numeric && types.includes('string') && types.length === 2) return { 'x-kubernetes-int-or-string': true };
  throw new Error(`${path} may be ${types.join(' or ')}, which a CRD cannot describe; choose one type, or number | string`);
}

function enumOf(values: readonly unknown[], path: string): Out {
  const some = values.filter((value) => value !== null);
  const types = new Set(some.map((value) => (Number.isInteger(value) ? 'integer' : typeof value)));
  if (types.size !== 1) throw new Error(`${path} lists values of several types (${[...types].join(', ')}); a CRD takes one`);
  return { type: [...types][0], enum: values, ...(some.length < values.length ? { nullable: true } : {}) };
}

/** A union: null drops out, constants join, objects are merged (what all require stays required). */
function unionOf(branches: readonly JsonSchema[], path: string): Out {
  const some = branches.filter(({ type }) => type !== 'null');
  const nullable = some.length < branches.length ? { nullable: true } : {};
  const [only] = some;
  if (some.length === 1 && only !== undefined) return { ...toStructural(only, path), ...nullable };
  const values = some.flatMap((branch) => (branch.const === undefined ? (branch.enum ?? []) : [branch.const]));
  if (some.every((branch) => branch.const !== undefined || branch.enum !== undefined)) return { ...enumOf(values, path), ...nullable };
  if (some.every((branch) => branch.type === 'object' && branch.properties !== undefined)) return { ...mergedObject(some, path), ...nullable };
  if (some.every((branch) => typeof branch.type === 'string' && branch.properties === undefined))
    return {
      ...mixed(
        some.map(({ type }) => type as string),
        path,
      ),
      ...nullable,
    };
  throw new Error(`${path} is a union of different shapes, which a CRD cannot describe; use one object whose fields are optional`);
}

function mergedObject(branches: readonly JsonSchema[], path: string): Out {
  const properties: Record<string, Out> = {};
  for (const branch of branches)
    for (const [name, value] of Object.entries(branch.properties ?? {})) {
      const next = toStructural(value, `${path}.${name}`);
      const known = properties[name];
      properties[name] = known === undefined ? next : joined(known, next, `${path}.${name}`);
    }
  const required = branches
    .map((branch) => (branch['required'] as readonly string[] | undefined) ?? [])
    .reduce((all, names) => all.filter((name) => names.includes(name)));
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
}

function joined(a: Out, b: Out, path: string): Out {
  if (JSON.stringify(a) === JSON.stringify(b)) return a;
  if (a['type'] === b['type'] && Array.isArray(a['enum']) && Array.isArray(b['enum']))
    return { ...a, enum: [...new Set<unknown>([...a['enum'], ...b['enum']])] };
  throw new Error(`${path} has different types in the branches of a union, which a CRD cannot describe; give the fields different names`);
}
