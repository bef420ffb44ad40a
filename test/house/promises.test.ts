import { expect } from 'chai';
import { promiseTags } from '../../scripts/promises.ts';
import { PROMISES } from '../promises.ts';

/** The first line of a test, or of data that a test runs, has its name. */
const NAMED = /['"`]|^\s*(it|describe|for) ?\($/;

describe('the promises', () => {
  const tags = promiseTags();
  const known = Object.entries(PROMISES).flatMap(([section, { promises }]) =>
    Object.keys(promises).map((name) => `${section}/${name}`),
  );

  it('have a test each', () => {
    const tested = new Set(tags.map(({ promise }) => promise));
    expect(known.filter((promise) => !tested.has(promise))).to.deep.equal([]);
    expect(known.length).to.be.above(50);
  });

  it('are named correctly by every tag', () => {
    const unknown = tags.filter(({ promise }) => !known.includes(promise));
    expect(unknown.map(({ file, line, promise }) => `${file}:${line}: ${promise}`)).to.deep.equal(
      [],
    );
  });

  it('have their tags above tests', () => {
    const lost = tags.filter(({ test }) => !NAMED.test(test));
    expect(lost.map(({ file, line }) => `${file}:${line}`)).to.deep.equal([]);
  });
});
