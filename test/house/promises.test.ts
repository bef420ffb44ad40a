import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Data that tests run: a bug that must be found, a case for the sandbox and the real API server. */
const DATA = /^(explore\/seeded|conformance\/cases)\//;
const repository = resolve(import.meta.dirname, '../..');

describe('docs/promises.md', () => {
  const text = readFileSync(join(repository, 'docs/promises.md'), 'utf8');
  const cited = [...text.matchAll(/`([\w/-]+)` “([^”]+)”/g)].map(([, file = '', name = '']) => ({ file, name }));

  it('names tests that exist', () => {
    const missing = cited.filter(({ file, name }) => {
      const path = join(repository, 'test', `${file}${DATA.test(file) ? '' : '.test'}.ts`);
      if (!existsSync(path)) return true;
      const source = readFileSync(path, 'utf8');
      return !["'", '"', '`'].some((quote) => source.includes(quote + name.replaceAll(quote, `\\${quote}`) + quote));
    });
    expect(missing).to.deep.equal([]);
  });

  it('names a test for each promise', () => {
    const rows = text.split('\n').filter((line) => line.startsWith('| ') && !/^\| promise +\| tests +\|$/.test(line) && !/^\| -+/.test(line));
    expect(rows.filter((row) => !/`[\w/-]+` “[^”]+”/.test(row))).to.deep.equal([]);
    expect(rows.length).to.be.above(50);
  });
});
