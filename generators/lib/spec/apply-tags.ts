/** What the tags of a comment do to the schema of the value that the comment belongs to. */
import type { ts } from '@ts-morph/common';
import { suggestion } from '../naming.ts';
import type { Comment, Tag } from './comments.ts';
import { misfit } from './fits.ts';
import { columnOf } from './columns.ts';
import { immutable, ruleOf, rulesOf } from './rules.ts';
import type { Schema } from './schema.ts';
import { tags } from './tags.ts';
import type { TagName } from './tags.ts';
import { report, reportTag } from './walk.ts';
import type { Place, Walk } from './walk.ts';

/** A sentence about what is wrong, or nothing. Changes the schema, which is nobody else's. */
type Facet = (schema: Schema, tag: Tag, walk: Walk, place: Place) => string | undefined;

const isNumber = ({ type }: Schema): boolean => type === 'integer' || type === 'number';
const isMap = ({ type, properties }: Schema): boolean => type === 'object' && properties === undefined;

function number(key: 'minimum' | 'maximum' | 'multipleOf', exclusive?: 'exclusiveMinimum' | 'exclusiveMaximum'): Facet {
  return (schema, { value }) => {
    if (!isNumber(schema)) return 'is for numbers';
    if (value === '' || !Number.isFinite(Number(value))) return `needs a number, not '${value}'`;
    if (key === 'multipleOf' && Number(value) <= 0) return 'needs a number above 0';
    schema[key] = Number(value);
    if (exclusive !== undefined) schema[exclusive] = true;
    return undefined;
  };
}

function count(
  key: 'minLength' | 'maxLength' | 'minItems' | 'maxItems' | 'minProperties' | 'maxProperties',
  fits: (schema: Schema) => boolean,
  what: string,
): Facet {
  return (schema, { value }) => {
    if (!fits(schema)) return `is for ${what}`;
    if (!/^\d+$/.test(value)) return `needs a count, not '${value}'`;
    schema[key] = Number(value);
    return undefined;
  };
}

const text = (schema: Schema): boolean => schema.type === 'string';
const list = (schema: Schema): boolean => schema.type === 'array';
const object = (schema: Schema): boolean => schema.type === 'object';

/** Of k8s.io/kube-openapi's strfmt and apiextensions' supported formats. Others would be ignored in silence. */
const TEXT_FORMATS =
  'bsonobjectid uri email hostname ipv4 ipv6 cidr mac uuid uuid3 uuid4 uuid5 isbn isbn10 isbn13 creditcard ssn hexcolor rgbcolor byte password date duration datetime date-time'.split(
    ' ',
  );
const NUMBER_FORMATS = ['int32', 'int64', 'float', 'double'];

const format: Facet = (schema, { value }) => {
  const known = isNumber(schema) ? NUMBER_FORMATS : text(schema) ? TEXT_FORMATS : undefined;
  if (known === undefined) return 'is for texts and numbers';
  if (!known.includes(value)) return `names '${value}', which is no format that the API server knows${suggestion(value, known)}`;
  schema.format = value;
  if (value === 'int32' || value === 'int64') schema.type = 'integer';
  return undefined;
};

const pattern: Facet = (schema, { value }) => {
  if (!text(schema) && schema['x-kubernetes-int-or-string'] !== true) return 'is for texts';
  if (/\(\?(?:[=!]|<[=!])|\\[1-9]/.test(value))
    return 'has look-around or a back reference, which the API server does not have (its syntax is RE2); use a @rule';
  try {
    new RegExp(value, 'u');
  } catch (error) {
    return `is no regular expression: ${(error as Error).message}`;
  }
  schema.pattern = value;
  return undefined;
};

const byDefault: Facet = (schema, { value }) => {
  const parsed = text(schema) && !value.startsWith('"') && value !== 'null' ? value : parsedJson(value);
  if (parsed === undefined) return `needs a value as JSON, not '${value}'`;
  schema.default = parsed;
  return undefined;
};

const keyedBy: Facet = (schema, { value }) => {
  const keys = words(value);
  if (!list(schema) || schema.items?.properties === undefined) return 'is for lists of objects';
  const { properties, required = [] } = schema.items;
  if (keys.length === 0) return 'needs the names of the fields that tell the items apart';
  for (const key of keys) {
    const member = properties[key];
    if (member === undefined) return `names '${key}', which is no field of the items${suggestion(key, Object.keys(properties))}`;
    if (!['string', 'integer', 'number', 'boolean'].includes(member.type ?? '')) return `names '${key}', which is neither text, number nor boolean`;
    if (!required.includes(key) && member.default === undefined) return `names '${key}', which is optional; make it required, or give it a default`;
  }
  schema['x-kubernetes-list-type'] = 'map';
  schema['x-kubernetes-list-map-keys'] = keys;
  return undefined;
};

const set: Facet = (schema) => {
  if (!list(schema) || !['string', 'integer', 'number', 'boolean'].includes(schema.items?.type ?? ''))
    return 'is for lists of texts, numbers or booleans; lists of objects take @keyedBy';
  schema['x-kubernetes-list-type'] = 'set';
  return undefined;
};

const atomic: Facet = (schema) => {
  if (list(schema)) schema['x-kubernetes-list-type'] = 'atomic';
  else if (object(schema)) schema['x-kubernetes-map-type'] = 'atomic';
  else return 'is for lists and objects';
  return undefined;
};

function addRules(from: (tag: Tag) => Schema['x-kubernetes-validations'] | string): Facet {
  return (schema, tag, _walk, place) => {
    const rules = from(tag);
    if (rules === undefined || typeof rules === 'string') return rules;
    if (place.frame.kind === 'uncorrelated' && rules.some(({ rule }) => /\boldSelf\b/.test(rule)))
      return 'compares with oldSelf, but items of this list have nothing that tells which was which; put @keyedBy on the list';
    schema['x-kubernetes-validations'] = [...(schema['x-kubernetes-validations'] ?? []), ...rules];
    return undefined;
  };
}

const column =
  (wide: boolean): Facet =>
  (schema, tag, walk, place) => {
    const made = columnOf(schema, tag.value, wide, place);
    if (typeof made === 'string') return made;
    walk.columns.push(made);
    return undefined;
  };

const deprecated: Facet = (schema, { value }) => {
  schema.description = [schema.description, `Deprecated${value === '' ? '' : `: ${value}`}`].filter((line) => line !== undefined).join('\n');
  return undefined;
};

const ofKind: Facet = () => 'belongs to the comment of the Spec interface';

const facets: Readonly<Record<TagName, Facet>> = {
  minimum: number('minimum'),
  maximum: number('maximum'),
  exclusiveMinimum: number('minimum', 'exclusiveMinimum'),
  exclusiveMaximum: number('maximum', 'exclusiveMaximum'),
  multipleOf: number('multipleOf'),
  minLength: count('minLength', text, 'texts'),
  maxLength: count('maxLength', (schema) => text(schema) || schema['x-kubernetes-int-or-string'] === true, 'texts'),
  minItems: count('minItems', list, 'lists'),
  maxItems: count('maxItems', list, 'lists'),
  minProperties: count('minProperties', isMap, 'maps'),
  maxProperties: count('maxProperties', isMap, 'maps'),
  pattern,
  format,
  keyedBy,
  set,
  atomic,
  rule: addRules(ruleOf),
  'x-kubernetes-validations': addRules(rulesOf),
  immutable: (schema, _tag, _walk, place) => immutable(schema, place),
  // What it does is done where the type is looked at.
  preserve: () => undefined,
  column: column(false),
  wideColumn: column(true),
  deprecated,
  default: byDefault,
  shortName: ofKind,
  category: ofKind,
  scale: ofKind,
  printerColumn: ofKind,
};

/** Those of the kind, on the comment of the Spec interface, are kind.ts's. */
const KIND_TAGS: readonly TagName[] = ['shortName', 'category', 'scale', 'printerColumn'];

/**
 * @param declaration what the comment stands at
 * @returns a new schema; a description or limits of the type that is referred to give way to those of the comment
 */
export function applyTags(walk: Walk, of: Schema, comment: Comment, place: Place, declaration: ts.Node): Schema {
  const at: Place = walk.program.isForeign(declaration.getSourceFile()) ? place : { ...place, node: declaration };
  const schema: Schema = { ...of, ...(comment.description !== '' && { description: comment.description }) };
  for (const tag of comment.unknown) reportTag(walk, at, tag, `is no tag that is known here${suggestion(tag.name, Object.keys(tags))}`);
  // The shape was not understood, and that has been said.
  if (Object.keys(of).length === 0) return schema;
  const top = place.path === 'spec';
  // Limits before what is judged by them.
  const late = ({ name }: Tag): number => Number(name === 'immutable') + 2 * Number(name === 'default');
  for (const tag of comment.tags.toSorted((a, b) => late(a) - late(b))) {
    if (top && (KIND_TAGS.includes(tag.name) || tag.name === 'deprecated')) continue;
    const problem = facets[tag.name](schema, tag, walk, at);
    if (problem !== undefined) reportTag(walk, at, tag, problem);
  }
  const wrong = schema.default === undefined ? undefined : misfit(schema.default, schema);
  if (wrong !== undefined) report(walk, at, `has the default ${JSON.stringify(schema.default)}, which does not fit: ${wrong}`);
  return schema;
}

export function words(value: string): string[] {
  return value.split(/[\s,]+/).filter((word) => word !== '');
}

export function parsedJson(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}
