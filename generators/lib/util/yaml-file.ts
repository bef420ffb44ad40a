/**
 * YAML files that users write: reading them with the place of each value, and checking them with a
 * zod schema, so that all problems are reported at once with line and column.
 */
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { z } from 'zod';
import { didYouMean } from './naming.ts';
import { formatPath } from './problems.ts';
import type { ProblemPath, Problem } from './problems.ts';
import { firstLine } from './text.ts';
import { isRecord } from './values.ts';

/** Position in a file. Lines and columns start at 1. */
interface Position {
  readonly line: number;
  readonly column: number;
}

/** A YAML file after parsing. */
export interface ParsedYaml {
  readonly document: Document.Parsed;
  /** Value of the document as plain data. Undefined when the syntax is wrong. */
  readonly value: unknown;
  /** Problems of the syntax only. */
  readonly problems: readonly Problem[];
  /**
   * Position of a value, or of its key. A path that does not exist has the position of its nearest
   * parent.
   */
  position(path: ProblemPath, of?: 'key' | 'value'): Position;
}

/** Limit that protects against files that were never meant to be read here. */
const MAX_YAML_BYTES = 1_000_000;

/**
 * Parses a YAML file of one document.
 * @param file name of the file for problems
 */
export function parseYaml(text: string, file: string): ParsedYaml {
  if (text.length > MAX_YAML_BYTES) {
    const megabytes = Math.round(text.length / 1e5) / 10;
    return unreadableYaml(file, `the file has ${megabytes} MB; the maximum is 1 MB`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
  });
  const problems = syntaxProblems(document, { text, file, lines });
  try {
    return {
      document,
      problems,
      value: problems.length === 0 ? document.toJS() : undefined,
      position: (path, of = 'value') => findPosition(document, lines, path, of),
    };
  } catch (error) {
    // Nested aliases can expand to more nodes than memory can hold; the parser refuses them here.
    return unreadableYaml(file, firstLine((error as Error).message));
  }
}

/** A string that is being read. */
interface YamlSource {
  readonly text: string;
  readonly file: string;
  readonly lines: LineCounter;
}

/** What the parser finds; a merge conflict is one problem, not one for each line of it. */
function syntaxProblems({ errors }: Document.Parsed, source: YamlSource): readonly Problem[] {
  const conflict = errors.length > 0 ? conflictOffset(source.text) : undefined;
  if (conflict !== undefined) {
    return [problemAt(source, conflict, CONFLICT)];
  }
  const second = errors.find(({ code }) => code === 'MULTIPLE_DOCS');
  const other = errors.filter((error) => error !== second);
  if (second !== undefined && other.length === 0) {
    return [problemAt(source, second.pos[0], SECOND_DOCUMENT)];
  }
  return other.map(({ pos, message }) => problemAt(source, pos[0], firstLine(message)));
}

const CONFLICT =
  'a merge conflict begins here: keep the lines of one side, and remove those with <<<<<<<, ======= and >>>>>>>';

const SECOND_DOCUMENT =
  "a second YAML document begins here, but the file has one: remove the line '---', or the rest";

/** Offset of the line that begins a merge conflict of git. */
function conflictOffset(text: string): number | undefined {
  const found = /^<{7}(?: |\r?$)/m.exec(text);
  return found !== null && /^>{7}(?: |\r?$)/m.test(text) ? found.index : undefined;
}

function problemAt({ file, lines }: YamlSource, offset: number, message: string): Problem {
  return { file, ...positionOf(lines, offset), message };
}

function positionOf(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function findPosition(
  document: Document.Parsed,
  lines: LineCounter,
  path: ProblemPath,
  of: 'key' | 'value',
): Position {
  for (let length = path.length; length >= 0; length--) {
    const part = path.slice(0, length);
    const key = of === 'key' || length < path.length ? keyOffset(document, part) : undefined;
    const offset = key ?? valueOffset(document, part);
    if (offset !== undefined) {
      return positionOf(lines, offset);
    }
  }
  return { line: 1, column: 1 };
}

function keyOffset(document: Document.Parsed, path: ProblemPath): number | undefined {
  const parent = document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) {
    return undefined;
  }
  const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === path.at(-1));
  return isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
}

function valueOffset(document: Document.Parsed, path: ProblemPath): number | undefined {
  const node = document.getIn(path, true) as { range?: readonly number[] } | undefined;
  return node?.range?.[0];
}

function unreadableYaml(file: string, message: string): ParsedYaml {
  const at = { line: 1, column: 1 };
  return {
    document: parseDocument(''),
    problems: [{ file, ...at, message }],
    value: undefined,
    position: () => at,
  };
}

/** How `validateYaml` reports problems. */
export interface ValidateYamlOptions {
  /** Name of the file. */
  readonly file: string;
  /** Known fields of the mapping at a path. */
  readonly keysAt: (path: ProblemPath) => readonly string[];
  /**
   * Whether messages contain the invalid value. Must be false for files that may contain secrets.
   * Default: false.
   */
  readonly showValues?: boolean;
}

/** Result of `validateYaml`. */
interface ValidatedYaml<T> {
  /** The value, also when unknown fields are the only problems. */
  readonly value?: T;
  readonly problems: readonly Problem[];
}

/**
 * Checks a parsed YAML file with a schema. A field without a value counts as absent. An unknown
 * field is reported at its key, with the most similar known field.
 * @returns all problems. The value is there too when unknown fields are the only problems, so that
 * the caller can check the meaning of the rest.
 */
export function validateYaml<T>(
  yaml: ParsedYaml,
  schema: z.ZodType<T>,
  options: ValidateYamlOptions,
): ValidatedYaml<T> {
  const plain = omitEmptyFields(yaml.value) ?? {};
  const result = schema.safeParse(plain);
  if (result.success) {
    return { value: result.data, problems: [] };
  }
  const findings = result.error.issues.flatMap((issue) => findingsOf(issue, [], yaml, options));
  const unknownFields = findings.flatMap(({ of, path }) => (of === 'key' ? [path] : []));
  const withoutUnknown = schema.safeParse(omitPaths(plain, unknownFields));
  return {
    ...(withoutUnknown.success && { value: withoutUnknown.data }),
    problems: findings.map(({ path, of, message }) => ({
      file: options.file,
      ...yaml.position(path, of),
      message,
    })),
  };
}

/** A problem before its position is known. `key`: an unknown field. */
interface Finding {
  readonly path: ProblemPath;
  readonly of: 'key' | 'value';
  readonly message: string;
}

function findingsOf(
  issue: z.core.$ZodIssue,
  parent: ProblemPath,
  yaml: ParsedYaml,
  options: ValidateYamlOptions,
): readonly Finding[] {
  const path = [...parent, ...(issue.path as (string | number)[])];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      of: 'key',
      message: `${formatPath([...path, key])} is not a known field${didYouMean(key, options.keysAt(path))}`,
    }));
  }
  if (issue.code === 'invalid_union') {
    // Report the branch that matches what was written: the problems of a mapping as a mapping.
    const branch = issue.errors.find((errors) =>
      errors.some((inner) => inner.code === 'unrecognized_keys' || inner.path.length > 0),
    );
    if (branch !== undefined) {
      return branch.flatMap((inner) => findingsOf(inner, path, yaml, options));
    }
    const message = `${formatPath(path)} must be a name, or a mapping with the field 'name'`;
    return [{ path, of: 'value', message }];
  }
  const value = valueAt(yaml.value, path);
  if (issue.code === 'invalid_type' && value === undefined) {
    return [{ path: path.slice(0, -1), of: 'value', message: `${formatPath(path)} is missing` }];
  }
  const shown = options.showValues === true ? quoteScalar(value) : '';
  return [
    { path, of: 'value', message: `${formatPath(path)}${shown} ${issueSentence(issue)}`.trim() },
  ];
}

/** The value as part of a message, after a space. Lists and mappings are too long for that. */
function quoteScalar(value: unknown): string {
  if (typeof value === 'string' && value !== '') {
    return ` '${value}'`;
  }
  return typeof value === 'number' || typeof value === 'boolean' ? ` ${value}` : '';
}

/**
 * Removes fields without a value, such as `inputs:` with nothing after it. The section `config:`
 * belongs to the user and stays as it is.
 */
function omitEmptyFields(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(omitEmptyFields);
  }
  if (!isRecord(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([key, member]) => [key, key === 'config' ? member : omitEmptyFields(member)]),
  );
}

function omitPaths(value: object, paths: readonly ProblemPath[]): object {
  const copy = structuredClone(value);
  for (const path of paths) {
    const parent = valueAt(copy, path.slice(0, -1));
    if (typeof parent === 'object' && parent !== null) {
      Reflect.deleteProperty(parent, path.at(-1) ?? '');
    }
  }
  return copy;
}

function issueSentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    return `must be ${typeName(issue.expected)}`;
  }
  if (issue.code === 'invalid_value') {
    return `must be ${issue.values.map((value) => `'${String(value)}'`).join(' or ')}`;
  }
  if (issue.code === 'too_small' && issue.origin === 'string') {
    return 'must not be empty';
  }
  return issue.message;
}

function typeName(expected: string): string {
  if (expected === 'array') {
    return 'a list';
  }
  if (expected === 'object' || expected === 'record') {
    return 'a mapping';
  }
  return `a ${expected}`;
}

function valueAt(value: unknown, path: ProblemPath): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner as Record<string | number, unknown> | undefined | null)?.[key],
    value,
  );
}
