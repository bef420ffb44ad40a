/**
 * Shapes that values share, by the names that `# @schema` lines of charts/operator/values.yaml use.
 * JSON Schema, draft-07.
 */

export type ValueSchema = Readonly<Record<string, unknown>>;

const namedObject = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', minLength: 1 } },
};

export const VALUE_SHAPES: Readonly<Record<string, ValueSchema>> = {
  /** Anything below. */
  open: { additionalProperties: true },
  /** Labels and annotations. */
  strings: { additionalProperties: { type: 'string' } },
  /** A DNS label, or nothing. */
  name: { maxLength: 63, pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$' },
  dnsName: { maxLength: 253, pattern: '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$' },
  objects: { items: { type: 'object' } },
  namedObjects: { items: namedObject },
  named: { items: { ...namedObject, additionalProperties: false } },
  amount: { type: ['integer', 'string', 'null'], minimum: 0, pattern: '^[0-9]+%$' },
  renderMode: { enum: ['skipIfMissing', 'failIfMissing', 'alwaysRender'] },
  promDuration: { pattern: '^([0-9]+(ms|s|m|h|d|w))+$' },
};
