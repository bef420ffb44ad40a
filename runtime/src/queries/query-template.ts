/**
 * PromQL from a template. A placeholder `{{ .Name }}` is filled by where it stands, so that no
 * value can change the query's meaning:
 *
 *   inside quotes            any text, escaped for the kind of quote
 *   … after `=~` or `!~`     the same, and escaped as a regular expression: it matches itself only
 *   inside `[ ]`             a duration
 *   anywhere else            a number, a duration or a plain name
 *
 * What does not fit there is a PermanentError: asking again would not help, a changed spec may.
 */
import { parseDuration } from '../api/duration.ts';
import type { QueryDefinition } from '../api/scheduler.ts';
import { PermanentError } from '../api/worker.ts';
import type { QueryParameters } from '../api/metrics-queries.ts';

const PLACEHOLDER = String.raw`\{\{\s*\.?(\w+)\s*\}\}`;
/** The next piece of a template outside of quotes, inside `"` or `'`, and inside backquotes. */
const OUTSIDE = new RegExp(`${PLACEHOLDER}|[=!]~|\\s+|#[^\\n]*|[\\s\\S]`, 'y');
const QUOTED = new RegExp(`${PLACEHOLDER}|\\\\[\\s\\S]|[\\s\\S]`, 'y');
const RAW = new RegExp(`${PLACEHOLDER}|[\\s\\S]`, 'y');

type Quote = '"' | "'" | '`';

interface PlaceholderContext {
  readonly quote: Quote | undefined;
  /** The quoted text is a regular expression. */
  readonly pattern: boolean;
  readonly brackets: boolean;
}

/**
 * @throws PermanentError when a placeholder has no value, or one that cannot stand where it does
 */
export function fillTemplate(query: QueryDefinition, parameters: QueryParameters): string {
  const values = new Map(
    Object.entries({ ...query.defaults, ...parameters }).map(([name, value]) => [
      name.toLowerCase(),
      value,
    ]),
  );
  const { template } = query;
  let filled = '';
  let quote: Quote | undefined;
  let pattern = false;
  let brackets = 0;
  for (let position = 0; position < template.length;) {
    const scanner = scannerOf(quote);
    scanner.lastIndex = position;
    const [piece, name] = scanner.exec(template) as unknown as [string, string | undefined];
    position += piece.length;
    if (name !== undefined) {
      filled += formatPlaceholder(query.name, name, values.get(name.toLowerCase()), {
        quote,
        pattern,
        brackets: brackets > 0,
      });
      continue;
    }
    filled += piece;
    if (quote !== undefined) {
      if (piece === quote) {
        [quote, pattern] = [undefined, false];
      }
    } else if (piece === '"' || piece === "'" || piece === '`') {
      quote = piece;
    } else if (piece === '=~' || piece === '!~') {
      pattern = true;
    } else if (piece.trim() !== '' && !piece.startsWith('#')) {
      pattern = false;
      if (piece === '[') {
        brackets += 1;
      }
      if (piece === ']') {
        brackets -= 1;
      }
    }
  }
  return filled;
}

function scannerOf(quote: Quote | undefined): RegExp {
  if (quote === undefined) {
    return OUTSIDE;
  }
  return quote === '`' ? RAW : QUOTED;
}

function formatPlaceholder(
  query: string,
  name: string,
  value: unknown,
  context: PlaceholderContext,
): string {
  const wrong = (problem: string): PermanentError =>
    new PermanentError(`query ${query}: ${problem}`, 'InvalidQuery');
  // An empty label value would match every series that lacks the label.
  if (value === undefined || value === null || value === '') {
    throw wrong(`the parameter ${name} is missing or empty`);
  }
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw wrong(`the parameter ${name} must be a string or a number`);
  }
  const given = String(value);
  if (context.quote !== undefined) {
    const literal = context.pattern ? given.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`) : given;
    if (context.quote !== '`') {
      return literal
        .replaceAll('\\', '\\\\')
        .replaceAll(context.quote, `\\${context.quote}`)
        .replaceAll('\n', '\\n');
    }
    if (literal.includes('`')) {
      throw wrong(
        `the parameter ${name} is inside backquotes and must not contain one, found '${given}'`,
      );
    }
    return literal;
  }
  const duration = durationText(given);
  if (duration !== undefined) {
    return duration;
  }
  if (context.brackets) {
    throw wrong(`${name} must be a duration longer than 0 such as '1m', found '${given}'`);
  }
  if (/^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(given) || /^[A-Za-z_:][\w:]*$/.test(given)) {
    return given;
  }
  throw wrong(
    `${name} is outside of quotes and must be a number, a duration or a plain name, found '${given}'`,
  );
}

/**
 * A duration as PromQL reads it: whole numbers, largest unit first. Other durations of this
 * project, such as `1.5h`, are converted to milliseconds. Undefined when the string is not a
 * duration.
 */
function durationText(given: string): string | undefined {
  if (/^(?=.*[1-9])(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/.test(given)) {
    return given;
  }
  try {
    const ms = Math.round(parseDuration(given));
    return ms > 0 ? `${ms}ms` : undefined;
  } catch {
    return undefined;
  }
}
