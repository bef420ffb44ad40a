/** Forms of strings in types, such as template literals, as regular expressions. */
import { ts } from '@ts-morph/common';
import { escapeRegExp } from './nullable.ts';

/**
 * Regular expression of the strings of a type, without `^` and `$`.
 *
 * @returns undefined when no regular expression says the same as the type
 */
export function stringPattern(type: ts.Type): string | undefined {
  const { flags } = type;
  if (type.isStringLiteral()) {
    return escapeRegExp(type.value);
  }
  if (flags & ts.TypeFlags.TemplateLiteral) {
    return templatePattern(type as ts.TemplateLiteralType);
  }
  if (type.isUnion()) {
    const patterns = type.types.map((member) => stringPattern(member));
    return patterns.some((pattern) => pattern === undefined)
      ? undefined
      : `(${patterns.join('|')})`;
  }
  if (flags & ts.TypeFlags.Number) {
    return '-?[0-9]+(\\.[0-9]+)?';
  }
  if (flags & ts.TypeFlags.BigInt) {
    return '-?[0-9]+';
  }
  return flags & (ts.TypeFlags.String | ts.TypeFlags.Any) ? '.*' : undefined;
}

/** The end of a sentence that begins with a path, for a type without a regular expression. */
export function unknownFormProblem(name: string): string {
  return `is ${name}, which a CRD cannot describe; use string with @pattern`;
}

/** A template literal type: `${number}s` is digits followed by an s. */
function templatePattern({ texts, types }: ts.TemplateLiteralType): string | undefined {
  const parts = texts.flatMap((text, index) => {
    const type = types[index];
    return [escapeRegExp(text), type === undefined ? '' : stringPattern(type)];
  });
  return parts.some((part) => part === undefined) ? undefined : parts.join('');
}
