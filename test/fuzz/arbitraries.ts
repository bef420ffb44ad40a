/** Random inputs that several properties share. */
import fc from 'fast-check';

/** Amounts that an API server writes in another way than they were sent. */
const quantity = fc.constantFrom('1000m', '0.5', '1024Ki', '1.5Gi', '2', '100m', '0.1');
const text = fc.constantFrom('', 'a', 'on', '1', 'a b', 'ä');
const leaf = fc.oneof(quantity, text, fc.integer({ min: -2, max: 2 }), fc.boolean());

/** Names of fields. Few, so that the rules of a server meet them. */
export const fieldName = fc.constantFrom('a', 'b', 'cpu', 'memory', 'list', 'map');

/** A spec with fields of all kinds of values, empty maps and lists included. */
export const anySpec: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc.letrec<{
  value: unknown;
  map: Readonly<Record<string, unknown>>;
}>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    tie('map'),
    fc.array(leaf, { maxLength: 3 }),
  ),
  map: fc.dictionary(fieldName, tie('value'), { maxKeys: 4 }),
})).map;

/** Names, most of which are nearly right. */
export const objectName = fc.oneof(
  fc.stringMatching(/^[a-z0-9][-a-z0-9.]{0,70}$/),
  fc.stringMatching(/^[-a-zA-Z0-9._/%]{0,8}$/),
  fc.constantFrom('', '.', '..', 'a..b', 'a-.b', 'A', 'ä', 'a'.repeat(63), 'a'.repeat(64)),
  fc.integer({ min: 240, max: 260 }).map((length) => 'a'.repeat(length)),
);
