import { expect } from 'chai';
import type {
  LabelRequirement,
  LabelSelector,
} from '../../../runtime/src/client/label-selector.ts';
import {
  formatSelector,
  matchesSelector,
  parseSelector,
  requirementsOf,
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

  for (const [expression, problem] of [
    [{ key: 'a', operator: 'Gt', values: ['1'] }, "the operator 'Gt'"],
    [{ key: 'a', operator: 'in', values: ['1'] }, "the operator 'in'"],
    [{ key: 'a' }, "the operator 'undefined'"],
    [{ key: 'a', operator: 'In', values: [] }, 'In without values'],
    [{ key: 'a', operator: 'NotIn' }, 'NotIn without values'],
    [{ key: 'a', operator: 'Exists', values: ['1'] }, 'Exists with values'],
  ] as const) {
    it(`refuses ${problem}, which would match other objects than meant`, () => {
      const selector = { matchExpressions: [expression] } as unknown as LabelSelector;
      expect(() => formatSelector(selector)).to.throw(
        `matchExpressions[0] of key 'a' has ${problem}`,
      );
      expect(() => requirementsOf(selector)).to.throw(problem);
    });
  }

  it('refuses a requirement that it does not know, and never matches by it', () => {
    const unknown = [{ key: 'a', operator: 'Gt', values: ['1'] }] as unknown as LabelRequirement[];
    expect(() => matchesSelector(unknown, { a: '2' })).to.throw("the operator 'Gt'");
  });
});
