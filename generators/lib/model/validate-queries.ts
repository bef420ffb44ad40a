/** Checks of `queries` in autopilot.yaml: names, parameters, and the PromQL of the templates. */
import { builtInQueries, placeholdersOf } from '../kinds/prometheus-queries.ts';
import { camelCase, lowerFirst, didYouMean } from '../util/naming.ts';
import { formatPath } from '../util/problems.ts';
import type { ProblemPath, ReportProblem } from '../util/problems.ts';
import { findOpenBracket } from '../util/promql.ts';
import { QUERIES_OF_2019 } from './compat-2019.ts';
import type { ProjectDocument } from './project-schema.ts';

type QueryDocument = NonNullable<ProjectDocument['queries']>[number];

/** Checks all queries and reports all problems. */
export function validateQueries(queries: readonly QueryDocument[], report: ReportProblem): void {
  const owners = new Map(
    builtInQueries
      .filter(({ name }) => QUERIES_OF_2019.has(name))
      .map(({ method, name }) => [method, `the built-in query '${name}'`]),
  );
  queries.forEach((query, index) => {
    const path = ['queries', index];
    const subject = `queries[${index}].name '${query.name}'`;
    const method = camelCase(query.name);
    const owner = owners.get(method);
    if (!/^[A-Za-z_$][\w$]*$/.test(method)) {
      report([...path, 'name'], `${subject} gives no method name: it needs letters`);
    } else if (owner !== undefined) {
      report(
        [...path, 'name'],
        `${subject} becomes the method ${method}, which ${owner} has already: choose another name`,
      );
    }
    owners.set(method, `queries[${index}]`);
    validateParameters(query, path, report);
    validateTemplate(query, [...path, 'queryTemplate'], report);
  });
}

/** A parameter is a field of the argument of the method, and the name of a placeholder. */
function validateParameters(
  { parameters = [] }: QueryDocument,
  path: ProblemPath,
  report: ReportProblem,
): void {
  const names = parameters.map(lowerFirst);
  parameters.forEach((name, index) => {
    const place = [...path, 'parameters', index];
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      report(
        place,
        `${formatPath(place)} '${name}' must be letters, digits and '_', beginning with a letter, such as 'service'`,
      );
    } else if (names.indexOf(lowerFirst(name)) < index) {
      report(place, `${formatPath(place)} '${name}' is declared twice: remove one`);
    }
  });
}

function validateTemplate(
  { queryTemplate, parameters = [] }: QueryDocument,
  path: ProblemPath,
  report: ReportProblem,
): void {
  const place = formatPath(path);
  const declared = ['namespace', ...parameters.map(lowerFirst)];
  const placeholders = placeholdersOf(queryTemplate);
  for (const placeholder of placeholders) {
    if (!declared.includes(lowerFirst(placeholder))) {
      report(
        path,
        `${place} uses {{ .${placeholder} }}, which is not in parameters${didYouMean(placeholder, parameters)}`,
      );
    }
  }
  const filled = fillPlaceholders(queryTemplate);
  const [unfilled] = /\{\{.*?\}\}|\{\{|\}\}/s.exec(filled) ?? [];
  if (unfilled !== undefined) {
    report(
      path,
      `${place} has '${unfilled}', which nothing fills: a placeholder is written {{ .name }}`,
    );
    return;
  }
  const open = findOpenBracket(filled);
  if (open !== undefined) {
    report(path, `${place} is not PromQL: ${open}`);
  }
}

/** The template with a letter in place of each placeholder. */
function fillPlaceholders(template: string): string {
  return template.replace(/\{\{\s*\.\w+\s*\}\}/g, 'x');
}
