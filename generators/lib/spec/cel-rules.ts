/** Validation rules in CEL: rules that the user writes, and rules that make fields immutable. */
import type { StructuralSchema, ValidationRule } from '../util/structural-schema.ts';
import { splitNames } from '../util/text.ts';
import type { DocTag } from './doc-comments.ts';
import { InvalidTagError } from './read-context.ts';
import type { TypeLocation, SpecPathElement } from './read-context.ts';

/**
 * Reads a rule with an optional message: `self.min <= self.max // min must not be above max`.
 * @throws InvalidTagError when there is no expression
 */
export function parseRuleTag({ value }: DocTag): readonly ValidationRule[] {
  const mark = commentStart(value);
  const joinLines = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' ').trim();
  const rule = joinLines(value.slice(0, mark));
  const message = joinLines(value.slice(mark).replace(/^\/\//, ''));
  if (rule === '') {
    throw new InvalidTagError(
      'needs an expression: @rule self.min <= self.max // min must not be above max',
    );
  }
  return [{ rule, ...(message !== '' && { message }) }];
}

/** Offset of the comment: the first `//` outside of quotes, as in CEL. */
function commentStart(text: string): number {
  let quote = '';
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? '';
    if (quote !== '' && character === '\\') {
      index++;
    } else if (quote !== '') {
      quote = character === quote ? '' : quote;
    } else if (character === '"' || character === "'") {
      quote = character;
    } else if (text.startsWith('//', index)) {
      return index;
    }
  }
  return text.length;
}

/**
 * Reads a list of rules in JSON, as in a CRD.
 * @throws InvalidTagError when the value is not such a list
 */
export function parseValidationRules({ value }: DocTag): readonly ValidationRule[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value) as unknown;
  } catch (error) {
    throw new InvalidTagError(`needs a list of rules as JSON: ${(error as Error).message}`);
  }
  const rules = Array.isArray(parsed) ? (parsed as Partial<ValidationRule>[]) : [];
  if (rules.length === 0 || rules.some((rule) => typeof rule?.rule !== 'string')) {
    throw new InvalidTagError('needs a list of rules as JSON: [{"rule": "self > 0"}]');
  }
  return rules as ValidationRule[];
}

/**
 * Adds a rule that keeps a value from changing.
 *
 * A value that is always present gets the rule itself. The rule of an optional value is placed at
 * the nearest parent that is always present. The API server evaluates a rule with `oldSelf` only
 * when the old and the new value exist, so a rule at the optional value could be evaded by removing
 * the field and adding it again.
 *
 * @throws InvalidTagError when the API server could not compare the values
 */
export function addImmutableRule(schema: StructuralSchema, location: TypeLocation): void {
  requireComparable(schema, location);
  const { scope, steps } = location;
  const message = `${steps.at(-1)?.name ?? 'the value'} is immutable`;
  if (!steps.some((step) => step.optional)) {
    schema['x-kubernetes-validations'] = [
      ...(schema['x-kubernetes-validations'] ?? []),
      { rule: 'self == oldSelf', message },
    ];
    return;
  }
  const [before, now] = [presenceTest('oldSelf', steps), presenceTest('self', steps)];
  const isSame = `${celPath('self', steps)} == ${celPath('oldSelf', steps)}`;
  scope.rules.push({
    rule: `${now} == ${before} && (!${now} || ${isSame})`,
    message,
    fieldPath: steps
      .map(({ name }) => (/^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `['${name}']`))
      .join(''),
  });
}

/** @throws InvalidTagError when the API server could not compare the old and the new value */
function requireComparable(schema: StructuralSchema, { scope }: TypeLocation): void {
  if (scope.root === 'status') {
    throw new InvalidTagError('applies to fields of the spec only: the operator writes the status');
  }
  if (scope.type === 'uncorrelated') {
    throw new InvalidTagError(
      'needs a list whose items have an identity; put @keyedBy on the list, or @immutable on the list itself',
    );
  }
  if (schema.type === undefined && schema['x-kubernetes-int-or-string'] !== true) {
    throw new InvalidTagError('needs a type that can be compared, not unknown');
  }
  if (scope.type !== 'item') {
    return;
  }
  if (!scope.bounded) {
    throw new InvalidTagError(
      'needs @maxItems on the list (@maxProperties on a map): the API server refuses rules with an unlimited number of evaluations',
    );
  }
  const limit = missingLimit(schema);
  if (limit !== undefined) {
    throw new InvalidTagError(
      `needs ${limit} here: the API server refuses rules in lists that compare values of unlimited size`,
    );
  }
}

/** The tag that is missing to limit the size of a value. Undefined when the size is limited. */
function missingLimit(schema: StructuralSchema): string | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return schema.maxLength === undefined ? '@maxLength' : undefined;
  }
  if (schema.type === 'string') {
    return schema.maxLength === undefined && schema.enum === undefined ? '@maxLength' : undefined;
  }
  if (schema.type === 'array') {
    return schema.maxItems === undefined ? '@maxItems' : missingLimit(schema.items ?? {});
  }
  if (schema.type !== 'object') {
    return undefined;
  }
  if (typeof schema.additionalProperties === 'object') {
    return schema.maxProperties === undefined
      ? '@maxProperties'
      : missingLimit(schema.additionalProperties);
  }
  return Object.values(schema.properties ?? {})
    .map(missingLimit)
    .find((limit) => limit !== undefined);
}

/** CEL expression that tests whether all optional fields on the way are present. */
function presenceTest(root: string, steps: readonly SpecPathElement[]): string {
  const tests = steps.flatMap((step, index) =>
    step.optional ? [`has(${celPath(root, steps.slice(0, index + 1))})`] : [],
  );
  return tests.length === 1 ? (tests[0] ?? '') : `(${tests.join(' && ')})`;
}

function celPath(root: string, steps: readonly SpecPathElement[]): string {
  return [root, ...steps.map(({ name }) => celName(name))].join('.');
}

/** Reserved words of CEL. Kubernetes escapes a field with such a name, for example as `__in__`. */
const CEL_RESERVED_WORDS = new Set(
  splitNames(`
    true false null in as break const continue else for function if import let loop package
    namespace return var void while
  `),
);

/**
 * Escapes the name of a field for CEL. See "Validation rules" in
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
 */
export function celName(name: string): string {
  if (CEL_RESERVED_WORDS.has(name)) {
    return `__${name}__`;
  }
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}
