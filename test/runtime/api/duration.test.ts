import { expect } from 'chai';
import { parseDuration } from '../../../runtime/src/api/duration.ts';

describe('durations', () => {
  for (const [text, ms] of [
    ['500ms', 500],
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1h3m', 3_780_000],
    ['1.5s', 1500],
    ['0s', 0],
  ] as const) {
    it(`${text} is ${ms} ms`, () => expect(parseDuration(text)).to.equal(ms));
  }

  for (const text of ['', '10', '10 s', 's', '-5s', '1d']) {
    it(`'${text}' is refused with an example`, () =>
      expect(() => parseDuration(text)).to.throw('write it like 500ms, 10s, 1m30s or 2h'));
  }
});
