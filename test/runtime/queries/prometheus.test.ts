import { expect } from 'chai';
import { answerOf, render } from '../../../runtime/src/queries/prometheus.ts';

describe('metrics answers', () => {
  it('tell silence, no number and several series from a value', () => {
    const at = (value: string): { value: readonly [number, string] } => ({ value: [0, value] });
    expect(answerOf({ resultType: 'vector', result: [] })).to.deep.equal({ kind: 'noData' });
    expect(answerOf({ resultType: 'vector', result: [at('NaN')] })).to.deep.equal({ kind: 'notANumber' });
    expect(answerOf({ resultType: 'vector', result: [at('1'), at('2')] })).to.deep.equal({ kind: 'severalSeries', count: 2 });
    expect(answerOf({ resultType: 'vector', result: [at('99.5')] })).to.deep.equal({ kind: 'value', value: 99.5 });
    expect(answerOf({ resultType: 'scalar', result: [0, '+Inf'] })).to.deep.equal({ kind: 'value', value: Infinity });
  });
  it('of a range query are refused', () => {
    expect(() => answerOf({ resultType: 'matrix', result: [] })).to.throw('must yield one number');
  });
});

describe('query templates', () => {
  const query = { name: 'q', template: 'x{ns="{{ .Namespace }}",w=~"{{.Name}}"}[{{ .Interval }}]', parameters: ['Namespace', 'Name', 'Interval'] };
  it('escape values for the string, and for the regular expression where they stand in one', () => {
    expect(render(query, { namespace: 'a"b', name: 'web.v1', interval: '1m' })).to.equal('x{ns="a\\"b",w=~"web\\\\.v1"}[1m]');
  });
  it('say which parameter is missing', () => {
    expect(() => render(query, { namespace: 'a', name: 'b' })).to.throw('query q needs the parameter Interval');
  });
});
