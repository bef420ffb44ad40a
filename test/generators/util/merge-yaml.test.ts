import { expect } from 'chai';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseDocument, stringify } from 'yaml';
import { hasConflictMarks } from '../../../generators/lib/util/merge.ts';
import { isRecord } from '../../../generators/lib/util/values.ts';
import { mergeYamlText } from '../../../generators/lib/util/merge-yaml.ts';

type Tree = { readonly [key: string]: Value };
type Value = number | string | readonly Value[] | Tree;

const values = readFileSync(
  join(import.meta.dirname, '../../../examples/autoroute/charts/autoroute-operator/values.yaml'),
  'utf8',
);

/** The same settings with each indentation twice as deep, as some editors write them. */
const deeper = (text: string): string => text.replaceAll(/^( +)/gm, '$1$1');

/** Paths of all keys, without those inside of lists; with `mappings` only of keys with keys. */
function keyPaths(value: unknown, path = '', mappings = false): readonly string[] {
  if (!isRecord(value)) {
    return mappings ? [] : [path];
  }
  const inner = Object.entries(value).flatMap(([key, below]) =>
    keyPaths(below, `${path}/${key}`, mappings),
  );
  return [path, ...inner];
}

describe('settings in a layout of the user’s own', () => {
  it('with deeper indentation take a new key and a new value of the generator', () => {
    const incoming = values
      .replace(/^image:\n/m, 'image:\n  # New.\n  fresh:\n    deep: 1\n')
      .replace('replicas: 1', 'replicas: 2');
    expect(incoming).to.contain('fresh:').and.contain('replicas: 2');
    const { text } = mergeYamlText(values, deeper(values), incoming);
    expect(parse(text)).to.deep.equal(parse(incoming));
    expect(text).to.contain('image:\n    # New.\n    fresh:\n      deep: 1\n');
  });

  const leaf = fc.oneof(
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom('word', 'two\nlines\n', '# no comment', 'a: b', ''),
    fc.array(fc.constantFrom('one', 'two'), { maxLength: 2 }),
  );
  const { tree } = fc.letrec<{ tree: Tree; value: Value }>((tie) => ({
    tree: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'on'), tie('value'), {
      minKeys: 1,
      noNullPrototype: true,
    }),
    value: fc.oneof({ maxDepth: 3, withCrossShrink: true }, leaf, tie('tree')),
  }));
  const layout = fc.record({
    indent: fc.constantFrom(1, 2, 3, 4, 8),
    indentSeq: fc.boolean(),
    collectionStyle: fc.constantFrom('any' as const, 'block' as const, 'flow' as const),
    comments: fc.boolean(),
    anchors: fc.boolean(),
    lineEnd: fc.boolean(),
  });

  it('and with anchors, braces and comments stay YAML that has every key, or become a conflict or a note', () => {
    fc.assert(
      fc.property(tree, tree, tree, layout, (base, edited, incoming, style) => {
        const mine = written({ ...base, ...edited }, style);
        const theirs = { ...base, ...incoming };
        // The writer of this test makes a few layouts that are no YAML.
        fc.pre(parseDocument(mine).errors.length === 0);
        const { text, notes } = mergeYamlText(stringify(base), mine, stringify(theirs));
        if (hasConflictMarks(text)) {
          return;
        }
        const document = parseDocument(text);
        expect(document.errors, text).to.deep.equal([]);
        const merged: unknown = document.toJS();
        expect(lostKeys(base, parse(mine), merged), text).to.deep.equal([]);
        const kept = notes.map((note) => `/${note.split(' keeps ')[0]?.replaceAll('.', '/')}`);
        const unsaid = lostKeys(base, theirs, merged).filter(
          (path) => !kept.some((above) => path.startsWith(`${above}/`)),
        );
        expect(unsaid, text).to.deep.equal([]);
      }),
      { numRuns: 400 },
    );
  });

  /** The keys that one side has added to the base and that the merged settings do not have. */
  function lostKeys(base: unknown, side: unknown, merged: unknown): readonly string[] {
    const [was, found] = [keyPaths(base), keyPaths(merged)];
    // A value that the other side has put in the place of a mapping has no keys.
    const mappings = keyPaths(merged, '', true);
    return keyPaths(side).filter((path) => {
      const above = path.slice(0, path.lastIndexOf('/'));
      return !was.includes(path) && mappings.includes(above) && !found.includes(path);
    });
  }

  function written(
    value: Tree,
    {
      comments,
      anchors,
      lineEnd,
      ...style
    }: typeof layout extends fc.Arbitrary<infer T> ? T : never,
  ): string {
    const shared = { deep: { x: 1 } };
    const text = stringify(anchors ? { first: shared, ...value, last: shared } : value, style);
    const commented = comments ? text.replaceAll(/^(?=\w)/gm, '# mine\n\n') : text;
    return lineEnd ? commented : commented.trimEnd();
  }
});
