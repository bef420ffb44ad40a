/** Types that may be null or undefined, and what null does to a schema. */
import { ts } from '@ts-morph/common';
import type { StructuralSchema } from '../util/structural-schema.ts';

/**
 * The API server refuses null where there is an enum, whatever else is said: a pattern or a rule
 * says the same and leaves null alone.
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

export function isNullish(type: ts.Type): boolean {
  return (type.flags & (ts.TypeFlags.Null | ts.TypeFlags.Undefined)) !== 0;
}

export function includesUndefined(type: ts.Type): boolean {
  return (type.isUnion() ? type.types : [type]).some(({ flags }) => flags & ts.TypeFlags.Undefined);
}

/** Without undefined, when that is one of several: what is left of an optional field. */
export function withoutUndefined(type: ts.Type): ts.Type {
  if (!type.isUnion() || !includesUndefined(type)) {
    return type;
  }
  const rest = type.types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
  const [only] = rest;
  return rest.length === 1 && only !== undefined ? only : type;
}

/** A text as a regular expression that only it matches. */
export function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
