/**
 * Validation rules in CEL (`x-kubernetes-validations`), transition rules included. A rule that the
 * sandbox cannot evaluate is reported in `uncheckedRules`.
 */
import type { KubeObject } from 'autopilot-runtime/internal';
import { compileRule, toOptional, toCelValue } from './cel.ts';
import type { StatusCause } from './api-errors.ts';
import { getMember, isMap, jsonEqual } from './frozen-json.ts';
import type { Kind } from './kind-registry.ts';
import type { ValidationRule, StructuralSchema } from './structural-schema.ts';
import { memberSchema } from './structural-schema.ts';

/** A rule that the sandbox does not check and a real API server does. */
export interface UncheckedRule {
  /** Kind of the custom resource. */
  readonly kind: string;
  /** Path of the value, for example `spec.legs[0]`. */
  readonly path: string;
  /** The CEL expression. */
  readonly rule: string;
  /** Why the sandbox cannot evaluate the expression. */
  readonly reason: string;
}

/** A value that rules are evaluated for. */
interface RuleTarget {
  readonly kind: Kind;
  readonly value: unknown;
  /** The value that is replaced; undefined when there was none. */
  readonly before: unknown;
  readonly schema: StructuralSchema;
  readonly path: string;
}

const REASON_TITLES: Readonly<Record<string, string>> = {
  FieldValueInvalid: 'Invalid value',
  FieldValueForbidden: 'Forbidden',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
};

/** Evaluates the rules of all kinds. */
export class ValidationRules {
  readonly #uncheckedRules = new Map<string, UncheckedRule>();
  readonly #schemasWithRules = new WeakMap<StructuralSchema, boolean>();

  /** Rules that were not checked so far, each once. */
  get uncheckedRules(): readonly UncheckedRule[] {
    return [...this.#uncheckedRules.values()];
  }

  /** The violated rules of an object that is valid by its schema. */
  problemsOf(
    kind: Kind,
    object: KubeObject,
    before: KubeObject | undefined,
  ): readonly StatusCause[] {
    return kind.schema === undefined || !this.#hasRules(kind.schema)
      ? []
      : this.#visit({ kind, value: object, before, schema: kind.schema, path: '' });
  }

  #hasRules(schema: StructuralSchema): boolean {
    let found = this.#schemasWithRules.get(schema);
    if (found === undefined) {
      const inner = [
        ...Object.values(schema.properties ?? {}),
        ...(schema.items ? [schema.items] : []),
      ];
      if (typeof schema.additionalProperties === 'object') {
        inner.push(schema.additionalProperties);
      }
      found =
        (schema['x-kubernetes-validations'] ?? []).length > 0 ||
        inner.some((one) => this.#hasRules(one));
      this.#schemasWithRules.set(schema, found);
    }
    return found;
  }

  #visit(target: RuleTarget): readonly StatusCause[] {
    const { kind, value, schema } = target;
    if (!this.#hasRules(schema) || value === null) {
      return [];
    }
    const rules = schema['x-kubernetes-validations'] ?? [];
    return [
      ...rules.flatMap((rule) => this.#evaluate(rule, target)),
      ...innerTargets(target).flatMap((inner) => this.#visit({ kind, ...inner })),
    ];
  }

  #evaluate(rule: ValidationRule, target: RuleTarget): readonly StatusCause[] {
    const { kind, value, before, schema, path } = target;
    const transition = /\boldSelf\b/.test(rule.rule);
    if (transition && before === undefined && rule.optionalOldSelf !== true) {
      return [];
    }
    if (before !== undefined && jsonEqual(value, before)) {
      return [];
    }
    const compiled = compileRule(rule.rule);
    if ('unsupported' in compiled) {
      this.#uncheckedRules.set(`${kind.kind} ${path} ${rule.rule}`, {
        kind: kind.kind,
        path,
        rule: rule.rule,
        reason: compiled.unsupported,
      });
      return [];
    }
    const old = before === undefined ? undefined : toCelValue(before, schema);
    const values = {
      self: toCelValue(value, schema),
      ...(transition && { oldSelf: rule.optionalOldSelf === true ? toOptional(old) : old }),
    };
    const defaultMessage = rule.message ?? `failed rule: ${rule.rule.trim()}`;
    try {
      if (compiled.run(values) === true) {
        return [];
      }
    } catch (error) {
      const reason = ((error as Error).message.split('\n')[0] ?? '').replace(
        /^No such key/,
        'no such key',
      );
      return [
        {
          reason: 'FieldValueInvalid',
          field: path,
          message: `Invalid value: "${schema.type}": ${reason} evaluating rule: ${rule.message ?? rule.rule.trim()}`,
        },
      ];
    }
    return [ruleCause(rule, path, value, evaluateMessage(rule, values) ?? defaultMessage)];
  }
}

/** Members of a map or items of a list, with their schemas and the values that they replace. */
function innerTargets(target: RuleTarget): readonly Omit<RuleTarget, 'kind'>[] {
  const { value, before, schema, path } = target;
  if (isMap(value)) {
    const old = isMap(before) ? before : {};
    return Object.entries(value).flatMap(([name, inner]) => {
      const member = memberSchema(schema, name);
      return member === undefined
        ? []
        : [
            {
              value: inner,
              before: getMember(old, name),
              schema: member,
              path: memberPath(schema, path, name),
            },
          ];
    });
  }
  const { items } = schema;
  if (!Array.isArray(value) || items === undefined) {
    return [];
  }
  return (value as readonly unknown[]).map((item, index) => ({
    value: item,
    before: correlatedItem(schema, item, before),
    schema: items,
    path: `${path}[${index}]`,
  }));
}

function memberPath({ properties }: StructuralSchema, path: string, name: string): string {
  if (properties === undefined || !Object.hasOwn(properties, name)) {
    return `${path}[${name}]`;
  }
  return path === '' ? name : `${path}.${name}`;
}

/** The item that had the same keys before. Only lists of type map correlate their items. */
function correlatedItem(schema: StructuralSchema, item: unknown, before: unknown): unknown {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(before)) {
    return undefined;
  }
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return (before as readonly unknown[]).find((old) =>
    keys.every((key) => isMap(old) && isMap(item) && jsonEqual(old[key], item[key])),
  );
}

function ruleCause(
  { reason = 'FieldValueInvalid', fieldPath = '' }: ValidationRule,
  path: string,
  value: unknown,
  detail: string,
): StatusCause {
  // The API server's messages leave objects and lists out.
  const shown =
    reason === 'FieldValueInvalid' &&
    fieldPath === '' &&
    (typeof value !== 'object' || value === null)
      ? `${JSON.stringify(value)}: `
      : '';
  return {
    reason,
    field: path + (path === '' ? fieldPath.replace(/^\./, '') : fieldPath),
    message: `${REASON_TITLES[reason] ?? 'Invalid value'}: ${shown}${detail}`,
  };
}

/** The result of messageExpression. Undefined: no expression, or its evaluation failed. */
function evaluateMessage(
  { messageExpression }: ValidationRule,
  values: Readonly<Record<string, unknown>>,
): string | undefined {
  const compiled = messageExpression === undefined ? undefined : compileRule(messageExpression);
  if (compiled === undefined || 'unsupported' in compiled) {
    return undefined;
  }
  try {
    const message = compiled.run(values);
    return typeof message === 'string' && message.trim() !== '' && !message.includes('\n')
      ? message
      : undefined;
  } catch {
    return undefined;
  }
}
