/**
 * Manifests read as kubectl and Helm read them: YAML 1.1 without times, dates and numbers to the
 * base 60. `mode: on` and `yes: 1` have booleans. Quoted text may go on at any indentation.
 *
 * The generator and the sandbox are packages of their own, and both have this file.
 */
import { Lexer, LineCounter, parseAllDocuments } from 'yaml';
import type { ScalarTag, TagId, Tags } from 'yaml';

/** One document of a manifest. Lines and columns start at 1. */
export interface KubernetesDocument {
  readonly value: unknown;
  readonly line: number;
  readonly column: number;
}

/** How `parseKubernetesYaml` reads. */
export interface KubernetesYamlOptions {
  /** Whether a key may be there twice; the last one counts. Default: false. */
  readonly repeatedKeys?: boolean;
}

/**
 * Reads the documents of a manifest. Empty documents are left out.
 *
 * @throws Error whose message begins with line and column: `3:1: …`
 */
export function parseKubernetesYaml(
  text: string,
  { repeatedKeys = false }: KubernetesYamlOptions = {},
): readonly KubernetesDocument[] {
  const options = {
    version: '1.1',
    schema: 'yaml-1.1',
    customTags: kubernetesTags,
    prettyErrors: false,
    logLevel: 'error',
    uniqueKeys: !repeatedKeys,
  } as const;
  const lineCounter = new LineCounter();
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const documents = [...parseAllDocuments(indentQuotedText(text), { ...options, lineCounter })];
  return documents.flatMap((document) => {
    const [error] = document.errors;
    const { line, column } = place(error?.pos[0] ?? document.contents?.range?.[0] ?? 0);
    if (error !== undefined) {
      throw new Error(`${line}:${column}: ${error.message.split('\n')[0]}`);
    }
    try {
      const value = document.toJS() as unknown;
      return value === null || value === undefined ? [] : [{ value, line, column }];
    } catch (failure) {
      throw new Error(`${line}:${column}: ${(failure as Error).message}`, { cause: failure });
    }
  });
}

const OCTAL: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0o[0-7_]+$/,
  resolve: (text) => {
    const digits = Number.parseInt(text.replaceAll('_', '').replace(/^[-+]?0o/, ''), 8);
    return text.startsWith('-') ? -digits : digits;
  },
};

/** The tags of YAML 1.1 that kubectl resolves. It leaves times and dates as they are written. */
function kubernetesTags(tags: Tags): Tags {
  const resolved = tags.filter(
    (tag: ScalarTag | TagId | Tags[number]) =>
      typeof tag !== 'object' ||
      !(tag.tag.endsWith(':timestamp') || ('format' in tag && tag.format === 'TIME')),
  );
  return [OCTAL, ...resolved];
}

/** What the lexer puts before a document, a scalar and the end of a broken flow collection. */
const MARKS = new Set(['\u0002', '\u0018', '\u001F']);

/**
 * Indents quoted text that goes on at the indentation of its key or before it, so that the parser
 * takes it. Only white space that has no meaning changes, and no line moves.
 */
function indentQuotedText(text: string): string {
  let result = text;
  for (let from = 0; ;) {
    const opening = unclosedQuote(result, from);
    const quoted = opening === undefined ? undefined : quotedText(result, opening);
    if (opening === undefined || quoted === undefined) {
      return result;
    }
    const indent = ' '.repeat(opening - result.lastIndexOf('\n', opening));
    const indented = quoted.replaceAll(/\n[ \t]*(?=[^\r\n])/g, `\n${indent}`);
    result = result.slice(0, opening) + indented + result.slice(opening + quoted.length);
    from = opening + 1;
  }
}

/** Offset of the first quoted text, not before `from`, that the lexer breaks off. */
function unclosedQuote(text: string, from: number): number | undefined {
  let offset = 0;
  for (const token of new Lexer().lex(text)) {
    if (MARKS.has(token)) {
      continue;
    }
    if (offset >= from && /^["']/.test(token) && quotedText(token, 0) !== token) {
      return offset;
    }
    offset += token.length;
  }
  return undefined;
}

/** The quoted text that begins at an offset. */
function quotedText(text: string, offset: number): string | undefined {
  const whole = text[offset] === '"' ? /"(?:[^"\\]|\\[^])*"/y : /'(?:[^']|'')*'/y;
  whole.lastIndex = offset;
  return whole.exec(text)?.[0];
}
