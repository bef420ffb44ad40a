/**
 * A Prometheus that knows the operator's own queries by their templates, so that a test says what
 * they answer and not how they are written.
 */
import type { QueryAnswer, QueryDefinition } from 'autopilot-runtime';
import type { Ask, Simulator, World } from './simulator.ts';

export type QueryParameters = Readonly<Record<string, string>>;

/** A number is a value; undefined is no data. */
export type Answer = number | undefined | QueryAnswer;

/** By the name of the query's method: `{ istioSuccessRate: ({ name }) => 99 }`. */
export type Answers = Readonly<
  Record<string, (parameters: QueryParameters) => Answer | Promise<Answer>>
>;

/**
 * Answers each query of the machine by its parameters.
 *
 * @param answers or a function that makes them for a cluster. A query that is not named here yields
 * no data.
 */
export function prometheus(answers: Answers | ((world: World) => Answers)): Simulator {
  return (world) => ({
    ask: askOf(world.scheduler.queries, typeof answers === 'function' ? answers(world) : answers),
  });
}

/** @throws Error (at a question) when the machine has no query of that text */
function askOf(queries: readonly QueryDefinition[], answers: Answers): Ask {
  const known = queries.map((query) => ({ name: query.name, read: readerOf(query) }));
  return async (promql) => {
    for (const { name, read } of known) {
      const parameters = read(promql);
      if (parameters !== undefined) {
        return answerOf(await answers[name]?.(parameters));
      }
    }
    throw new Error(`the simulated Prometheus knows no query of this text: ${promql}`);
  };
}

function answerOf(answer: Answer): QueryAnswer {
  if (answer === undefined) {
    return { kind: 'noData' };
  }
  if (typeof answer !== 'number') {
    return answer;
  }
  return Number.isNaN(answer) ? { kind: 'notANumber' } : { kind: 'value', value: answer };
}

/** Reads the parameters out of a filled template; undefined when the text was not made from it. */
function readerOf({ template }: QueryDefinition): (promql: string) => QueryParameters | undefined {
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
