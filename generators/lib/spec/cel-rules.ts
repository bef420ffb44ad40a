/** Rules in CEL: the user's own, and those that keep fields from changing. */
import type { DocTag } from './doc-comments.ts';
import type { StructuralSchema, ValidationRule } from '../util/structural-schema.ts';
import type { TypeLocation, SpecPathElement } from './read-context.ts';

/** `self.min <= self.max // min must not be above max` @returns a sentence when it is no rule */
export function parseRuleTag({ value }: DocTag): ValidationRule[] | string {
  const mark = commentStart(value);
  const line = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' ').trim();
  const rule = line(value.slice(0, mark));
  const message = line(value.slice(mark).replace(/^\/\//, ''));
  if (rule === '') {
    return 'needs an expression: @rule self.min <= self.max // min must not be above max';
  }
  return [{ rule, ...(message !== '' && { message }) }];
}

/** Where the comment begins: `//` outside of quotes, as in CEL itself. */
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

export function parseValidationRules({ value }: DocTag): ValidationRule[] | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value) as unknown;
  } catch (error) {
    return `needs a list of rules as JSON: ${(error as Error).message}`;
  }
  const rules = Array.isArray(parsed) ? (parsed as Partial<ValidationRule>[]) : [];
  if (rules.length === 0 || rules.some((rule) => typeof rule?.rule !== 'string')) {
    return 'needs a list of rules as JSON: [{"rule": "self > 0"}]';
  }
  return rules as ValidationRule[];
}

/**
 * What is always there is compared where it is. What may be absent needs a rule above it, at the
 * nearest value that is always there: the
 * API server looks at a rule about changes only when old and new value both exist, so one below
 * could be got round by removing the field
 * and adding it again.
 *
 * @returns a sentence when the API server could not compare
 */
export function addImmutableRule(
  schema: StructuralSchema,
  { scope, steps }: TypeLocation,
): string | undefined {
  if (scope.root === 'status') {
    return 'is for fields of the spec: the status is written by the operator only';
  }
  if (scope.type === 'uncorrelated') {
    return 'is for lists whose items can be told apart; put @keyedBy on the list, or @immutable on the list itself';
  }
  if (schema.type === undefined && schema['x-kubernetes-int-or-string'] !== true) {
    return 'needs a type that can be compared, not unknown';
  }
  if (scope.type === 'item') {
    if (!scope.bounded) {
      return 'needs @maxItems on the list (@maxProperties on a map): the API server refuses rules that it might have to check without end';
    }
    const limit = missingLimit(schema);
    if (limit !== undefined) {
      return `needs ${limit} here: the API server refuses rules in lists that compare values without a limit`;
    }
  }
  const last = steps.findLastIndex((step) => step.optional);
  const message = `${steps.at(-1)?.name ?? 'the value'} is immutable`;
  if (last === -1) {
    schema['x-kubernetes-validations'] = [
      ...(schema['x-kubernetes-validations'] ?? []),
      { rule: 'self == oldSelf', message },
    ];
    return undefined;
  }
  const [before, now] = [presenceTest('oldSelf', steps), presenceTest('self', steps)];
  const rule = `${now} == ${before} && (!${now} || ${celPath('self', steps)} == ${celPath('oldSelf', steps)})`;
  scope.rules.push({
    rule,
    message,
    fieldPath: steps
      .map(({ name }) => (/^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `['${name}']`))
      .join(''),
  });
  return undefined;
}

/** The tag that would limit the size of a value, if none does. */
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

function presenceTest(root: string, steps: readonly SpecPathElement[]): string {
  const tests = steps.flatMap((step, index) =>
    step.optional ? [`has(${celPath(root, steps.slice(0, index + 1))})`] : [],
  );
  return tests.length === 1 ? (tests[0] ?? '') : `(${tests.join(' && ')})`;
}

function celPath(root: string, steps: readonly SpecPathElement[]): string {
  return [root, ...steps.map(({ name }) => celName(name))].join('.');
}

/** Words of CEL that no field may have; Kubernetes writes such a field `__in__`. */
const CEL_RESERVED_WORDS = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

/**
 * How CEL spells a field
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules).
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
