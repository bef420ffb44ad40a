import { expect } from 'chai';
import { builtInQueries } from '../../../generators/lib/kinds/prometheus-queries.ts';
import { loadModel } from '../../../generators/lib/model/load.ts';
import { findOpenBracket } from '../../../generators/lib/util/promql.ts';
import { stringify } from 'yaml';

describe('brackets of PromQL', () => {
  const balanced = [
    'sum(rate(x{a="b)",c=~\'d]\',e=`f}`}[5m])) by (a)',
    'up # a ( comment\n + up',
    'label_replace(up, "a", "\\"(", "b", ".*")',
    ...builtInQueries.map(({ template }) => template.replace(/\{\{.*?\}\}/g, 'x')),
  ];
  for (const query of balanced) {
    it(`are balanced in ${query.slice(0, 60)}`, () => {
      expect(findOpenBracket(query)).to.equal(undefined);
    });
  }

  for (const [query, problem] of [
    ['sum(rate(x[5m])', "the '(' at character 4 is never closed"],
    ['sum(x))', "the ')' at character 7 closes nothing"],
    ['x{a="b"]', "the ']' at character 8 closes nothing"],
    ['x{a="b}', 'the string that begins with " at character 5 is never closed'],
  ] as const) {
    it(`are reported in ${query}`, () => {
      expect(findOpenBracket(query)).to.equal(problem);
    });
  }
});

describe('a query that can never be sent', () => {
  const problemsOf = (queryTemplate: string): string => {
    const loaded = loadModel(
      stringify({
        kind: 'Thing',
        apiVersion: 'examples.io/v1',
        phases: [{ name: 'First', initial: true, inputs: ['metrics'] }],
        queries: [{ name: 'mine', queryTemplate, parameters: ['service', 'interval'] }],
      }),
      'autopilot.yaml',
    );
    return 'problems' in loaded ? loaded.problems.map(({ message }) => message).join('\n') : '';
  };

  for (const [template, problem] of [
    ['sum(rate(x[{{ .interval }}])', "is not PromQL: the '(' at character 4 is never closed"],
    ['x{a="{{ service }}"}', "has '{{ service }}', which nothing fills"],
    ['x{a="{{ .my-param }}"}', "has '{{ .my-param }}', which nothing fills"],
    ['x{a="{{ .service }"}', "has '{{', which nothing fills"],
    ['x{a="{{ .service | quote }}"}', "has '{{ .service | quote }}', which nothing fills"],
  ] as const) {
    it(`is refused: ${template}`, () => {
      expect(problemsOf(template)).to.contain(`queries[0].queryTemplate ${problem}`);
    });
  }

  it('is told from one that can', () => {
    expect(problemsOf('sum(x{a="{{ .service }}",b="{{.Namespace}}"}[{{ .Interval }}])')).to.equal(
      '',
    );
  });
});
