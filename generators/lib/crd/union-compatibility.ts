/** Comparison of oneOf and anyOf, in the form in which spec/read-union.ts writes them. */
import { isDeepStrictEqual } from 'node:util';
import type { StructuralSchema } from '../util/structural-schema.ts';

/**
 * Whether each combination of fields that was valid before is still valid.
 * @returns false also when that cannot be decided
 */
export function isUnionWidened(
  keyword: 'oneOf' | 'anyOf' | 'allOf' | 'not',
  before: StructuralSchema,
  after: StructuralSchema,
): boolean {
  const [was, is] = [before[keyword], after[keyword]];
  if (is === undefined || isDeepStrictEqual(was, is)) {
    return true;
  }
  // The anyOf of int-or-string is always the same.
  if (keyword === 'anyOf' && after['x-kubernetes-int-or-string'] === true) {
    return true;
  }
  if (!Array.isArray(was) || !Array.isArray(is) || keyword === 'allOf') {
    return false;
  }
  return was.every((shape) => is.some((wider) => includesShape(shape, wider, before)));
}

/** Whether each object that has the old shape also has the wider one. */
function includesShape(
  old: StructuralSchema,
  wider: StructuralSchema,
  before: StructuralSchema,
): boolean {
  const { properties: oldValues = {}, required: oldRequired = [], not: oldNot, ...oldRest } = old;
  const { properties: values = {}, required = [], not, ...rest } = wider;
  if (Object.keys(oldRest).length > 0 || Object.keys(rest).length > 0) {
    return false;
  }
  const valuesFit = Object.entries(values).every(([name, { enum: allowed = [] }]) => {
    const known = oldValues[name]?.enum;
    return known !== undefined && known.every((value) => allowed.includes(value));
  });
  const forbidden = (schema: StructuralSchema | undefined): readonly string[] =>
    (schema?.anyOf ?? []).flatMap((branch) => branch.required ?? []);
  const declared = Object.keys(before.properties ?? {});
  // No stored resource has a field that was not declared before.
  const known = new Set(forbidden(oldNot));
  return (
    valuesFit &&
    required.every((name) => oldRequired.includes(name)) &&
    forbidden(not).every((name) => known.has(name) || !declared.includes(name))
  );
}
