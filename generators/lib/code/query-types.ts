/** src/generated/queries.ts: the methods of `context.metrics`. */
import { queryParameterType } from '../kinds/prometheus-queries.ts';
import type { ModelQuery } from '../kinds/prometheus-queries.ts';
import type { Model } from '../model/model.ts';
import { docComment, formatKey, GENERATED_HEADER, unionType } from '../util/typescript-text.ts';

/** Renders the interface `Queries` with one method for each Prometheus query of the project. */
export function renderQueryTypes({ queries, scope }: Model): string {
  const namespaced = scope === 'Namespaced';
  const text = namespaced
    ? "Prometheus queries. `namespace` defaults to the resource's own. An interval is a duration such as '1m'."
    : "Prometheus queries. An interval is a duration such as '1m'.";
  return [
    GENERATED_HEADER,
    "import type * as runtime from 'autopilot-runtime/generated';",
    '',
    `/** ${text} */`,
    'export interface Queries {',
    ...queries.map((query) => queryMethod(query, namespaced)),
    '}',
    '',
  ].join('\n');
}

function queryMethod(query: ModelQuery, namespaced: boolean): string {
  const isOptional = (name: string): boolean =>
    query.choices?.[name] !== undefined || (name === 'namespace' && namespaced);
  const parameters = query.parameters.map(
    (name) =>
      `readonly ${formatKey(name)}${isOptional(name) ? '?' : ''}: ${parameterType(query, name)}`,
  );
  const optional = query.parameters.every(isOptional) ? '?' : '';
  const comment = docComment(`\`${query.name}\`: ${query.template}`, '  ');
  return `${comment}  ${query.method}(parameters${optional}: { ${parameters.join('; ')} }): Promise<runtime.QueryResult>;`;
}

function parameterType(query: ModelQuery, name: string): string {
  const type = queryParameterType(query, name);
  if (typeof type !== 'string') {
    return unionType(type);
  }
  return type === 'Duration' ? 'runtime.Duration' : type;
}
