/**
 * Rules in CEL (`x-kubernetes-validations`), transition rules included. A rule that cannot be
 * evaluated here is reported, not passed.
 */
import type { KubeObject } from 'autopilot-runtime/ports';
import { compile, optional, typed } from './cel.ts';
import type { Cause } from './errors.ts';
import { isMap, same } from './frozen.ts';
import type { Kind } from './kinds.ts';
import type { Rule, StructuralSchema } from './schema.ts';
import { memberOf } from './schema.ts';

/** A rule that the sandbox does not check: a real API server would. */
export interface UncheckedRule {
  readonly kind: string;
  /** Where the value lies: `spec.legs[0]`. */
  readonly place: string;
  readonly rule: string;
  readonly why: string;
}

const TITLES: Readonly<Record<string, string>> = {
  FieldValueInvalid: 'Invalid value',
  FieldValueForbidden: 'Forbidden',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
};

export class Rules {
  readonly #unchecked = new Map<string, UncheckedRule>();
  readonly #ruled = new WeakMap<StructuralSchema, boolean>();

  /** Each rule once. */
  get unchecked(): readonly UncheckedRule[] {
    return [...this.#unchecked.values()];
  }

  /** What the rules of a kind say of an object that its schema finds nothing wrong with. */
  problemsOf(kind: Kind, object: KubeObject, before: KubeObject | undefined): readonly Cause[] {
    return kind.schema === undefined || !this.#hasRules(kind.schema)
      ? []
      : this.#visit(kind, object, before, kind.schema, '');
  }

  #hasRules(schema: StructuralSchema): boolean {
    let found = this.#ruled.get(schema);
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
      this.#ruled.set(schema, found);
    }
    return found;
  }

  #visit(
    kind: Kind,
    value: unknown,
    before: unknown,
    schema: StructuralSchema,
    place: string,
  ): readonly Cause[] {
    if (!this.#hasRules(schema) || value === null) {
      return [];
    }
    const found = (schema['x-kubernetes-validations'] ?? []).flatMap((rule) =>
      this.#ask(kind, rule, value, before, schema, place),
    );
    if (isMap(value)) {
      const old = isMap(before) ? before : {};
      for (const [name, inner] of Object.entries(value)) {
        const member = memberOf(schema, name);
        const declared = schema.properties !== undefined && Object.hasOwn(schema.properties, name);
        const at = declared ? (place === '' ? name : `${place}.${name}`) : `${place}[${name}]`;
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
          keys?.every((key) => isMap(one) && isMap(item) && same(one[key], item[key])),
        );
        found.push(...this.#visit(kind, item, was, schema.items, `${place}[${index}]`));
      }
    }
    return found;
  }

  #ask(
    kind: Kind,
    rule: Rule,
    value: unknown,
    before: unknown,
    schema: StructuralSchema,
    place: string,
  ): readonly Cause[] {
    const transition = /\boldSelf\b/.test(rule.rule);
    if (transition && before === undefined && rule.optionalOldSelf !== true) {
      return [];
    }
    if (before !== undefined && same(value, before)) {
      return [];
    }
    const compiled = compile(rule.rule);
    if ('unsupported' in compiled) {
      this.#unchecked.set(`${kind.kind} ${place} ${rule.rule}`, {
        kind: kind.kind,
        place,
        rule: rule.rule,
        why: compiled.unsupported,
      });
      return [];
    }
    const old = before === undefined ? undefined : typed(before, schema);
    const values = {
      self: typed(value, schema),
      ...(transition && { oldSelf: rule.optionalOldSelf === true ? optional(old) : old }),
    };
    const said = rule.message ?? `failed rule: ${rule.rule.trim()}`;
    try {
      if (compiled.run(values) === true) {
        return [];
      }
    } catch (error) {
      const why = ((error as Error).message.split('\n')[0] ?? '').replace(
        /^No such key/,
        'no such key',
      );
      return [
        {
          reason: 'FieldValueInvalid',
          field: place,
          message: `Invalid value: "${schema.type}": ${why} evaluating rule: ${rule.message ?? rule.rule.trim()}`,
        },
      ];
    }
    return [problem(rule, place, value, spoken(rule, values) ?? said)];
  }
}

function problem(
  { reason = 'FieldValueInvalid', fieldPath = '' }: Rule,
  place: string,
  value: unknown,
  text: string,
): Cause {
  // Objects and lists are not shown.
  const shown =
    reason === 'FieldValueInvalid' &&
    fieldPath === '' &&
    (typeof value !== 'object' || value === null)
      ? `${JSON.stringify(value)}: `
      : '';
  return {
    reason,
    field: place + (place === '' ? fieldPath.replace(/^\./, '') : fieldPath),
    message: `${TITLES[reason] ?? 'Invalid value'}: ${shown}${text}`,
  };
}

/** What messageExpression says; undefined when there is none, or it cannot say it. */
function spoken(
  { messageExpression }: Rule,
  values: Readonly<Record<string, unknown>>,
): string | undefined {
  const compiled = messageExpression === undefined ? undefined : compile(messageExpression);
  if (compiled === undefined || 'unsupported' in compiled) {
    return undefined;
  }
  try {
    const text = compiled.run(values);
    return typeof text === 'string' && text.trim() !== '' && !text.includes('\n')
      ? text
      : undefined;
  } catch {
    return undefined;
  }
}
