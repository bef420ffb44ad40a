import { expect } from 'chai';
import { createPrometheusClient } from '../../runtime/src/queries/prometheus-client.ts';
import { fillTemplate } from '../../runtime/src/queries/query-template.ts';
import type { Prometheus } from '../realparts/index.ts';
import { prometheusServer } from '../realparts/index.ts';
import type { Series } from './cases.ts';
import { cases, seriesName } from './cases.ts';

const PAST_S = 900;
/** Samples reach into the future, so that every interval is full whenever the question is asked. */
const FUTURE_S = 900;

describe('the built-in queries, asked of a real Prometheus by the runtime', () => {
  let server: Prometheus;
  before(async () => {
    const now = Math.floor(Date.now() / 1000);
    const lines = cases.flatMap(({ series }) => series.flatMap((one) => samples(one, now)));
    server = await prometheusServer({ history: `${lines.join('\n')}\n# EOF\n` });
  });
  after(() => server?.stop());

  const ask = (
    promql: string,
    address = server.address,
  ): ReturnType<ReturnType<typeof createPrometheusClient>> =>
    createPrometheusClient(() => ({ address, headers: {}, timeoutMs: 10_000 }))(
      promql,
      new AbortController().signal,
    );

  for (const { promise, query, parameters, answer } of cases) {
    it(promise, async () => {
      const got = await ask(fillTemplate(query, parameters));
      if (answer.type === 'value' && got.type === 'value' && Number.isFinite(answer.value)) {
        expect(got.value).to.be.closeTo(answer.value, 1e-6);
      } else {
        expect(got).to.deep.equal(answer);
      }
    });
  }

  it('accepts a scalar result', async () =>
    expect(await ask('scalar(vector(7))')).to.deep.equal({ type: 'value', value: 7 }));
  it('a range is refused', async () => {
    expect(await ask('istio_requests_total[1m]').catch((error: Error) => error.message)).to.equal(
      'the query yields a matrix; it must yield one number',
    );
  });
  it('what Prometheus says of a query that it cannot read is passed on', async () => {
    expect(await ask('sum(').catch((error: Error) => error.message)).to.match(
      /refused the query \(HTTP 400\): .*parse error/,
    );
  });
});

/** Lines of the OpenMetrics text format, in the order of time. */
function samples(series: Series, now: number): readonly string[] {
  const { perSecond, every } = series;
  const name = seriesName(series);
  // Off the grid: half of an interval away from the whole second at which the test began.
  const start = now - PAST_S + every / 2;
  return Array.from(
    { length: (PAST_S + FUTURE_S) / every },
    (_, index) => `${name} ${index * every * perSecond} ${start + index * every}`,
  );
}
