/**
 * YAML as a person wrote it: read with the place of everything in it, so that all that is wrong is
 * found at once and said with line and column.
 */
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { z } from 'zod';
import { didYouMean } from './naming.ts';
import { formatPath } from './problems.ts';
import type { ProblemPath, Problem } from './problems.ts';

export interface ParsedYaml {
  readonly document: Document.Parsed;
  readonly value: unknown;
  /** Problems of the syntax alone. */
  readonly problems: readonly Problem[];
  position(
    path: ProblemPath,
    of?: 'key' | 'value',
  ): { readonly line: number; readonly column: number };
}

/** Far beyond any machine that a person writes. */
const MAX_YAML_BYTES = 1_000_000;

export function parseYaml(text: string, file: string): ParsedYaml {
  if (text.length > MAX_YAML_BYTES) {
    return unreadableYaml(
      file,
      `has ${Math.round(text.length / 1e5) / 10} MB: more than 1 MB is not a state machine`,
    );
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
  });
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems = document.errors.map((error) => ({
    file,
    ...place(error.pos[0]),
    message: firstLine(error.message),
  }));
  let value: unknown;
  try {
    value = problems.length === 0 ? document.toJS() : undefined;
  } catch (error) {
    // Aliases of aliases can stand for more nodes than there is memory.
    return unreadableYaml(file, firstLine((error as Error).message));
  }
  return {
    document,
    problems,
    value,
    position(path, of = 'value') {
      for (let length = path.length; length >= 0; length--) {
        const part = path.slice(0, length);
        const parent = document.getIn(part.slice(0, -1), true);
        if ((of === 'key' || length < path.length) && isMap(parent)) {
          const pair = parent.items.find(
            (item) => isScalar(item.key) && item.key.value === part.at(-1),
          );
          if (pair && isScalar(pair.key) && pair.key.range) {
            return place(pair.key.range[0]);
          }
        }
        const node = document.getIn(part, true) as { range?: readonly number[] } | undefined;
        if (node?.range?.[0] !== undefined) {
          return place(node.range[0]);
        }
      }
      return { line: 1, column: 1 };
    },
  };
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

/**
 * Validates parsed YAML with a schema: a field without a value is not there; strict keys are
 * reported at the key, with the nearest known one.
 * @returns all that is wrong; and the value, also where nothing is wrong but unknown keys, so that
 * what it means can be checked as well
 */
export function validateYaml<T>(
  yaml: ParsedYaml,
  schema: z.ZodType<T>,
  file: string,
  keysAt: (path: ProblemPath) => readonly string[],
): { readonly value?: T; readonly problems: readonly Problem[] } {
  const plain = omitEmptyFields(yaml.value) ?? {};
  const result = schema.safeParse(plain);
  if (result.success) {
    return { value: result.data, problems: [] };
  }
  const unknown: ProblemPath[] = [];
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, []));
  const known = schema.safeParse(omitPaths(plain, unknown));
  return { ...(known.success && { value: known.data }), problems };

  function problemsOf(issue: z.core.$ZodIssue, before: ProblemPath): Problem[] {
    const path = [...before, ...(issue.path as (string | number)[])];
    const at = (where: ProblemPath, message: string, of: 'key' | 'value' = 'value'): Problem => ({
      file,
      ...yaml.position(where, of),
      message,
    });
    if (issue.code === 'unrecognized_keys') {
      unknown.push(...issue.keys.map((key) => [...path, key]));
      return issue.keys.map((key) =>
        at(
          [...path, key],
          `${formatPath([...path, key])} is not a known field${didYouMean(key, keysAt(path))}`,
          'key',
        ),
      );
    }
    if (issue.code === 'invalid_union') {
      // The branch that fits what was written: a mapping is judged as a mapping.
      const branch = issue.errors.find((errors) =>
        errors.some((inner) => inner.code === 'unrecognized_keys' || inner.path.length > 0),
      );
      if (branch) {
        return branch.flatMap((inner) => problemsOf(inner, path));
      }
      return [at(path, `${formatPath(path)} must be a name or a mapping with a name`)];
    }
    const missing = issue.code === 'invalid_type' && valueAt(yaml.value, path) === undefined;
    if (missing) {
      return [at(path.slice(0, -1), `${formatPath(path)} is missing`)];
    }
    return [at(path, `${formatPath(path)} ${issueSentence(issue)}`.trim())];
  }
}

/**
 * `inputs:` with nothing behind it. What stands below `config:` is the user's own, and stays as it
 * is.
 */
function omitEmptyFields(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(omitEmptyFields);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(
    members.map(([key, member]) => [
      key,
      key === 'config' ? (member as unknown) : omitEmptyFields(member),
    ]),
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
    return `must be ${withArticle(issue.expected)}`;
  }
  if (issue.code === 'invalid_value') {
    return `must be ${issue.values.map((value) => `'${String(value)}'`).join(' or ')}`;
  }
  if (issue.code === 'too_small' && issue.origin === 'string') {
    return 'must not be empty';
  }
  return issue.message;
}

function withArticle(expected: string): string {
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

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text;
}
