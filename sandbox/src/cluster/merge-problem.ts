/**
 * Values that server-side apply cannot merge: list items without keys or with equal keys, and
 * values of another type than the schema's.
 */
import { isMap } from './frozen-json.ts';
import { itemElement, memberShape, formatFieldPath, resolveReference } from './field-set.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { memberSchema } from './structural-schema.ts';
import type { Shape } from './merge-shape.ts';

const EXPECTED_TYPES: Readonly<Record<string, string>> = {
  integer: 'numeric (int or float)',
  number: 'numeric (int or float)',
  string: 'string',
  boolean: 'boolean',
};

/** The first problem, in the API server's words. Undefined: the value can be merged. */
export function findMergeProblem(
  value: unknown,
  shape: Shape | undefined,
  schema: StructuralSchema | undefined,
  path = '',
): string | undefined {
  if (value === null) {
    return undefined;
  }
  if (Array.isArray(value)) {
    const seen = new Set<string>();
    for (const [index, item] of (value as readonly unknown[]).entries()) {
      if (shape?.list !== undefined) {
        const element = itemElement(item, shape);
        const keys = (shape.keys ?? []).map((key) => JSON.stringify(key)).join(' ');
        if (element === 'k:{}') {
          return `${path}: element ${index}: associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`;
        }
        if (seen.has(element)) {
          return `${path}: duplicate entries for key ${formatFieldPath(element)}`;
        }
        seen.add(element);
      }
      const found = findMergeProblem(
        item,
        shape?.list === undefined ? undefined : resolveReference(shape.items),
        schema?.items,
        `${path}[${index}]`,
      );
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }
  if (isMap(value)) {
    for (const [name, inner] of Object.entries(value)) {
      const found = findMergeProblem(
        inner,
        memberShape(shape, name),
        schema === undefined ? undefined : memberSchema(schema, name),
        `${path}.${name}`,
      );
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }
  const expected = EXPECTED_TYPES[schema?.type ?? ''];
  const found = typeof value === 'number' ? 'numeric (int or float)' : typeof value;
  if (expected === undefined || expected === found) {
    return undefined;
  }
  return `${path}: expected ${expected}, got ${typeof value === 'number' ? 'int' : typeof value}`;
}
