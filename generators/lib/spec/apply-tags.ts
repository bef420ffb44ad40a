/** What the tags of a comment do to the schema of the value that the comment belongs to. */
import type { ts } from '@ts-morph/common';
import { didYouMean } from '../util/naming.ts';
import type { DocComment, DocTag } from './doc-comments.ts';
import { validateValue } from '../util/validate-value.ts';
import { printerColumnOf } from './printer-columns.ts';
import { addImmutableRule, parseRuleTag, parseValidationRules } from './cel-rules.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';
import { docTags } from './doc-tags.ts';
import type { TagName } from './doc-tags.ts';
import { reportProblem, reportTagProblem } from './read-context.ts';
import type { TypeLocation, ReadContext } from './read-context.ts';

/** A sentence about what is wrong, or nothing. Changes the schema, which is nobody else's. */
type TagHandler = (
  schema: StructuralSchema,
  tag: DocTag,
  context: ReadContext,
  location: TypeLocation,
) => string | undefined;

const isNumber = ({ type }: StructuralSchema): boolean => type === 'integer' || type === 'number';
const isMap = ({ type, properties }: StructuralSchema): boolean =>
  type === 'object' && properties === undefined;

function numberConstraint(
  key: 'minimum' | 'maximum' | 'multipleOf',
  exclusive?: 'exclusiveMinimum' | 'exclusiveMaximum',
): TagHandler {
  return (schema, { value }) => {
    if (!isNumber(schema)) {
      return 'is for numbers';
    }
    if (value === '' || !Number.isFinite(Number(value))) {
      return `needs a number, not '${value}'`;
    }
    if (key === 'multipleOf' && Number(value) <= 0) {
      return 'needs a number above 0';
    }
    schema[key] = Number(value);
    if (exclusive !== undefined) {
      schema[exclusive] = true;
    }
    return undefined;
  };
}

function countConstraint(
  key: 'minLength' | 'maxLength' | 'minItems' | 'maxItems' | 'minProperties' | 'maxProperties',
  fits: (schema: StructuralSchema) => boolean,
  subject: string,
): TagHandler {
  return (schema, { value }) => {
    if (!fits(schema)) {
      return `is for ${subject}`;
    }
    if (!/^\d+$/.test(value)) {
      return `needs a count, not '${value}'`;
    }
    schema[key] = Number(value);
    return undefined;
  };
}

const isString = (schema: StructuralSchema): boolean => schema.type === 'string';
const isList = (schema: StructuralSchema): boolean => schema.type === 'array';
const isObject = (schema: StructuralSchema): boolean => schema.type === 'object';

/**
 * Of k8s.io/kube-openapi's strfmt and apiextensions' supported formats. Others would be ignored in
 * silence.
 */
const STRING_FORMATS =
  'bsonobjectid uri email hostname ipv4 ipv6 cidr mac uuid uuid3 uuid4 uuid5 isbn isbn10 isbn13 creditcard ssn hexcolor rgbcolor byte password date duration datetime date-time'.split(
    ' ',
  );
const NUMBER_FORMATS = ['int32', 'int64', 'float', 'double'];

const applyFormat: TagHandler = (schema, { value }) => {
  const known = isNumber(schema) ? NUMBER_FORMATS : isString(schema) ? STRING_FORMATS : undefined;
  if (known === undefined) {
    return 'is for texts and numbers';
  }
  if (!known.includes(value)) {
    return `names '${value}', which is no format that the API server knows${didYouMean(value, known)}`;
  }
  schema.format = value;
  if (value === 'int32' || value === 'int64') {
    schema.type = 'integer';
  }
  return undefined;
};

const applyPattern: TagHandler = (schema, { value }) => {
  if (!isString(schema) && schema['x-kubernetes-int-or-string'] !== true) {
    return 'is for texts';
  }
  if (/\(\?(?:[=!]|<[=!])|\\[1-9]/.test(value)) {
    return 'has look-around or a back reference, which the API server does not have (its syntax is RE2); use a @rule';
  }
  try {
    new RegExp(value, 'u');
  } catch (error) {
    return `is no regular expression: ${(error as Error).message}`;
  }
  schema.pattern = value;
  return undefined;
};

const applyDefault: TagHandler = (schema, { value }) => {
  const parsed =
    isString(schema) && !value.startsWith('"') && value !== 'null' ? value : parseJson(value);
  if (parsed === undefined) {
    return `needs a value as JSON, not '${value}'`;
  }
  schema.default = parsed;
  return undefined;
};

const applyKeyedBy: TagHandler = (schema, { value }) => {
  const keys = splitWords(value);
  if (!isList(schema) || schema.items?.properties === undefined) {
    return 'is for lists of objects';
  }
  const { properties, required = [] } = schema.items;
  if (keys.length === 0) {
    return 'needs the names of the fields that tell the items apart';
  }
  for (const key of keys) {
    const member = properties[key];
    if (member === undefined) {
      return `names '${key}', which is no field of the items${didYouMean(key, Object.keys(properties))}`;
    }
    if (!['string', 'integer', 'number', 'boolean'].includes(member.type ?? '')) {
      return `names '${key}', which is neither text, number nor boolean`;
    }
    if (!required.includes(key) && member.default === undefined) {
      return `names '${key}', which is optional; make it required, or give it a default`;
    }
  }
  schema['x-kubernetes-list-type'] = 'map';
  schema['x-kubernetes-list-map-keys'] = keys;
  return undefined;
};

const applySet: TagHandler = (schema) => {
  if (
    !isList(schema) ||
    !['string', 'integer', 'number', 'boolean'].includes(schema.items?.type ?? '')
  ) {
    return 'is for lists of texts, numbers or booleans; lists of objects take @keyedBy';
  }
  schema['x-kubernetes-list-type'] = 'set';
  return undefined;
};

const applyAtomic: TagHandler = (schema) => {
  if (isList(schema)) {
    schema['x-kubernetes-list-type'] = 'atomic';
  } else if (isObject(schema)) {
    schema['x-kubernetes-map-type'] = 'atomic';
  } else {
    return 'is for lists and objects';
  }
  return undefined;
};

function addRules(
  from: (tag: DocTag) => StructuralSchema['x-kubernetes-validations'] | string,
): TagHandler {
  return (schema, tag, _context, location) => {
    const rules = from(tag);
    if (rules === undefined || typeof rules === 'string') {
      return rules;
    }
    if (
      location.scope.type === 'uncorrelated' &&
      rules.some(({ rule }) => /\boldSelf\b/.test(rule))
    ) {
      return 'compares with oldSelf, but items of this list have nothing that tells which was which; put @keyedBy on the list';
    }
    schema['x-kubernetes-validations'] = [...(schema['x-kubernetes-validations'] ?? []), ...rules];
    return undefined;
  };
}

const addColumn =
  (wide: boolean): TagHandler =>
  (schema, tag, context, location) => {
    const made = printerColumnOf(schema, tag.value, wide, location);
    if (typeof made === 'string') {
      return made;
    }
    context.columns.push(made);
    return undefined;
  };

const applyDeprecated: TagHandler = (schema, { value }) => {
  schema.description = [schema.description, `Deprecated${value === '' ? '' : `: ${value}`}`]
    .filter((line) => line !== undefined)
    .join('\n');
  return undefined;
};

const refuseKindTag: TagHandler = () => 'belongs to the comment of the Spec interface';

const tagHandlers: Readonly<Record<TagName, TagHandler>> = {
  minimum: numberConstraint('minimum'),
  maximum: numberConstraint('maximum'),
  exclusiveMinimum: numberConstraint('minimum', 'exclusiveMinimum'),
  exclusiveMaximum: numberConstraint('maximum', 'exclusiveMaximum'),
  multipleOf: numberConstraint('multipleOf'),
  minLength: countConstraint('minLength', isString, 'texts'),
  maxLength: countConstraint(
    'maxLength',
    (schema) => isString(schema) || schema['x-kubernetes-int-or-string'] === true,
    'texts',
  ),
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
  // What it does is done where the type is looked at.
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

/** Those of the kind, on the comment of the Spec interface, are kind.ts's. */
const KIND_TAGS: readonly TagName[] = ['shortName', 'category', 'scale', 'printerColumn'];

/**
 * @param declaration what the comment stands at
 * @returns a new schema; a description or limits of the type that is referred to give way to those
 * of the comment
 */
export function applyTags(
  context: ReadContext,
  of: StructuralSchema,
  comment: DocComment,
  location: TypeLocation,
  declaration: ts.Node,
): StructuralSchema {
  const at: TypeLocation = context.program.isForeign(declaration.getSourceFile())
    ? location
    : { ...location, node: declaration };
  const schema: StructuralSchema = {
    ...of,
    ...(comment.description !== '' && { description: comment.description }),
  };
  for (const tag of comment.unknown) {
    reportTagProblem(
      context,
      at,
      tag,
      `is no tag that is known here${didYouMean(tag.name, Object.keys(docTags))}`,
    );
  }
  // The shape was not understood, and that has been said.
  if (Object.keys(of).length === 0) {
    return schema;
  }
  const top = location.path === 'spec';
  // Limits before what is judged by them.
  const late = ({ name }: DocTag): number =>
    Number(name === 'immutable') + 2 * Number(name === 'default');
  for (const tag of comment.tags.toSorted((a, b) => late(a) - late(b))) {
    if (top && (KIND_TAGS.includes(tag.name) || tag.name === 'deprecated')) {
      continue;
    }
    const problem = tagHandlers[tag.name](schema, tag, context, at);
    if (problem !== undefined) {
      reportTagProblem(context, at, tag, problem);
    }
  }
  const wrong = schema.default === undefined ? undefined : validateValue(schema.default, schema);
  if (wrong !== undefined) {
    reportProblem(
      context,
      at,
      `has the default ${JSON.stringify(schema.default)}, which does not fit: ${wrong}`,
    );
  }
  return schema;
}

export function splitWords(value: string): string[] {
  return value.split(/[\s,]+/).filter((word) => word !== '');
}

export function parseJson(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}
