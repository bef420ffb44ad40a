/** State of one reading of src/spec.ts, the place in its types, and the reporting of problems. */
import type { ts } from '@ts-morph/common';
import type { Problem } from '../util/problems.ts';
import type { StructuralSchema, ValidationRule } from '../util/structural-schema.ts';
import { positionOf } from './program.ts';
import type { SpecProgram } from './program.ts';

/** State of one reading of src/spec.ts. */
export interface ReadContext {
  /**
   * Converts a type to a schema: `typeSchema` of read-type.ts. It is passed along because the
   * modules for objects and unions, which read-type.ts imports, need it too.
   */
  readonly describe: (
    context: ReadContext,
    type: ts.Type,
    node: ts.TypeNode | undefined,
    location: TypeLocation,
  ) => StructuralSchema;
  readonly program: SpecProgram;
  /** Problems found so far. */
  readonly problems: Problem[];
  /** Printer columns found so far. */
  readonly columns: PrinterColumn[];
}

/** An entry of `additionalPrinterColumns` in a CRD. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly jsonPath: string;
  readonly priority?: number;
}

/**
 * The value at which rules with `oldSelf` are placed. The API server compares old and new values
 * only along fields of objects, entries of maps, and items of lists with keys.
 */
export interface RuleScope {
  readonly root: 'spec' | 'status';
  /**
   * - `root`: spec or status itself, or fields below.
   * - `item`: an item of a list with keys, or an entry of a map.
   * - `uncorrelated`: below an item of another list, where the API server cannot compare.
   */
  readonly type: 'root' | 'item' | 'uncorrelated';
  /** Whether the number of evaluations of a rule here is limited. */
  readonly bounded: boolean;
  /** Rules about fields below that are placed at this value. Filled while fields are read. */
  readonly rules: ValidationRule[];
}

/** A field on the way from the scope to the current value. */
export interface SpecPathElement {
  readonly name: string;
  readonly optional: boolean;
}

/** Place of a type in src/spec.ts and in the schema. */
export interface TypeLocation {
  /** Path of the value in messages, for example `spec.hosts[]`. */
  readonly path: string;
  /** Node whose position problems have. */
  readonly node: ts.Node;
  readonly scope: RuleScope;
  /** Fields from the scope to this value. */
  readonly steps: readonly SpecPathElement[];
  /** Object types that contain this value, from the outside in. Used to detect recursion. */
  readonly stack: readonly ts.Type[];
  /** Tags of the list or map that is read next. */
  readonly list?: { readonly keyed: boolean; readonly bounded: boolean };
}

/** A type with its place: the arguments that most readers need. */
export interface LocatedType {
  readonly type: ts.Type;
  /** The type as it is written, if known: it has the names of aliases. */
  readonly node: ts.TypeNode | undefined;
  readonly location: TypeLocation;
}

/**
 * Thrown when a tag cannot be applied. The message continues a sentence that begins with the tag,
 * for example `applies to numbers only`.
 */
export class InvalidTagError extends Error {
  override name = 'InvalidTagError';
}

/**
 * Reports a problem of a type.
 * @param message continues a sentence that begins with the path, for example `is a tuple, …`
 * @param at node of the problem. Default: the node of the location.
 */
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
 * Reports a problem of a type that cannot be converted.
 * @returns the empty schema, with which reading continues, so that all problems are found
 */
export function refuseType(
  context: ReadContext,
  location: TypeLocation,
  message: string,
): StructuralSchema {
  reportProblem(context, location, message);
  return {};
}

/** A tag with its offset in the file of the location. */
interface LocatedTag {
  readonly name: string;
  readonly offset: number;
}

/**
 * Reports a problem of a tag.
 * @param message continues a sentence that begins with the tag, for example `applies to numbers
 * only`
 */
export function reportTagProblem(
  context: ReadContext,
  location: TypeLocation,
  tag: LocatedTag,
  message: string,
): void {
  const text = `${location.path}: @${tag.name} ${message}`;
  addProblem(context, location.node.getSourceFile(), tag.offset, text);
}

/**
 * Runs a function that applies a tag, and reports the InvalidTagError that it throws.
 * @returns undefined when the tag is invalid
 */
export function tryTag<T>(
  context: ReadContext,
  location: TypeLocation,
  tag: LocatedTag,
  apply: () => T,
): T | undefined {
  try {
    return apply();
  } catch (error) {
    if (!(error instanceof InvalidTagError)) {
      throw error;
    }
    reportTagProblem(context, location, tag, error.message);
    return undefined;
  }
}

/** Adds a problem, once per place: a type that is used in several places is read several times. */
function addProblem(
  context: ReadContext,
  file: ts.SourceFile,
  offset: number,
  message: string,
): void {
  const problem = { file: file.fileName, ...positionOf(file, offset), message };
  const isKnown = context.problems.some(
    (other) =>
      other.file === problem.file && other.line === problem.line && other.column === problem.column,
  );
  if (!isKnown) {
    context.problems.push(problem);
  }
}
