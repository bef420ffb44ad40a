/**
 * A Prometheus that knows the operator's own queries by their templates, so that a test says what
 * they answer and not how they are written.
 */
import type { QueryResult } from 'autopilot-runtime';
import type { QueryDefinition } from 'autopilot-runtime/generated';
import type { QueryMetrics, Simulator, SimulatorContext } from './simulator.ts';

export type QueryParameters = Readonly<Record<string, string>>;

/** A number is a value; undefined is no data. */
export type SimulatedQueryResult = number | undefined | QueryResult;

/** By the name of the query's method: `{ istioSuccessRate: ({ name }) => 99 }`. */
export type QueryHandlers = Readonly<
  Record<
    string,
    (parameters: QueryParameters) => SimulatedQueryResult | Promise<SimulatedQueryResult>
  >
>;

/**
 * Answers each query of the machine by its parameters.
 *
 * @param handlers or a function that makes them for a cluster. A query that is not named here
 * yields
 * no data.
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

/** @throws Error (at a question) when the machine has no query of that text */
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
    throw new Error(`the simulated Prometheus knows no query of this text: ${promql}`);
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

/** Reads the parameters out of a filled template; undefined when the text was not made from it. */
function compileTemplateReader({
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
