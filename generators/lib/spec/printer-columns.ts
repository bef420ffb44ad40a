/** Columns of `kubectl get` from the tags @column and @wideColumn. */
import type { StructuralSchema } from '../util/structural-schema.ts';
import { InvalidTagError } from './read-context.ts';
import type { TypeLocation, PrinterColumn } from './read-context.ts';

/** What a tag says about a column. */
interface ColumnOptions {
  /** Heading. Empty: the name of the field, with a capital. */
  readonly name: string;
  /** Whether the column is shown with `--output wide` only. */
  readonly wide: boolean;
}

/**
 * The column of a field.
 * @throws InvalidTagError when the field cannot be a column
 */
export function printerColumnOf(
  schema: StructuralSchema,
  { name, wide }: ColumnOptions,
  { scope, steps }: TypeLocation,
): PrinterColumn {
  const field = steps.at(-1)?.name;
  if (scope.type !== 'root' || field === undefined) {
    throw new InvalidTagError(
      'applies to fields outside of lists and maps only; @printerColumn on the Spec interface accepts any path',
    );
  }
  const type = columnType(schema);
  if (type === undefined) {
    throw new InvalidTagError(
      'applies to strings, numbers, booleans and times only; @printerColumn on the Spec interface accepts any path',
    );
  }
  const [description = ''] = (schema.description ?? '').split('\n');
  const path = steps.map((step) =>
    /^\w+$/.test(step.name) ? `.${step.name}` : `['${step.name}']`,
  );
  return {
    name: name === '' ? `${field.charAt(0).toUpperCase()}${field.slice(1)}` : name,
    type,
    jsonPath: `.${scope.root}${path.join('')}`,
    ...(description !== '' && { description }),
    ...(wide && { priority: 1 }),
  };
}

/** Type of a column. kubectl prints a `date` as an age. */
function columnType(schema: StructuralSchema): string | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return 'string';
  }
  if (schema.type === 'string' && schema.format === 'date-time') {
    return 'date';
  }
  const types = ['string', 'integer', 'number', 'boolean'];
  return types.find((type) => type === schema.type);
}
