/**
 * All YAML that generate writes. Helm, kubectl and the API server read YAML 1.1, in which `on`,
 * `1_000` and `2026-01-01` are no strings, and the project's own files are YAML 1.2. Both versions
 * read the text that is written here as the same value.
 */
import { Document, parseDocument, Scalar, visit } from 'yaml';

/** Style of all texts: no line is broken, so that a string keeps its line ends. */
const STYLE = { lineWidth: 0, doubleQuotedMinMultiLineLength: Infinity } as const;

/** Words that some version of YAML reads as a boolean, null, a number or a merge key. */
const WORDS = new Set('~ null y n yes no on off true false .nan .inf nan inf = <<'.split(' '));

/** Characters that are a line break, a byte order mark or not printable for some reader. */
// oxlint-disable-next-line no-control-regex -- these characters are what is looked for
const UNPRINTABLE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g;

/**
 * A value as YAML that each version of YAML reads as this value.
 *
 * @returns text with a line end
 */
export function formatYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'string' && needsQuotes(scalar.value)) {
        scalar.type = Scalar.QUOTE_DOUBLE;
      }
    },
  });
  return escapeUnprintable(document.toString(STYLE));
}

/** A string as YAML on one line, also inside of brackets: for one place in a template. */
export function formatYamlString(text: string): string {
  return /^[A-Za-z][-\w./]*$/.test(text) && !needsQuotes(text) ? text : quoted(text);
}

/**
 * Changes YAML 1.2 so that a reader of YAML 1.1 reads the same value. Everything that
 * both versions read alike stays as it is, comments and layout included.
 */
export function portableYaml(text: string): string {
  const edits: Edit[] = [];
  visit(parseDocument(text), {
    Scalar: (_, scalar) => {
      const edit = portableScalar(text, scalar);
      if (edit !== undefined) {
        edits.push(edit);
      }
    },
  });
  return applyEdits(text, edits);
}

/** Replacement of a part of a string. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** @returns undefined when both versions read the scalar alike */
function portableScalar(text: string, scalar: Scalar): Edit | undefined {
  const { value, range, type } = scalar;
  if (range === undefined || range === null) {
    return undefined;
  }
  const [start, end] = range;
  const source = text.slice(start, end);
  const unprintable = source.search(UNPRINTABLE) >= 0;
  if (typeof value === 'string') {
    const isQuoted = type !== Scalar.PLAIN;
    if (!unprintable && (isQuoted || !needsQuotes(value))) {
      return undefined;
    }
    const lineEnd = source.endsWith('\n') ? '\n' : '';
    return { start, end, text: `${quoted(value)}${lineEnd}` };
  }
  const plain = typeof value === 'number' || typeof value === 'bigint' ? String(value) : source;
  const isSame = plain === source || /^[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?$/.test(source);
  return isSame ? undefined : { start, end, text: plain };
}

/** Applies edits. Between them, in comments and white space, no odd line break stays. */
function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = '';
  let position = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start)) {
    result += withoutUnprintable(text.slice(position, edit.start)) + edit.text;
    position = edit.end;
  }
  return result + withoutUnprintable(text.slice(position));
}

function withoutUnprintable(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNPRINTABLE, ' ');
}

/** A number, a time or a date of YAML 1.1 or 1.2, and what resembles one, except a version. */
const NUMBER = /^(?!.*\..*\.)([-+]?[.0-9][-+_:.0-9a-fxo tz]*|e[-+]?[0-9]+)$/i;

/**
 * Whether a string needs double quotes: a version of YAML would read it as something else, or a
 * reader cannot take it in another style.
 */
function needsQuotes(text: string): boolean {
  return (
    WORDS.has(text.toLowerCase()) ||
    NUMBER.test(text) ||
    /^\s|\t|\s$/.test(text.replace(/\n+$/, '')) ||
    text.search(UNPRINTABLE) >= 0
  );
}

function quoted(text: string): string {
  return escapeUnprintable(JSON.stringify(text));
}

/** Escapes characters inside of double quotes. A string with such a character has double quotes. */
function escapeUnprintable(yaml: string): string {
  return yaml.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
