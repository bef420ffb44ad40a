import { expect } from 'chai';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { referencePages } from '../../scripts/reference-pages.ts';
import { CASES } from '../conformance/cases/index.ts';

const repository = resolve(import.meta.dirname, '../..');

describe('the reference', () => {
  for (const [path, text] of Object.entries(referencePages())) {
    it(`${path} is what follows from the sources (else run scripts/reference.ts)`, () => {
      expect(readFileSync(join(repository, path), 'utf8')).to.equal(text);
    });
  }

  it('has no other page that says it is made: nothing would hold it true', () => {
    const made = globSync('docs/**/*.md', { cwd: repository }).filter((path) =>
      readFileSync(join(repository, path), 'utf8').includes('Made by scripts/'),
    );
    expect(Object.keys(referencePages())).to.include.members(made);
    expect(made.length).to.be.above(4);
  });

  it('of conformance names no case twice within a subject', () => {
    for (const cases of Object.values(CASES)) {
      expect(new Set(cases.map(({ name }) => name)).size).to.equal(cases.length);
    }
  });
});
