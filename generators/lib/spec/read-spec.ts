/** src/spec.ts, read: the schemas of `<Kind>Spec` and `<Kind>StatusInfo`, and what their comments say about the kind. */
import { ts } from '@ts-morph/common';
import { problemText } from '../problems.ts';
import { applyTags } from './facets.ts';
import { kindTagsOf } from './kind.ts';
import type { KindTags } from './kind.ts';
import { specProgram } from './program.ts';
import { ordered } from './schema.ts';
import type { Schema } from './schema.ts';
import { commentFor } from './objects.ts';
import { schemaOf } from './types.ts';
import { report } from './walk.ts';
import type { Place, PrinterColumn, Walk } from './walk.ts';

export interface SpecFile {
  readonly spec: Schema;
  readonly status: Schema;
  /** Of `<Kind>Config`, the type of the user's `config:`; absent when there is no such interface. */
  readonly config?: Schema;
  readonly kind: KindTags;
  readonly columns: readonly PrinterColumn[];
}

/** Fields of status that are ours; a StatusInfo must not have them (runtime/src/machine/resource.ts). */
const OURS = ['phase', 'observedGeneration', 'conditions', 'autopilot'];

/** @throws Error with all that is wrong, each with file, line and column */
export function readSpec(specFile: string, kind: string): SpecFile {
  const program = specProgram(specFile);
  const walk: Walk = { describe: schemaOf, program, problems: [...program.problems()], columns: [] };
  stopAt(walk);
  const spec = rootOf(walk, 'spec', `${kind}Spec`);
  const status = rootOf(walk, 'status', `${kind}StatusInfo`);
  const config = program.exported(`${kind}Config`) === undefined ? undefined : rootOf({ ...walk, columns: [] }, 'spec', `${kind}Config`, 'config');
  if (spec === undefined || status === undefined) throw failure(walk);
  for (const name of OURS)
    if (status.schema.properties?.[name] !== undefined)
      report(walk, status.place, `must not have a field '${name}': it is one of ours (${OURS.join(', ')}); choose another name`, fieldNode(walk, status, name));
  if (status.schema['x-kubernetes-validations'] !== undefined || status.schema.oneOf !== undefined || status.schema.anyOf !== undefined)
    report(walk, status.place, 'has rules for the whole status, which a resource that is new could not satisfy; put them on a field, or the union into one');
  const kindTags = kindTagsOf(walk, spec.comment, spec.place, spec.schema, status.schema);
  stopAt(walk);
  return {
    spec: ordered(spec.schema),
    status: ordered(status.schema),
    ...(config && { config: ordered(config.schema) }),
    kind: kindTags,
    columns: [...walk.columns, ...kindTags.columns],
  };
}

interface Root {
  readonly schema: Schema;
  readonly place: Place;
  readonly comment: ReturnType<typeof commentFor>;
  readonly type: ts.Type;
}

/** @param path for messages */
function rootOf(walk: Walk, root: 'spec' | 'status', name: string, path: string = root): Root | undefined {
  const { checker, source } = walk.program;
  const symbol = walk.program.exported(name);
  const declaration = symbol?.declarations?.[0];
  if (symbol === undefined || declaration === undefined) {
    walk.problems.push({ file: source.fileName, line: 1, column: 1, message: `there is no exported interface ${name}: 'export interface ${name} { … }'` });
    return undefined;
  }
  const place: Place = { path, node: declaration, frame: { root, kind: 'root', bounded: true, rules: [] }, steps: [], stack: [] };
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  const comment = commentFor(walk, declaration);
  const alias = ts.isTypeAliasDeclaration(declaration) ? declaration : undefined;
  const plain = schemaOf(walk, type, alias?.type, place);
  const schema = alias === undefined ? plain : applyTags(walk, plain, comment, place, alias);
  if (Object.keys(schema).length > 0 && schema.type !== 'object') report(walk, place, `must be an object, so ${name} must be an interface`);
  const rules = [...(schema['x-kubernetes-validations'] ?? []), ...place.frame.rules];
  return { schema: { ...schema, ...(rules.length > 0 && { 'x-kubernetes-validations': rules }) }, place, comment, type };
}

function fieldNode(walk: Walk, { type, place }: Root, name: string): ts.Node {
  return walk.program.checker.getPropertyOfType(type, name)?.declarations?.[0] ?? place.node;
}

function stopAt(walk: Walk): void {
  if (walk.problems.length > 0) throw failure(walk);
}

function failure(walk: Walk): Error {
  const sorted = walk.problems.toSorted((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1));
  return new Error(sorted.map(problemText).join('\n'));
}
