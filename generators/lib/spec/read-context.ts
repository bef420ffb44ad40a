/** What one walk over the types of src/spec.ts carries along, and where in them it is. */
import type { ts } from '@ts-morph/common';
import type { Problem } from '../problems.ts';
import { positionOf } from './program.ts';
import type { SpecProgram } from './program.ts';
import type { Schema, ValidationRule } from './schema.ts';

export interface Walk {
  /** types.ts's: what describes objects and unions comes back to it. */
  readonly describe: (walk: Walk, type: ts.Type, node: ts.TypeNode | undefined, place: Place) => Schema;
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
 * The value that rules about changes look at: the API server can compare old and new only along fields of objects, entries of maps and
 * items of lists that have keys. Below any other list there is nothing to compare with.
 */
export interface Frame {
  readonly root: 'spec' | 'status';
  readonly kind: 'root' | 'item' | 'uncorrelated';
  /** How often a rule here is evaluated has a limit. */
  readonly bounded: boolean;
  /** Rules about fields below that must stand here. */
  readonly rules: ValidationRule[];
}

export interface Step {
  readonly name: string;
  readonly optional: boolean;
}

export interface Place {
  /** For messages: `spec.hosts[]`. */
  readonly path: string;
  /** Where problems point to. */
  readonly node: ts.Node;
  readonly frame: Frame;
  /** From the frame to here. */
  readonly steps: readonly Step[];
  /** Object types that are being described, to notice recursion. */
  readonly stack: readonly ts.Type[];
  /** What tags say about the list or map that is about to be described. */
  readonly list?: { readonly keyed: boolean; readonly bounded: boolean };
}

/** @param message goes on after the path: `is a tuple, …` */
export function report(walk: Walk, place: Place, message: string, at: ts.Node = place.node): void {
  const file = at.getSourceFile();
  add(walk, file, at.getStart(file), `${place.path} ${message}`);
}

/** @param message goes on after the tag: `is for numbers` @param offset of the tag in the file of the place */
export function reportTag(walk: Walk, place: Place, tag: { readonly name: string; readonly offset: number }, message: string): void {
  add(walk, place.node.getSourceFile(), tag.offset, `${place.path}: @${tag.name} ${message}`);
}

/** A type that is used in several places has its problems once. */
function add(walk: Walk, file: ts.SourceFile, offset: number, message: string): void {
  const problem = { file: file.fileName, ...positionOf(file, offset), message };
  const known = walk.problems.some((other) => other.file === problem.file && other.line === problem.line && other.column === problem.column);
  if (!known) walk.problems.push(problem);
}
