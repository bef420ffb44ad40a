/** Metrics queries of the simulated processes. Prometheus may be away, slow, silent or stale. */
import type { QueryResult, Scheduler } from 'autopilot-runtime';
import type { QueryMetrics } from '../simulators/simulator.ts';
import { compileTemplateReader } from '../simulators/prometheus.ts';
import type { FaultKind } from './fault.ts';
import { FAULTS } from './fault.ts';
import type { RunContext } from './run-context.ts';

/** How long an outage of Prometheus lasts. */
const OUTAGE_MS = 300_000;
/** How long a slow query takes. */
const SLOW_QUERY_MS = 20_000;

/** Answers the queries of all processes of one run. */
export class FaultyQueries {
  readonly #runContext: RunContext;
  readonly #nameOf: (promql: string) => string;
  /** The last result of each query without a fault. */
  readonly #lastResults = new Map<string, QueryResult>();
  #outage: FaultKind | undefined;

  constructor(runContext: RunContext) {
    this.#runContext = runContext;
    this.#nameOf = createNameReader(runContext.scheduler);
  }

  /**
   * @param who name of the process, for the trace.
   * @param queryMetrics answers queries without faults.
   */
  wrap(who: string, queryMetrics: QueryMetrics): QueryMetrics {
    return async (promql, signal) => {
      const { trace } = this.#runContext;
      const name = this.#nameOf(promql);
      const fault = this.#runContext.visitOnce('query', '', name);
      const description = fault && FAULTS[fault.kind].description;
      if (fault !== undefined) {
        this.#beginOutage(fault.kind);
      }
      try {
        const result = await this.#answer(promql, signal, queryMetrics);
        trace.add(who, `queries ${name}: ${formatQueryResult(result)}`, description);
        return result;
      } catch (error) {
        trace.add(who, `queries ${name}: ${(error as Error).message}`, description);
        throw error;
      }
    };
  }

  #beginOutage(kind: FaultKind): void {
    this.#outage = kind;
    void this.#runContext.eventLoop.delayForFault(OUTAGE_MS).then(() => (this.#outage = undefined));
  }

  async #answer(
    promql: string,
    signal: AbortSignal,
    queryMetrics: QueryMetrics,
  ): Promise<QueryResult> {
    switch (this.#outage) {
      case 'query-unreachable':
        throw new Error(
          'Prometheus at http://prometheus cannot be asked: the connection was refused',
        );
      case 'query-silent':
        return { type: 'noData' };
      case 'query-nan':
        return { type: 'notANumber' };
      case 'query-stale':
        return this.#lastResults.get(promql) ?? { type: 'noData' };
      case 'query-slow':
        await this.#runContext.eventLoop.delayForFault(SLOW_QUERY_MS, signal);
        return queryMetrics(promql, signal);
      default: {
        const result = await queryMetrics(promql, signal);
        this.#lastResults.set(promql, result);
        return result;
      }
    }
  }
}

/** Names a query by its template. */
function createNameReader({ queries }: Scheduler): (promql: string) => string {
  const known = queries.map((query) => ({ name: query.name, read: compileTemplateReader(query) }));
  return (promql) => known.find(({ read }) => read(promql) !== undefined)?.name ?? 'metrics';
}

function formatQueryResult(result: QueryResult): string {
  return result.type === 'value' ? String(result.value) : result.type;
}
