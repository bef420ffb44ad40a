/** Random structural schemas, and random values that are likely to be valid. */
import fc from 'fast-check';
import type { StructuralSchema } from '../../../generators/lib/util/structural-schema.ts';

const NAMES = ['a', 'b', 'c'];
const small = fc.integer({ min: 0, max: 6 });
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 2 });

/** Removes keywords that are undefined. */
export const tidy = (schema: object): StructuralSchema =>
  JSON.parse(JSON.stringify(schema)) as StructuralSchema;

export const { schema } = fc.letrec<{ schema: StructuralSchema; leaf: StructuralSchema }>(
  (tie) => ({
    leaf: fc
      .oneof(
        fc.record({
          type: fc.constant('string'),
          minLength: maybe(small),
          maxLength: maybe(small),
          pattern: maybe(fc.constantFrom('^a', 'b')),
        }),
        fc.record({
          type: fc.constant('string'),
          enum: fc.uniqueArray(fc.constantFrom('x', 'ay', 'ab'), { minLength: 1 }),
        }),
        fc.record({
          type: fc.constantFrom('integer', 'number'),
          minimum: maybe(small),
          exclusiveMinimum: maybe(fc.boolean()),
          maximum: maybe(small),
          exclusiveMaximum: maybe(fc.boolean()),
          multipleOf: maybe(fc.constantFrom(1, 2, 4)),
          nullable: maybe(fc.boolean()),
        }),
        fc.constant({ type: 'boolean' }),
        fc.constant({ 'x-kubernetes-int-or-string': true }),
        fc.constant({ 'x-kubernetes-preserve-unknown-fields': true }),
      )
      .map(tidy),
    schema: fc
      .oneof(
        { maxDepth: 2, depthIdentifier: 'schema' },
        tie('leaf'),
        fc.record({
          type: fc.constant('array'),
          minItems: maybe(small),
          maxItems: maybe(small),
          items: tie('schema'),
        }),
        fc.record({
          type: fc.constant('object'),
          minProperties: maybe(fc.constant(1)),
          maxProperties: maybe(small),
          additionalProperties: tie('schema'),
        }),
        fc
          .record({
            type: fc.constant('object'),
            properties: fc.dictionary(
              fc.constantFrom(...NAMES),
              tie('schema') as fc.Arbitrary<StructuralSchema>,
              { minKeys: 1, maxKeys: 3 },
            ),
            required: fc.subarray(NAMES),
            'x-kubernetes-preserve-unknown-fields': maybe(fc.constant(true)),
          })
          .map((object) => ({
            ...object,
            required: object.required.filter((name) => name in object.properties),
          })),
      )
      .map(tidy),
  }),
);

const scalar = fc.oneof(
  fc.constantFrom('', 'x', 'ay', 'ab', 'aaaaaaa', 'bb'),
  fc.integer({ min: -1, max: 8 }),
  fc.constantFrom(0.5, 2.5),
  fc.boolean(),
  fc.constant(null),
);

export function valueFor(of: StructuralSchema): fc.Arbitrary<unknown> {
  if (of.type === 'array') {
    return fc.array(valueFor(of.items ?? {}), { maxLength: 4 });
  }
  if (of.type !== 'object') {
    return of.enum === undefined ? scalar : fc.constantFrom(...of.enum);
  }
  if (typeof of.additionalProperties === 'object') {
    return fc.dictionary(fc.constantFrom(...NAMES), valueFor(of.additionalProperties));
  }
  const members = Object.entries(of.properties ?? {}).map(
    ([name, inner]) => [name, valueFor(inner)] as const,
  );
  const known = fc.record(Object.fromEntries(members), { requiredKeys: of.required ?? [] });
  if (of['x-kubernetes-preserve-unknown-fields'] !== true) {
    return known;
  }
  return fc
    .tuple(fc.dictionary(fc.constantFrom(...NAMES), scalar), known)
    .map(([more, fields]) => ({ ...more, ...fields }));
}
