import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CASES } from '../conformance/cases/index.ts';
import { conformancePage } from '../conformance/page.ts';

describe('docs/reference/conformance.md', () => {
  it('lists the cases and the differences as they are (else run scripts/reference.ts)', () => {
    const page = readFileSync(join(resolve(import.meta.dirname, '../..'), 'docs/reference/conformance.md'), 'utf8');
    expect(page).to.equal(conformancePage(CASES));
  });

  it('names no case twice within a subject', () => {
    for (const cases of Object.values(CASES)) expect(new Set(cases.map(({ name }) => name)).size).to.equal(cases.length);
  });
});
