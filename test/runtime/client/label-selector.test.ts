import { expect } from 'chai';
import {
  matchesSelector,
  parseSelector,
  formatSelector,
} from '../../../runtime/src/client/label-selector.ts';

describe('label selectors', () => {
  const cases: readonly [
    selector: string,
    labels: Record<string, string> | undefined,
    matches: boolean,
  ][] = [
    ['', undefined, true],
    ['a=b', { a: 'b' }, true],
    ['a==b', { a: 'c' }, false],
    ['a!=b', {}, true],
    ['a in (b, c)', { a: 'c' }, true],
    ['a notin (b,c)', undefined, true],
    ['a notin (b,c)', { a: 'b' }, false],
    ['a', { a: '' }, true],
    ['!a', { a: '' }, false],
    ['a=b,c in (d,e),!f', { a: 'b', c: 'e' }, true],
    ['toString', {}, false],
  ];
  for (const [selector, labels, matches] of cases) {
    it(`'${selector}' ${matches ? 'matches' : 'does not match'} ${JSON.stringify(labels)}`, () => {
      expect(matchesSelector(parseSelector(selector), labels)).to.equal(matches);
    });
  }

  it('writes a LabelSelector in the wire form that it reads', () => {
    const text = formatSelector({
      matchLabels: { app: 'x' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['a', 'b'] },
        { key: 'old', operator: 'DoesNotExist' },
        { key: 'zone', operator: 'NotIn', values: ['z'] },
      ],
    });
    expect(text).to.equal('app=x,tier in (a,b),!old,zone notin (z)');
    expect(parseSelector(text)).to.have.length(4);
  });

  it('names the part that is not a requirement', () => {
    expect(() => parseSelector('a=b,c=>d')).to.throw("'c=>d' in the label selector 'a=b,c=>d'");
  });
});
