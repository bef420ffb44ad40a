/**
 * One source for three files: charts/operator/values.yaml is the chart's values.yaml once its `# @schema` lines are taken out, its
 * values.schema.json (from the defaults, and what those lines say beyond them), and the table in its README.
 */
import { isMap, isScalar, parse, parseDocument } from 'yaml';
import type { YAMLMap } from 'yaml';
import { MIGRATIONS } from './migrations.ts';
import { SHAPES } from './shapes.ts';
import type { Schema } from './shapes.ts';

export interface Value {
  /** `metrics.service.port` */
  readonly path: string;
  readonly section: string;
  readonly description: string;
  readonly default: unknown;
  readonly schema: Schema;
  /** Of a mapping whose keys have lines of their own. */
  readonly members: readonly Value[];
}

const SCHEMA_LINE = /^\s*# @schema (.+)$/;

/** The text that installers see. */
export function valuesText(source: string): string {
  return source
    .split('\n')
    .filter((line) => !SCHEMA_LINE.test(line))
    .join('\n');
}

/** @param operatorConfig the schema of the `config` value */
export function readValues(source: string, operatorConfig: Schema): readonly Value[] {
  const lines = source.split('\n');
  const offsets = lines.reduce<number[]>((starts, line) => [...starts, (starts.at(-1) ?? 0) + line.length + 1], [0]);
  const lineOf = (offset: number): number => offsets.findLastIndex((start) => start <= offset);
  const shapes = { ...SHAPES, operatorConfig };

  function valueOf(key: { readonly value: unknown; readonly range?: readonly number[] | null }, node: unknown, parent: string): Value {
    const line = lineOf(key.range?.[0] ?? 0);
    const above: string[] = [];
    for (let at = line - 1; /^\s*# /.test(lines[at] ?? ''); at--) above.unshift(lines[at] ?? '');
    const said = above.flatMap((comment) => SCHEMA_LINE.exec(comment)?.[1] ?? []).map((text) => shapeOf(text, shapes));
    const description = above
      .filter((comment) => !SCHEMA_LINE.test(comment))
      .map((comment) => comment.trim().slice(2))
      .join(' ');
    const path = parent === '' ? String(key.value) : `${parent}.${String(key.value)}`;
    const plain: unknown = isMap(node) || !isScalar(node) ? (node as { toJSON(): unknown } | null)?.toJSON() : node.value;
    // A flow mapping is one value, unless it says nothing about its shape and is not empty.
    const whole = said.some((schema) => 'additionalProperties' in schema && path !== 'global') || path === 'config';
    const members = isMap(node) && !whole && node.items.length > 0 && node.flow !== true ? membersOf(node, path) : [];
    return {
      path,
      section:
        lines
          .slice(0, line)
          .findLast((text) => text.startsWith('## '))
          ?.slice(3) ?? '',
      description,
      default: plain,
      members,
      schema: schemaOf(plain, description, members, said),
    };
  }

  function membersOf(map: YAMLMap, parent: string): readonly Value[] {
    return map.items.map(({ key, value }) => valueOf(key as Parameters<typeof valueOf>[0], value, parent));
  }

  const top = parseDocument(source).contents;
  return isMap(top) ? membersOf(top, '') : [];
}

function shapeOf(text: string, shapes: Readonly<Record<string, Schema>>): Schema {
  const known = shapes[text];
  if (known !== undefined) return known;
  if (!text.startsWith('{')) throw new Error(`charts/operator/values.yaml: '@schema ${text}' is no shape of shapes.ts`);
  return parse(text) as Schema;
}

function schemaOf(value: unknown, description: string, members: readonly Value[], said: readonly Schema[]): Schema {
  const inferred: Schema =
    members.length > 0
      ? { type: 'object', properties: propertiesOf(members), additionalProperties: false }
      : Array.isArray(value)
        ? { type: 'array' }
        : typeof value === 'object' && value !== null
          ? { type: 'object' }
          : value === null
            ? {}
            : { type: Number.isInteger(value) ? 'integer' : typeof value };
  return Object.assign({}, description === '' ? {} : { description }, inferred, ...said) as Schema;
}

function propertiesOf(values: readonly Value[]): Readonly<Record<string, Schema>> {
  return Object.fromEntries(values.map(({ path, schema }) => [path.slice(path.lastIndexOf('.') + 1), schema]));
}

/** draft-07, which Helm 3 and 4 both read. Strict but for `global`; a parent chart may set `enabled`. Old names pass, so that the chart can say where they went. */
export function valuesSchema(values: readonly Value[]): Schema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: {
      ...propertiesOf(values),
      enabled: { description: 'Of a parent chart: the condition of this one.', type: 'boolean' },
      ...Object.fromEntries(MIGRATIONS.map(({ from, to }) => [from, { description: `Has moved to ${to}.` }])),
    },
    additionalProperties: false,
  };
}

/** Every value that has no members, in the order of the file. */
export function leaves(values: readonly Value[]): readonly Value[] {
  return values.flatMap((value) => (value.members.length > 0 ? leaves(value.members) : [value]));
}
