/**
 * Rules in CEL (`x-kubernetes-validations`), transition rules included. A rule that cannot be
 * evaluated here is reported, not passed.
 */
import type { KubeObject } from 'autopilot-runtime/internal';
import { compileRule, toOptional, toCelValue } from './cel.ts';
import type { StatusCause } from './api-errors.ts';
import { isMap, jsonEqual } from './frozen-json.ts';
import type { Kind } from './kind-registry.ts';
import type { ValidationRule, StructuralSchema } from './structural-schema.ts';
import { memberSchema } from './structural-schema.ts';

/** A rule that the sandbox does not check: a real API server would. */
export interface UncheckedRule {
  readonly kind: string;
  /** Where the value lies: `spec.legs[0]`. */
  readonly path: string;
  readonly rule: string;
  readonly reason: string;
}

const REASON_TITLES: Readonly<Record<string, string>> = {
  FieldValueInvalid: 'Invalid value',
  FieldValueForbidden: 'Forbidden',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
};

export class ValidationRules {
  readonly #uncheckedRules = new Map<string, UncheckedRule>();
  readonly #schemasWithRules = new WeakMap<StructuralSchema, boolean>();

  /** Each rule once. */
  get uncheckedRules(): readonly UncheckedRule[] {
    return [...this.#uncheckedRules.values()];
  }

  /** What the rules of a kind say of an object that its schema finds nothing wrong with. */
  problemsOf(
    kind: Kind,
    object: KubeObject,
    before: KubeObject | undefined,
  ): readonly StatusCause[] {
    return kind.schema === undefined || !this.#hasRules(kind.schema)
      ? []
      : this.#visit(kind, object, before, kind.schema, '');
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

  #visit(
    kind: Kind,
    value: unknown,
    before: unknown,
    schema: StructuralSchema,
    path: string,
  ): readonly StatusCause[] {
    if (!this.#hasRules(schema) || value === null) {
      return [];
    }
    const found = (schema['x-kubernetes-validations'] ?? []).flatMap((rule) =>
      this.#evaluate(kind, rule, value, before, schema, path),
    );
    if (isMap(value)) {
      const old = isMap(before) ? before : {};
      for (const [name, inner] of Object.entries(value)) {
        const member = memberSchema(schema, name);
        const declared = schema.properties !== undefined && Object.hasOwn(schema.properties, name);
        const at = declared ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`;
        if (member !== undefined) {
          found.push(...this.#visit(kind, inner, old[name], member, at));
        }
      }
    } else if (Array.isArray(value) && schema.items !== undefined) {
      const keys =
        schema['x-kubernetes-list-type'] === 'map'
          ? (schema['x-kubernetes-list-map-keys'] ?? [])
          : undefined;
      const old = keys !== undefined && Array.isArray(before) ? (before as readonly unknown[]) : [];
      for (const [index, item] of (value as readonly unknown[]).entries()) {
        const was = old.find((one) =>
          keys?.every((key) => isMap(one) && isMap(item) && jsonEqual(one[key], item[key])),
        );
        found.push(...this.#visit(kind, item, was, schema.items, `${path}[${index}]`));
      }
    }
    return found;
  }

  #evaluate(
    kind: Kind,
    rule: ValidationRule,
    value: unknown,
    before: unknown,
    schema: StructuralSchema,
    path: string,
  ): readonly StatusCause[] {
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

function ruleCause(
  { reason = 'FieldValueInvalid', fieldPath = '' }: ValidationRule,
  path: string,
  value: unknown,
  detail: string,
): StatusCause {
  // Objects and lists are not shown.
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

/** What messageExpression says; undefined when there is none, or it cannot say it. */
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
