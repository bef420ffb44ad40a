import { expect } from 'chai';
import { answerOf } from '../../../runtime/src/queries/prometheus.ts';
import { fill } from '../../../runtime/src/queries/template.ts';

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
    expect(fill(query, { namespace: 'a"b', name: 'web.v1', interval: '1m' })).to.equal('x{ns="a\\"b",w=~"web\\\\.v1"}[1m]');
  });
  it('take nothing for an interval but a duration, so that no value can end the query', () => {
    expect(() => fill(query, { namespace: 'a', name: 'b', interval: '1m]) or vector(1' })).to.throw(
      "query q: Interval must be a duration longer than 0 such as '1m', found '1m]) or vector(1'",
    );
    expect(fill(query, { namespace: 'a', name: 'b', interval: '1.5m' })).to.contain('[90000ms]');
  });
  it('take the default of a parameter that is not given', () => {
    expect(fill({ ...query, template: 'x{r="{{ .Reporter }}"}', defaults: { reporter: 'destination' } }, {})).to.equal('x{r="destination"}');
  });
  it('say which parameter is missing', () => {
    expect(() => fill(query, { namespace: 'a', name: 'b' })).to.throw('query q: the parameter Interval is missing or empty');
  });
});
