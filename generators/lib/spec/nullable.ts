/** Types that include null or undefined, and schemas of values that may be null. */
import { ts } from '@ts-morph/common';
import type { StructuralSchema } from '../util/structural-schema.ts';

/**
 * Allows null for a schema. The API server refuses null for each schema with an enum, also with
 * `nullable: true`. The enum is therefore replaced by a pattern for strings, and by a rule for
 * other values.
 * @param nullable false: the schema is returned unchanged
 */
export function makeNullable(schema: StructuralSchema, nullable: boolean): StructuralSchema {
  if (!nullable) {
    return schema;
  }
  const { enum: values, ...rest } = schema;
  if (values === undefined) {
    return { ...rest, nullable: true };
  }
  if (schema.type === 'string') {
    return {
      ...rest,
      nullable: true,
      pattern: `^(${values.map((value) => escapeRegExp(String(value))).join('|')})$`,
    };
  }
  const rule = {
    rule: `self in [${values.join(', ')}]`,
    message: `must be one of ${values.join(', ')}`,
  };
  return {
    ...rest,
    nullable: true,
    'x-kubernetes-validations': [...(rest['x-kubernetes-validations'] ?? []), rule],
  };
}

/** Whether a type is null or undefined. */
export function isNullish(type: ts.Type): boolean {
  return (type.flags & (ts.TypeFlags.Null | ts.TypeFlags.Undefined)) !== 0;
}

/** Whether a type is undefined, or a union with undefined. */
export function includesUndefined(type: ts.Type): boolean {
  return (type.isUnion() ? type.types : [type]).some(({ flags }) => flags & ts.TypeFlags.Undefined);
}

/**
 * The type of an optional field without undefined. A union of several other types keeps undefined,
 * because a new union cannot be made.
 */
export function withoutUndefined(type: ts.Type): ts.Type {
  if (!type.isUnion() || !includesUndefined(type)) {
    return type;
  }
  const rest = type.types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
  const [only] = rest;
  return rest.length === 1 && only !== undefined ? only : type;
}

/** Escapes a string, so that the regular expression matches exactly this string. */
export function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
