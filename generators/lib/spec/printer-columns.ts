/** Columns of `kubectl get` from tags on fields. */
import type { StructuralSchema } from '../util/structural-schema.ts';
import type { TypeLocation, PrinterColumn } from './read-context.ts';

/** @returns a sentence when the field cannot be a column */
export function printerColumnOf(
  schema: StructuralSchema,
  name: string,
  wide: boolean,
  location: TypeLocation,
): PrinterColumn | string {
  const field = location.steps.at(-1)?.name;
  if (location.scope.type !== 'root' || field === undefined) {
    return 'is for fields that are not inside of a list or map; @printerColumn on the Spec interface takes any path';
  }
  const type = columnType(schema);
  if (type === undefined) {
    return 'is for texts, numbers, booleans and times; @printerColumn on the Spec interface takes any path';
  }
  const [description] = (schema.description ?? '').split('\n');
  return {
    name: name === '' ? `${field.charAt(0).toUpperCase()}${field.slice(1)}` : name,
    type,
    jsonPath: `.${location.scope.root}${location.steps.map((step) => (/^\w+$/.test(step.name) ? `.${step.name}` : `['${step.name}']`)).join('')}`,
    ...(description !== '' && description !== undefined && { description }),
    ...(wide && { priority: 1 }),
  };
}

/** A time is printed as an age. */
function columnType(schema: StructuralSchema): string | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return 'string';
  }
  if (schema.type === 'string' && schema.format === 'date-time') {
    return 'date';
  }
  return schema.type !== undefined &&
    ['string', 'integer', 'number', 'boolean'].includes(schema.type)
    ? schema.type
    : undefined;
}
