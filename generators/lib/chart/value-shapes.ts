/** A JSON Schema, draft-07. */
export type ValueSchema = Readonly<Record<string, unknown>>;

const namedObject = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', minLength: 1 } },
};

/** Schemas by the name that a `# @schema NAME` line in charts/operator/values.yaml uses. */
export const VALUE_SHAPES: Readonly<Record<string, ValueSchema>> = {
  /** A mapping with any fields. */
  open: { additionalProperties: true },
  /** A mapping of strings, such as labels and annotations. */
  strings: { additionalProperties: { type: 'string' } },
  /** A DNS label, or an empty string. */
  name: { maxLength: 63, pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$' },
  /** A DNS subdomain, or an empty string. */
  dnsName: { maxLength: 253, pattern: '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$' },
  /** A list of mappings. */
  objects: { items: { type: 'object' } },
  /** A list of mappings that have a name. */
  namedObjects: { items: namedObject },
  /** A list of names, or of mappings with a name and nothing else. */
  pullSecrets: {
    items: {
      anyOf: [
        { type: 'string', minLength: 1 },
        { ...namedObject, additionalProperties: false },
      ],
    },
  },
  /** A number, a percentage, or nothing. */
  amount: { type: ['integer', 'string', 'null'], minimum: 0, pattern: '^([0-9]+%)?$' },
  /** A number from 0 to 1, also as a string: `helm --set` passes 0.5 as a string. */
  ratio: { type: ['number', 'string'], minimum: 0, maximum: 1, pattern: '^(0([.][0-9]+)?|1)$' },
  /** A probe with any fields beside the switch. Null omits it. */
  probe: {
    type: ['object', 'null'],
    additionalProperties: true,
  },
  renderMode: { enum: ['skipIfMissing', 'failIfMissing', 'alwaysRender'] },
  /** A duration of Prometheus, such as 30s. */
  promDuration: { pattern: '^([0-9]+(ms|s|m|h|d|w))+$' },
};
