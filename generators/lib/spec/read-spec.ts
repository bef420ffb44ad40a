/**
 * Reads src/spec.ts: the schemas of `<Kind>Spec`, `<Kind>StatusInfo` and `<Kind>Config`, and the
 * tags about the kind.
 */
import { ts } from '@ts-morph/common';
import { formatProblem, sortProblems } from '../util/problems.ts';
import { orderKeywords } from '../util/structural-schema.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';
import { applyTags } from './apply-tags.ts';
import type { DocComment } from './doc-comments.ts';
import { readKindTags } from './kind-tags.ts';
import type { KindTags } from './kind-tags.ts';
import { createSpecProgram } from './program.ts';
import { reportProblem } from './read-context.ts';
import type { TypeLocation, PrinterColumn, ReadContext } from './read-context.ts';
import { docCommentFor } from './read-object.ts';
import { typeSchema } from './read-type.ts';

/** What src/spec.ts says about the kind. */
export interface ParsedSpec {
  readonly spec: StructuralSchema;
  /** The user's fields of status. */
  readonly status: StructuralSchema;
  /**
   * Schema of the section `config:` in autopilot-operator.yaml. Default: the file has no Config.
   */
  readonly config?: StructuralSchema;
  readonly kind: KindTags;
  readonly columns: readonly PrinterColumn[];
}

/**
 * Fields of status that the runtime writes (runtime/src/reconciler). StatusInfo cannot have them.
 */
const RUNTIME_STATUS_FIELDS = ['phase', 'observedGeneration', 'conditions', 'autopilot'];

/**
 * Reads src/spec.ts.
 * @param specFile absolute path of the file
 * @param kind kind of the resource, with which the names of the interfaces begin
 * @throws Error whose message lists all problems, one per line, with file, line and column
 */
export function readSpec(specFile: string, kind: string): ParsedSpec {
  const program = createSpecProgram(specFile);
  const context: ReadContext = {
    describe: typeSchema,
    program,
    problems: [...program.problems()],
    columns: [],
  };
  throwIfProblems(context);
  const spec = readRoot(context, { root: 'spec', name: `${kind}Spec` });
  const status = readRoot(context, { root: 'status', name: `${kind}StatusInfo` });
  const hasConfig = program.exportedSymbol(`${kind}Config`) !== undefined;
  const config = hasConfig
    ? readRoot({ ...context, columns: [] }, { root: 'spec', name: `${kind}Config`, path: 'config' })
    : undefined;
  if (spec === undefined || status === undefined) {
    throw problemsError(context);
  }
  checkStatus(context, status);
  const kindTags = readKindTags(context, spec.comment, spec.location, {
    spec: spec.schema,
    status: status.schema,
  });
  throwIfProblems(context);
  return {
    spec: orderKeywords(spec.schema),
    status: orderKeywords(status.schema),
    ...(config && { config: orderKeywords(config.schema) }),
    kind: kindTags,
    columns: [...context.columns, ...kindTags.columns],
  };
}

/** Reports fields of the runtime and rules for the whole status. */
function checkStatus(context: ReadContext, { schema, location, type }: RootType): void {
  for (const name of RUNTIME_STATUS_FIELDS) {
    if (schema.properties?.[name] !== undefined) {
      const property = context.program.checker.getPropertyOfType(type, name);
      reportProblem(
        context,
        location,
        `must not have a field '${name}', which the runtime writes (with ${RUNTIME_STATUS_FIELDS.join(', ')}); choose another name`,
        property?.declarations?.[0] ?? location.node,
      );
    }
  }
  const hasRules =
    schema['x-kubernetes-validations'] !== undefined ||
    schema.oneOf !== undefined ||
    schema.anyOf !== undefined;
  if (hasRules) {
    reportProblem(
      context,
      location,
      'has rules for the whole status, which a new resource could not satisfy; put the rules on a field, or the union into a field',
    );
  }
}

/** An exported interface of src/spec.ts after reading. */
interface RootType {
  readonly schema: StructuralSchema;
  readonly location: TypeLocation;
  readonly comment: DocComment;
  readonly type: ts.Type;
}

/** An exported interface of src/spec.ts to read. */
interface RootRequest {
  readonly root: 'spec' | 'status';
  /** Name of the interface. */
  readonly name: string;
  /** Path in messages. Default: the root. */
  readonly path?: string;
}

/** @returns undefined when the interface is missing, which is reported */
function readRoot(
  context: ReadContext,
  { root, name, path = root }: RootRequest,
): RootType | undefined {
  const { checker, source } = context.program;
  const symbol = context.program.exportedSymbol(name);
  const declaration = symbol?.declarations?.[0];
  if (symbol === undefined || declaration === undefined) {
    context.problems.push({
      file: source.fileName,
      line: 1,
      column: 1,
      message: `there is no exported interface ${name}: add 'export interface ${name} { … }'`,
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
  const schema =
    alias === undefined
      ? plain
      : applyTags(context, plain, { comment, declaration: alias }, location);
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

function throwIfProblems(context: ReadContext): void {
  if (context.problems.length > 0) {
    throw problemsError(context);
  }
}

function problemsError({ problems }: ReadContext): Error {
  return new Error(sortProblems(problems).map(formatProblem).join('\n'));
}
