/** Tags of doc comments, applied to the schema of the value that the comment describes. */
import type { ts } from '@ts-morph/common';
import { didYouMean } from '../util/naming.ts';
import type { StructuralSchema, ValidationRule } from '../util/structural-schema.ts';
import { splitNames } from '../util/text.ts';
import { compileRe2 } from '../util/re2.ts';
import { validateValue } from '../util/validate-value.ts';
import { addImmutableRule, parseRuleTag, parseValidationRules } from './cel-rules.ts';
import type { DocComment, DocTag } from './doc-comments.ts';
import { docTags } from './doc-tags.ts';
import type { TagName } from './doc-tags.ts';
import { printerColumnOf } from './printer-columns.ts';
import { InvalidTagError, reportProblem, reportTagProblem, tryTag } from './read-context.ts';
import type { TypeLocation, ReadContext } from './read-context.ts';

/**
 * Applies a tag by changing the schema, which is a copy.
 * @throws InvalidTagError when the tag cannot be applied
 */
type TagHandler = (
  schema: StructuralSchema,
  tag: DocTag,
  context: ReadContext,
  location: TypeLocation,
) => void;

const SCALAR_TYPES = ['string', 'integer', 'number', 'boolean'];

const isString = ({ type }: StructuralSchema): boolean => type === 'string';
const isStringLike = (schema: StructuralSchema): boolean =>
  isString(schema) || schema['x-kubernetes-int-or-string'] === true;
const isNumber = ({ type }: StructuralSchema): boolean => type === 'integer' || type === 'number';
const isList = ({ type }: StructuralSchema): boolean => type === 'array';
const isObject = ({ type }: StructuralSchema): boolean => type === 'object';
const isMap = (schema: StructuralSchema): boolean =>
  isObject(schema) && schema.properties === undefined;

function requireThat(condition: boolean, message: string): void {
  if (!condition) {
    throw new InvalidTagError(message);
  }
}

function numberConstraint(
  key: 'minimum' | 'maximum' | 'multipleOf',
  exclusive?: 'exclusiveMinimum' | 'exclusiveMaximum',
): TagHandler {
  return (schema, { value }) => {
    const number = Number(value);
    requireThat(isNumber(schema), 'applies to numbers only');
    requireThat(value !== '' && Number.isFinite(number), `needs a number, not '${value}'`);
    requireThat(key !== 'multipleOf' || number > 0, `needs a number above 0, not '${value}'`);
    schema[key] = number;
    if (exclusive !== undefined) {
      schema[exclusive] = true;
    }
  };
}

function countConstraint(
  key: 'minLength' | 'maxLength' | 'minItems' | 'maxItems' | 'minProperties' | 'maxProperties',
  appliesTo: (schema: StructuralSchema) => boolean,
  subject: string,
): TagHandler {
  return (schema, { value }) => {
    requireThat(appliesTo(schema), `applies to ${subject} only`);
    requireThat(/^\d+$/.test(value), `needs a count, not '${value}'`);
    schema[key] = Number(value);
  };
}

/**
 * Formats of strings that the API server checks: those of k8s.io/kube-openapi's strfmt that
 * apiextensions supports. The API server ignores others without a message.
 */
const STRING_FORMATS = splitNames(`
  bsonobjectid uri email hostname ipv4 ipv6 cidr mac uuid uuid3 uuid4 uuid5 isbn isbn10
  isbn13 creditcard ssn hexcolor rgbcolor byte password date duration datetime date-time
`);
const NUMBER_FORMATS = ['int32', 'int64', 'float', 'double'];

const applyFormat: TagHandler = (schema, { value }) => {
  requireThat(isNumber(schema) || isString(schema), 'applies to strings and numbers only');
  const known = isNumber(schema) ? NUMBER_FORMATS : STRING_FORMATS;
  requireThat(
    known.includes(value),
    `names '${value}', which is not a format of the API server${didYouMean(value, known)}`,
  );
  schema.format = value;
  if (value === 'int32' || value === 'int64') {
    schema.type = 'integer';
  }
};

const applyPattern: TagHandler = (schema, { value }) => {
  requireThat(isStringLike(schema), 'applies to strings only');
  try {
    compileRe2(value);
  } catch (error) {
    throw new InvalidTagError((error as Error).message);
  }
  schema.pattern = value;
};

const applyDefault: TagHandler = (schema, { value }) => {
  const isPlainString = isString(schema) && !value.startsWith('"');
  requireThat(
    !isString(schema) || !/^(['`]).*\1$/.test(value),
    `has the quotes of ${value}, which would be part of the value: write strings without quotes, or in double quotes`,
  );
  requireThat(
    value !== 'null',
    'cannot be null: the API server sets no such default; remove the tag',
  );
  const parsed = isPlainString ? value : parseJson(value);
  requireThat(parsed !== undefined, `needs a value as JSON, not '${value}'`);
  schema.default = parsed;
};

const applyKeyedBy: TagHandler = (schema, { value }) => {
  if (!isList(schema) || schema.items?.properties === undefined) {
    throw new InvalidTagError('applies to lists of objects only');
  }
  const { properties, required = [] } = schema.items;
  const keys = splitNames(value);
  requireThat(keys.length > 0, 'needs the names of the fields that identify an item');
  for (const key of keys) {
    const field = properties[key];
    if (field === undefined) {
      throw new InvalidTagError(
        `names '${key}', which is not a field of the items${didYouMean(key, Object.keys(properties))}`,
      );
    }
    requireThat(
      SCALAR_TYPES.includes(field.type ?? ''),
      `names '${key}', which is not a string, number or boolean`,
    );
    requireThat(
      required.includes(key) || field.default !== undefined,
      `names '${key}', which is optional; make it required, or give it a default`,
    );
  }
  schema['x-kubernetes-list-type'] = 'map';
  schema['x-kubernetes-list-map-keys'] = keys;
};

const applySet: TagHandler = (schema) => {
  requireThat(
    isList(schema) && SCALAR_TYPES.includes(schema.items?.type ?? ''),
    'applies to lists of strings, numbers or booleans only; use @keyedBy for lists of objects',
  );
  schema['x-kubernetes-list-type'] = 'set';
};

const applyAtomic: TagHandler = (schema) => {
  requireThat(isList(schema) || isObject(schema), 'applies to lists and objects only');
  const keyword = isList(schema) ? 'x-kubernetes-list-type' : 'x-kubernetes-map-type';
  schema[keyword] = 'atomic';
};

function addRules(parse: (tag: DocTag) => readonly ValidationRule[]): TagHandler {
  return (schema, tag, _context, { scope }) => {
    const rules = parse(tag);
    const comparesOldValue = rules.some(({ rule }) => /\boldSelf\b/.test(rule));
    requireThat(
      scope.type !== 'uncorrelated' || !comparesOldValue,
      'compares with oldSelf, but items of this list have no identity; put @keyedBy on the list',
    );
    schema['x-kubernetes-validations'] = [...(schema['x-kubernetes-validations'] ?? []), ...rules];
  };
}

const addColumn =
  (wide: boolean): TagHandler =>
  (schema, { value }, context, location) => {
    context.columns.push(printerColumnOf(schema, { name: value, wide }, location));
  };

const applyDeprecated: TagHandler = (schema, { value }) => {
  schema.description = [schema.description, `Deprecated${value === '' ? '' : `: ${value}`}`]
    .filter((line) => line !== undefined)
    .join('\n');
};

const refuseKindTag: TagHandler = () => {
  throw new InvalidTagError('must be in the comment of the Spec interface');
};

const tagHandlers: Readonly<Record<TagName, TagHandler>> = {
  minimum: numberConstraint('minimum'),
  maximum: numberConstraint('maximum'),
  exclusiveMinimum: numberConstraint('minimum', 'exclusiveMinimum'),
  exclusiveMaximum: numberConstraint('maximum', 'exclusiveMaximum'),
  multipleOf: numberConstraint('multipleOf'),
  minLength: countConstraint('minLength', isString, 'strings'),
  maxLength: countConstraint('maxLength', isStringLike, 'strings'),
  minItems: countConstraint('minItems', isList, 'lists'),
  maxItems: countConstraint('maxItems', isList, 'lists'),
  minProperties: countConstraint('minProperties', isMap, 'maps'),
  maxProperties: countConstraint('maxProperties', isMap, 'maps'),
  pattern: applyPattern,
  format: applyFormat,
  keyedBy: applyKeyedBy,
  set: applySet,
  atomic: applyAtomic,
  rule: addRules(parseRuleTag),
  'x-kubernetes-validations': addRules(parseValidationRules),
  immutable: (schema, _tag, _context, location) => addImmutableRule(schema, location),
  // Applied where the type is read: the field gets a schema without its structure.
  preserve: () => undefined,
  column: addColumn(false),
  wideColumn: addColumn(true),
  deprecated: applyDeprecated,
  default: applyDefault,
  shortName: refuseKindTag,
  category: refuseKindTag,
  scale: refuseKindTag,
  printerColumn: refuseKindTag,
};

/** Tags about the kind, in the comment of the Spec interface. kind-tags.ts applies them. */
const KIND_TAGS: readonly TagName[] = [
  'shortName',
  'category',
  'scale',
  'printerColumn',
  'deprecated',
];

/** A doc comment and the declaration that it describes. */
export interface CommentedNode {
  readonly comment: DocComment;
  readonly declaration: ts.Node;
}

/**
 * Applies the description and the tags of a comment.
 * @param base schema of the commented type. It is not changed. Its description and constraints give
 * way to those of the comment.
 * @returns a new schema
 */
export function applyTags(
  context: ReadContext,
  base: StructuralSchema,
  { comment, declaration }: CommentedNode,
  location: TypeLocation,
): StructuralSchema {
  const at: TypeLocation = context.program.isForeign(declaration.getSourceFile())
    ? location
    : { ...location, node: declaration };
  const schema: StructuralSchema = {
    ...base,
    ...(comment.description !== '' && { description: comment.description }),
  };
  for (const tag of comment.unknown) {
    reportTagProblem(
      context,
      at,
      tag,
      `is not a known tag${didYouMean(tag.name, Object.keys(docTags))}`,
    );
  }
  // An empty schema is a type with a problem, which is reported already.
  if (Object.keys(base).length === 0) {
    return schema;
  }
  const isRoot = location.path === 'spec';
  for (const tag of comment.tags.toSorted((a, b) => tagOrder(a) - tagOrder(b))) {
    if (!isRoot || !KIND_TAGS.includes(tag.name)) {
      tryTag(context, at, tag, () => tagHandlers[tag.name](schema, tag, context, at));
    }
  }
  reportInvalidDefault(context, schema, at);
  return schema;
}

/** Constraints first, then the tags that depend on them. */
function tagOrder({ name }: DocTag): number {
  if (name === 'immutable') {
    return 1;
  }
  return name === 'default' ? 2 : 0;
}

function reportInvalidDefault(
  context: ReadContext,
  schema: StructuralSchema,
  location: TypeLocation,
): void {
  const value = schema.default;
  const problem = value === undefined ? undefined : validateValue(value, schema);
  if (problem !== undefined) {
    reportProblem(
      context,
      location,
      `has the invalid default ${JSON.stringify(value)}: ${problem}`,
    );
  }
}

/** The value of a JSON text. Undefined when the text is not JSON. */
export function parseJson(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}
