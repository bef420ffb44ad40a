/** What one walk over the types of src/spec.ts carries along, and where in them it is. */
import type { ts } from '@ts-morph/common';
import type { Problem } from '../util/problems.ts';
import { positionOf } from './program.ts';
import type { SpecProgram } from './program.ts';
import type { StructuralSchema, ValidationRule } from '../util/structural-schema.ts';

export interface ReadContext {
  /** types.ts's: what describes objects and unions comes back to it. */
  readonly describe: (
    context: ReadContext,
    type: ts.Type,
    node: ts.TypeNode | undefined,
    location: TypeLocation,
  ) => StructuralSchema;
  readonly program: SpecProgram;
  readonly problems: Problem[];
  readonly columns: PrinterColumn[];
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly jsonPath: string;
  readonly priority?: number;
}

/**
 * The value that rules about changes look at: the API server can compare old and new only along
 * fields of objects, entries of maps and
 * items of lists that have keys. Below any other list there is nothing to compare with.
 */
export interface RuleScope {
  readonly root: 'spec' | 'status';
  readonly type: 'root' | 'item' | 'uncorrelated';
  /** How often a rule here is evaluated has a limit. */
  readonly bounded: boolean;
  /** Rules about fields below that must stand here. */
  readonly rules: ValidationRule[];
}

export interface SpecPathElement {
  readonly name: string;
  readonly optional: boolean;
}

export interface TypeLocation {
  /** For messages: `spec.hosts[]`. */
  readonly path: string;
  /** Where problems point to. */
  readonly node: ts.Node;
  readonly scope: RuleScope;
  /** From the frame to here. */
  readonly steps: readonly SpecPathElement[];
  /** Object types that are being described, to notice recursion. */
  readonly stack: readonly ts.Type[];
  /** What tags say about the list or map that is about to be described. */
  readonly list?: { readonly keyed: boolean; readonly bounded: boolean };
}

/** @param message goes on after the path: `is a tuple, …` */
export function reportProblem(
  context: ReadContext,
  location: TypeLocation,
  message: string,
  at: ts.Node = location.node,
): void {
  const file = at.getSourceFile();
  addProblem(context, file, at.getStart(file), `${location.path} ${message}`);
}

/**
 * @param message goes on after the tag: `is for numbers` @param offset of the tag in the file of
 * the place
 */
export function reportTagProblem(
  context: ReadContext,
  location: TypeLocation,
  tag: { readonly name: string; readonly offset: number },
  message: string,
): void {
  addProblem(
    context,
    location.node.getSourceFile(),
    tag.offset,
    `${location.path}: @${tag.name} ${message}`,
  );
}

/** A type that is used in several places has its problems once. */
function addProblem(
  context: ReadContext,
  file: ts.SourceFile,
  offset: number,
  message: string,
): void {
  const problem = { file: file.fileName, ...positionOf(file, offset), message };
  const known = context.problems.some(
    (other) =>
      other.file === problem.file && other.line === problem.line && other.column === problem.column,
  );
  if (!known) {
    context.problems.push(problem);
  }
}
