import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readManifests } from '../../../sandbox/src/testing/read-manifests.ts';

const repository = resolve(import.meta.dirname, '../../..');

describe('samples of a project', () => {
  it('are read as kubectl reads them: words of YAML 1.1 are booleans, times and dates are strings', () => {
    const [object] = readManifests(
      'kind: A\nmode: on\nday: 2026-01-01\nat: 1:20\nmany: 1_000\nmask: [017, 0o17, 0x1F, 0b11]\n',
      'examples/a.yaml',
    );
    expect(object).to.deep.equal({
      kind: 'A',
      mode: true,
      day: '2026-01-01',
      at: '1:20',
      many: 1000,
      mask: [15, 15, 31, 3],
    });
  });

  it('may be a list, several documents and quoted text at the indentation of its key', () => {
    const text =
      'kind: List\nitems:\n- kind: A\n- kind: B\n---\n---\nkind: C\nspec:\n  text: "one\n  two"\n';
    expect(readManifests(text, 'a.yaml')).to.deep.equal([
      { kind: 'A' },
      { kind: 'B' },
      { kind: 'C', spec: { text: 'one two' } },
    ]);
  });

  for (const [what, text, message] of [
    ['broken YAML', 'kind: A\n---\nkind: [', 'a.yaml:3:8: Flow sequence'],
    ['a key that is there twice', 'kind: A\nkind: B\n', 'a.yaml:2:1: Map keys must be unique'],
    ['a document that is no object', 'kind: A\n---\nhello\n', 'a.yaml:3:1: this document is not'],
  ] as const) {
    it(`with ${what} are refused with file, line and column`, () => {
      expect(() => readManifests(text, 'a.yaml')).to.throw(message);
    });
  }

  it('are read by the same code in the generator and the sandbox', () => {
    const [generator, sandbox] = ['generators/lib/util', 'sandbox/src/testing'].map((folder) =>
      readFileSync(join(repository, folder, 'kubernetes-yaml.ts'), 'utf8'),
    );
    expect(sandbox).to.equal(generator);
  });
});
