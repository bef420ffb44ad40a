/** Columns of `kubectl get` from tags on fields. */
import type { Schema } from './schema.ts';
import type { Place, PrinterColumn } from './walk.ts';

/** @returns a sentence when the field cannot be a column */
export function columnOf(schema: Schema, name: string, wide: boolean, place: Place): PrinterColumn | string {
  const field = place.steps.at(-1)?.name;
  if (place.frame.kind !== 'root' || field === undefined)
    return 'is for fields that are not inside of a list or map; @printerColumn on the Spec interface takes any path';
  const type = columnType(schema);
  if (type === undefined) return 'is for texts, numbers, booleans and times; @printerColumn on the Spec interface takes any path';
  const [description] = (schema.description ?? '').split('\n');
  return {
    name: name === '' ? `${field.charAt(0).toUpperCase()}${field.slice(1)}` : name,
    type,
    jsonPath: `.${place.frame.root}${place.steps.map((step) => (/^\w+$/.test(step.name) ? `.${step.name}` : `['${step.name}']`)).join('')}`,
    ...(description !== '' && description !== undefined && { description }),
    ...(wide && { priority: 1 }),
  };
}

/** A time is printed as an age. */
function columnType(schema: Schema): string | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) return 'string';
  if (schema.type === 'string' && schema.format === 'date-time') return 'date';
  return schema.type !== undefined && ['string', 'integer', 'number', 'boolean'].includes(schema.type) ? schema.type : undefined;
}
