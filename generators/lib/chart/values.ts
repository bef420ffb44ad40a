/**
 * One source for three files: charts/operator/values.yaml is the chart's values.yaml once its `#
 * @schema` lines are taken out, its
 * values.schema.json (from the defaults, and what those lines say beyond them), and the table in
 * its README.
 */
import { isMap, isScalar, parse, parseDocument } from 'yaml';
import type { YAMLMap } from 'yaml';
import { RENAMED_VALUES } from './renamed-values.ts';
import { VALUE_SHAPES } from './value-shapes.ts';
import type { ValueSchema } from './value-shapes.ts';

export interface ChartValue {
  /** `metrics.service.port` */
  readonly path: string;
  readonly section: string;
  readonly description: string;
  readonly default: unknown;
  readonly schema: ValueSchema;
  /** Of a mapping whose keys have lines of their own. */
  readonly members: readonly ChartValue[];
}

const SCHEMA_LINE = /^\s*# @schema (.+)$/;

/** The text that installers see. */
export function removeSchemaLines(source: string): string {
  return source
    .split('\n')
    .filter((line) => !SCHEMA_LINE.test(line))
    .join('\n');
}

/** @param operatorConfig the schema of the `config` value */
export function parseValues(source: string, operatorConfig: ValueSchema): readonly ChartValue[] {
  const lines = source.split('\n');
  const offsets = lines.reduce<number[]>(
    (starts, line) => [...starts, (starts.at(-1) ?? 0) + line.length + 1],
    [0],
  );
  const lineOf = (offset: number): number => offsets.findLastIndex((start) => start <= offset);
  const shapes = { ...VALUE_SHAPES, operatorConfig };

  function valueOf(
    key: { readonly value: unknown; readonly range?: readonly number[] | null },
    node: unknown,
    parent: string,
  ): ChartValue {
    const line = lineOf(key.range?.[0] ?? 0);
    const above: string[] = [];
    for (let at = line - 1; /^\s*# /.test(lines[at] ?? ''); at--) {
      above.unshift(lines[at] ?? '');
    }
    const annotated = above
      .flatMap((comment) => SCHEMA_LINE.exec(comment)?.[1] ?? [])
      .map((text) => resolveShape(text, shapes));
    const description = above
      .filter((comment) => !SCHEMA_LINE.test(comment))
      .map((comment) => comment.trim().slice(2))
      .join(' ');
    const path = parent === '' ? String(key.value) : `${parent}.${String(key.value)}`;
    const plainValue: unknown =
      isMap(node) || !isScalar(node)
        ? (node as { toJSON(): unknown } | null)?.toJSON()
        : node.value;
    // A flow mapping is one value, unless it says nothing about its shape and is not empty.
    const whole =
      annotated.some((schema) => 'additionalProperties' in schema && path !== 'global') ||
      path === 'config';
    const members =
      isMap(node) && !whole && node.items.length > 0 && node.flow !== true
        ? membersOf(node, path)
        : [];
    return {
      path,
      section:
        lines
          .slice(0, line)
          .findLast((text) => text.startsWith('## '))
          ?.slice(3) ?? '',
      description,
      default: plainValue,
      members,
      schema: valueSchemaOf(plainValue, description, members, annotated),
    };
  }

  function membersOf(map: YAMLMap, parent: string): readonly ChartValue[] {
    return map.items.map(({ key, value }) =>
      valueOf(key as Parameters<typeof valueOf>[0], value, parent),
    );
  }

  const top = parseDocument(source).contents;
  return isMap(top) ? membersOf(top, '') : [];
}

function resolveShape(text: string, shapes: Readonly<Record<string, ValueSchema>>): ValueSchema {
  const known = shapes[text];
  if (known !== undefined) {
    return known;
  }
  if (!text.startsWith('{')) {
    throw new Error(`charts/operator/values.yaml: '@schema ${text}' is no shape of shapes.ts`);
  }
  return parse(text) as ValueSchema;
}

function valueSchemaOf(
  value: unknown,
  description: string,
  members: readonly ChartValue[],
  annotated: readonly ValueSchema[],
): ValueSchema {
  const inferred: ValueSchema =
    members.length > 0
      ? { type: 'object', properties: schemaProperties(members), additionalProperties: false }
      : Array.isArray(value)
        ? { type: 'array' }
        : typeof value === 'object' && value !== null
          ? { type: 'object' }
          : value === null
            ? {}
            : { type: Number.isInteger(value) ? 'integer' : typeof value };
  return Object.assign(
    {},
    description === '' ? {} : { description },
    inferred,
    ...annotated,
  ) as ValueSchema;
}

function schemaProperties(values: readonly ChartValue[]): Readonly<Record<string, ValueSchema>> {
  return Object.fromEntries(
    values.map(({ path, schema }) => [path.slice(path.lastIndexOf('.') + 1), schema]),
  );
}

/**
 * draft-07, which Helm 3 and 4 both read. Strict but for `global`; a parent chart may set
 * `enabled`. Old names pass, so that the chart can say where they went.
 */
export function buildValuesSchema(values: readonly ChartValue[]): ValueSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: {
      ...schemaProperties(values),
      enabled: { description: 'Of a parent chart: the condition of this one.', type: 'boolean' },
      ...Object.fromEntries(
        RENAMED_VALUES.map(({ from, to }) => [from, { description: `Has moved to ${to}.` }]),
      ),
    },
    additionalProperties: false,
  };
}

/** Every value that has no members, in the order of the file. */
export function leafValues(values: readonly ChartValue[]): readonly ChartValue[] {
  return values.flatMap((value) =>
    value.members.length > 0 ? leafValues(value.members) : [value],
  );
}
