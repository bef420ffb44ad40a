/** Values that some version of YAML, or some reader, takes for another value. */
import fc from 'fast-check';

/** Strings that YAML 1.1, YAML 1.2 or go-yaml read as another type, or cannot read at all. */
export const NASTY_STRINGS: readonly string[] = [
  ...'y Y n N yes Yes YES no No NO on On ON off Off OFF true True TRUE false False null'.split(' '),
  ...'Null NULL ~ 1_000 0b11 0o7 07 0x1F +1 -1 1e3 E2 .5 1. 1_0.5 -0b1 -0o1 1:20'.split(' '),
  ...'190:20:30 190:20:30.15 .inf -.Inf +.INF .nan .NaN 0. -.5 2026-01-01 = << < *a'.split(' '),
  ...'&a %YAML --- ... #a @a `a` [a {a "a | > - ? : a: \\ \\n é 🚀'.split(' '),
  '',
  '2026-1-1 1:2:3',
  '2001-12-14t21:59:43.10-05:00',
  '!!str x',
  '%YAML 1.1',
  '- a',
  '? a',
  ': a',
  'a: b',
  'a #b',
  'a, b',
  "'a",
  "it's",
  'a\nb',
  'a\n',
  'a\n\n',
  '\na',
  ' a',
  'a ',
  '  a\nb',
  'a\n  b\n',
  '\ta',
  'a\tb',
  'a\n\tb',
  '\n',
  '\n\n',
  '\r',
  'a\r\nb',
  'a\u2028b',
  'a\u2029b',
  'a\u0085b',
  '\ufeffa',
  'a\u0000b',
  'a\u001bb',
  'a\u007fb',
  'a\u00a0b',
  'a\u2028\nb\n',
  'k\u2028',
  '# comment\nb',
  'a\n# b',
  '--- a',
  '... a',
  'a\n---\nb',
  'a\n...\nb',
  'a \nb',
  ' \n a',
  '{{ .Values.x }}',
  'x'.repeat(200),
  `${'word '.repeat(40)}end`,
];

const text = fc.oneof(
  fc.constantFrom(...NASTY_STRINGS),
  fc.string({ unit: 'grapheme' }).filter((value) => value.isWellFormed()),
  fc.string({
    unit: fc.constantFrom(...'yn0129_.:-+eEoxb \n\t#"\'~<=|>{}[],&*!%@`\\\r\u2028\u0085'.split('')),
  }),
);

/** Strings that are hard to write as YAML. */
export const nastyText = text;

/** Values of JSON with hard strings as keys and values. */
export const nastyValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'yaml' },
    text,
    fc.oneof(
      fc.boolean(),
      fc.constant(null),
      fc.integer(),
      fc
        .double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 })
        .map((one) => one || 0),
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      text.filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 4 },
    ),
  ),
})).value;
