import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { toPlainJson } from '../../../runtime/src/util/plain-json.ts';

class Quantity {
  readonly amount = 1;
}

describe('toPlainJson', () => {
  it('makes a string of a Date, so that two points of time differ', () => {
    const at = new Date('2026-01-02T03:04:05.678Z');
    expect(toPlainJson({ spec: { at } })).to.deep.equal({
      spec: { at: '2026-01-02T03:04:05.678Z' },
    });
  });

  it('drops undefined members, and keeps null', () => {
    const plain = toPlainJson({ a: undefined, b: null });
    expect(Object.entries(plain)).to.deep.equal([['b', null]]);
  });

  it('copies every level, so that later changes of the original have no effect', () => {
    const original = { list: [{ a: 1 }] };
    const plain = toPlainJson(original);
    original.list.push({ a: 2 });
    expect(plain).to.deep.equal({ list: [{ a: 1 }] });
  });

  it('keeps a member named __proto__ as a member', () => {
    const parsed = JSON.parse('{"__proto__": {"a": 1}}') as object;
    expect(JSON.stringify(toPlainJson(parsed))).to.equal('{"__proto__":{"a":1}}');
  });

  it('writes numbers and strings as a JSON decoder reads them', () => {
    expect(Object.is(toPlainJson(-0), 0)).to.equal(true);
    expect(toPlainJson(['a\ud800', { '\udc00': 1 }])).to.deep.equal(['a\ufffd', { '\ufffd': 1 }]);
  });

  it('takes objects without a prototype and objects of another realm', () => {
    const foreign: unknown = runInNewContext('({ list: [1], at: new Date(0) })');
    expect(
      toPlainJson({ ...(foreign as object), other: Object.create(null) as object }),
    ).to.deep.equal({ list: [1], at: '1970-01-01T00:00:00.000Z', other: {} });
  });

  it('takes one object in two places, which is no cycle', () => {
    const labels = { app: 'web' };
    expect(toPlainJson({ a: labels, b: labels })).to.deep.equal({ a: labels, b: labels });
  });

  const cyclic: { self?: unknown } = {};
  cyclic.self = [cyclic];
  const cases: readonly (readonly [unknown, string])[] = [
    [{ spec: { weight: NaN } }, 'spec.weight is NaN'],
    [{ spec: [1, -Infinity] }, 'spec[1] is -Infinity'],
    [{ 'a.b/c': 1n }, '["a.b/c"] is a BigInt'],
    [{ list: [undefined] }, 'list[0] is undefined'],
    [{ list: Array<number>(1) }, 'list[0] is undefined'],
    [{ at: new Date(NaN) }, 'at is an invalid Date'],
    [{ spec: { hosts: new Set(['a']) } }, 'spec.hosts is a Set'],
    [{ labels: new Map() }, 'labels is a Map'],
    [{ data: { key: Buffer.from('a') } }, 'data.key is a Buffer'],
    [{ limit: new Quantity() }, 'limit is a Quantity'],
    [{ run: () => 1 }, 'run is a function'],
    [{ kind: Symbol('a') }, 'kind is a symbol'],
    [cyclic, 'self[0] contains itself'],
  ];
  for (const [value, message] of cases) {
    it(`names the place and the value that is no JSON: ${message}`, () => {
      expect(() => toPlainJson(value)).to.throw(message);
    });
  }

  it('starts the path with the name of the value', () => {
    expect(() => toPlainJson({ a: NaN }, 'outputs')).to.throw('outputs.a is NaN');
  });
});
