/**
 * Simulates Prometheus: recognises the operator's own queries by their templates, so that a test
 * gives results by the name of a query and does not repeat its PromQL.
 */
import type { QueryResult } from 'autopilot-runtime';
import type { QueryDefinition } from 'autopilot-runtime/generated';
import type { QueryMetrics, Simulator, SimulatorContext } from './simulator.ts';

/** Parameters of a query by their names: `{ name: 'web', namespace: 'default' }`. */
export type QueryParameters = Readonly<Record<string, string>>;

/** Result of a simulated query. A number is a value, NaN included; undefined is no data. */
export type SimulatedQueryResult = number | undefined | QueryResult;

/** Functions by the name of the query's method: `{ istioSuccessRate: ({ name }) => 99 }`. */
export type QueryHandlers = Readonly<
  Record<
    string,
    (parameters: QueryParameters) => SimulatedQueryResult | Promise<SimulatedQueryResult>
  >
>;

/**
 * Answers the operator's queries. A query without a handler returns no data. A query that the
 * operator does not declare throws.
 *
 * @param handlers the handlers, or a function that creates them for a cluster.
 *
 * @example
 * startSandbox(scheduler, { simulators: [prometheus({ istioSuccessRate: () => 99.5 })] })
 */
export function prometheus(
  handlers: QueryHandlers | ((context: SimulatorContext) => QueryHandlers),
): Simulator {
  return (context) => ({
    queryMetrics: createQueryMetrics(
      context.scheduler.queries,
      typeof handlers === 'function' ? handlers(context) : handlers,
    ),
  });
}

function createQueryMetrics(
  queries: readonly QueryDefinition[],
  handlers: QueryHandlers,
): QueryMetrics {
  const known = queries.map((query) => ({ name: query.name, read: compileTemplateReader(query) }));
  return async (promql) => {
    for (const { name, read } of known) {
      const parameters = read(promql);
      if (parameters !== undefined) {
        return toQueryResult(await handlers[name]?.(parameters));
      }
    }
    throw new Error(`the operator declares no query with this template: ${promql}`);
  };
}

function toQueryResult(result: SimulatedQueryResult): QueryResult {
  if (result === undefined) {
    return { type: 'noData' };
  }
  if (typeof result !== 'number') {
    return result;
  }
  return Number.isNaN(result) ? { type: 'notANumber' } : { type: 'value', value: result };
}

/**
 * Compiles a template to a function that reads the parameters from a query. The function returns
 * undefined for a query that was not made from the template.
 */
export function compileTemplateReader({
  template,
}: QueryDefinition): (promql: string) => QueryParameters | undefined {
  const seen = new Set<string>();
  const source = template
    .split(/(\{\{\s*\.?\w+\s*\}\})/)
    .map((part) => {
      const name = /^\{\{\s*\.?(\w+)\s*\}\}$/.exec(part)?.[1];
      if (name === undefined) {
        return part.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
      }
      if (seen.has(name)) {
        return String.raw`\k<${name}>`;
      }
      seen.add(name);
      return String.raw`(?<${name}>[^"\]]*?)`;
    })
    .join('');
  const whole = new RegExp(`^${source}$`);
  return (promql) => whole.exec(promql)?.groups;
}
