/**
 * src/spec.ts, read: the schemas of `<Kind>Spec` and `<Kind>StatusInfo`, and what their comments
 * say about the kind.
 */
import { ts } from '@ts-morph/common';
import { formatProblem } from '../util/problems.ts';
import { applyTags } from './apply-tags.ts';
import { readKindTags } from './kind-tags.ts';
import type { KindTags } from './kind-tags.ts';
import { createSpecProgram } from './program.ts';
import { orderKeywords } from '../util/structural-schema.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';
import { docCommentFor } from './read-object.ts';
import { typeSchema } from './read-type.ts';
import { reportProblem } from './read-context.ts';
import type { TypeLocation, PrinterColumn, ReadContext } from './read-context.ts';

export interface ParsedSpec {
  readonly spec: StructuralSchema;
  readonly status: StructuralSchema;
  /**
   * Of `<Kind>Config`, the type of the user's `config:`; absent when there is no such interface.
   */
  readonly config?: StructuralSchema;
  readonly kind: KindTags;
  readonly columns: readonly PrinterColumn[];
}

/**
 * Fields of status that are ours; a StatusInfo must not have them
 * (runtime/src/reconciler/phase.ts).
 */
const RUNTIME_STATUS_FIELDS = ['phase', 'observedGeneration', 'conditions', 'autopilot'];

/** @throws Error with all that is wrong, each with file, line and column */
export function readSpec(specFile: string, kind: string): ParsedSpec {
  const program = createSpecProgram(specFile);
  const context: ReadContext = {
    describe: typeSchema,
    program,
    problems: [...program.problems()],
    columns: [],
  };
  throwIfProblems(context);
  const spec = readRoot(context, 'spec', `${kind}Spec`);
  const status = readRoot(context, 'status', `${kind}StatusInfo`);
  const config =
    program.exportedSymbol(`${kind}Config`) === undefined
      ? undefined
      : readRoot({ ...context, columns: [] }, 'spec', `${kind}Config`, 'config');
  if (spec === undefined || status === undefined) {
    throw problemsError(context);
  }
  for (const name of RUNTIME_STATUS_FIELDS) {
    if (status.schema.properties?.[name] !== undefined) {
      reportProblem(
        context,
        status.location,
        `must not have a field '${name}': it is one of ours (${RUNTIME_STATUS_FIELDS.join(', ')}); choose another name`,
        fieldNode(context, status, name),
      );
    }
  }
  if (
    status.schema['x-kubernetes-validations'] !== undefined ||
    status.schema.oneOf !== undefined ||
    status.schema.anyOf !== undefined
  ) {
    reportProblem(
      context,
      status.location,
      'has rules for the whole status, which a resource that is new could not satisfy; put them on a field, or the union into one',
    );
  }
  const kindTags = readKindTags(context, spec.comment, spec.location, spec.schema, status.schema);
  throwIfProblems(context);
  return {
    spec: orderKeywords(spec.schema),
    status: orderKeywords(status.schema),
    ...(config && { config: orderKeywords(config.schema) }),
    kind: kindTags,
    columns: [...context.columns, ...kindTags.columns],
  };
}

interface RootType {
  readonly schema: StructuralSchema;
  readonly location: TypeLocation;
  readonly comment: ReturnType<typeof docCommentFor>;
  readonly type: ts.Type;
}

/** @param path for messages */
function readRoot(
  context: ReadContext,
  root: 'spec' | 'status',
  name: string,
  path: string = root,
): RootType | undefined {
  const { checker, source } = context.program;
  const symbol = context.program.exportedSymbol(name);
  const declaration = symbol?.declarations?.[0];
  if (symbol === undefined || declaration === undefined) {
    context.problems.push({
      file: source.fileName,
      line: 1,
      column: 1,
      message: `there is no exported interface ${name}: 'export interface ${name} { … }'`,
    });
    return undefined;
  }
  const location: TypeLocation = {
    path,
    node: declaration,
    scope: { root, type: 'root', bounded: true, rules: [] },
    steps: [],
    stack: [],
  };
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  const comment = docCommentFor(context, declaration);
  const alias = ts.isTypeAliasDeclaration(declaration) ? declaration : undefined;
  const plain = typeSchema(context, type, alias?.type, location);
  const schema = alias === undefined ? plain : applyTags(context, plain, comment, location, alias);
  if (Object.keys(schema).length > 0 && schema.type !== 'object') {
    reportProblem(context, location, `must be an object, so ${name} must be an interface`);
  }
  const rules = [...(schema['x-kubernetes-validations'] ?? []), ...location.scope.rules];
  return {
    schema: { ...schema, ...(rules.length > 0 && { 'x-kubernetes-validations': rules }) },
    location,
    comment,
    type,
  };
}

function fieldNode(context: ReadContext, { type, location }: RootType, name: string): ts.Node {
  return context.program.checker.getPropertyOfType(type, name)?.declarations?.[0] ?? location.node;
}

function throwIfProblems(context: ReadContext): void {
  if (context.problems.length > 0) {
    throw problemsError(context);
  }
}

function problemsError(context: ReadContext): Error {
  const sorted = context.problems.toSorted((a, b) =>
    a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1,
  );
  return new Error(sorted.map(formatProblem).join('\n'));
}
