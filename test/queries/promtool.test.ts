import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { fillTemplate } from '../../runtime/src/queries/query-template.ts';
import { promtoolPath } from '../realparts/index.ts';
import type { Case } from './cases.ts';
import { cases, SCRAPE_S, seriesName } from './cases.ts';

/** Off the grid of all scrape intervals. */
const AT = '10m7s';
const LENGTH_S = 900;

describe('the built-in queries as PromQL, asked of the real promtool', () => {
  let dir: string;
  let promtool: string;
  before(async () => {
    promtool = await promtoolPath();
    dir = mkdtempSync(join(tmpdir(), 'autopilot-promtool-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  for (const [index, one] of cases.entries()) {
    it(one.promise, async () => {
      const file = join(dir, `${index}.yaml`);
      writeFileSync(file, stringify({ rule_files: [], tests: testsOf(one) }));
      await execa(promtool, ['test', 'rules', file]);
    });
  }
});

function testsOf({ query, parameters, series, answer }: Case): readonly object[] {
  const every = series[0]?.every ?? SCRAPE_S;
  return [
    {
      interval: `${every}s`,
      input_series: series.map((one) => ({
        series: seriesName(one),
        values: `0+${one.perSecond * every}x${LENGTH_S / every}`,
      })),
      promql_expr_test: [
        { eval_time: AT, ...expectation(fillTemplate(query, parameters), answer) },
      ],
    },
  ];
}

/** promtool compares to the last bit, and no NaN with another. */
function expectation(expr: string, answer: Case['answer']): object {
  const number = (value: number): object => ({ exp_samples: [{ labels: '{}', value }] });
  switch (answer.type) {
    case 'noData':
      return { expr };
    case 'value':
      return {
        expr: `round(${expr}, 1e-6)`,
        ...number(Math.floor(answer.value * 1e6 + 0.5) / 1e6),
      };
    case 'notANumber':
      return { expr: `(${expr}) != bool (${expr})`, ...number(1) };
    case 'severalSeries':
      return { expr: `count(${expr})`, ...number(answer.count) };
  }
}
