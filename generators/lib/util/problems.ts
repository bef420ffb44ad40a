/** Problems of a file that a user wrote, with their places. */

/** One problem of a file. */
export interface Problem {
  /** Path of the file, as the user knows it. */
  readonly file: string;
  /** Line of the file. The first line is 1. */
  readonly line: number;
  /** Column of the line. The first column is 1. */
  readonly column: number;
  /** What is wrong and what to do, without the place. */
  readonly message: string;
}

/** Path of a value in a document: names of fields and indices of lists. */
export type ProblemPath = readonly (string | number)[];

/**
 * Receives a problem.
 * @param path place of the problem in the file
 * @param message the whole message, with the path where the reader needs it
 */
export type ReportProblem = (path: ProblemPath, message: string) => void;

/** Formats a problem as one line, for example `autopilot.yaml:7:5: phases[2].next names …`. */
export function formatProblem({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}

/** Formats a path, for example `phases[2].next`. */
export function formatPath(path: ProblemPath): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');
}

/** Sorts problems by file, line and column. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted(
    (a, b) => compareStrings(a.file, b.file) || a.line - b.line || a.column - b.column,
  );
}

function compareStrings(a: string, b: string): number {
  if (a === b) {
    return 0;
  }
  return a < b ? -1 : 1;
}
