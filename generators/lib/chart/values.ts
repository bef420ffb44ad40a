/**
 * Reads charts/operator/values.yaml, the one source of three files of a chart: values.yaml (without
 * the `# @schema` lines), values.schema.json and the table of values in README.md.
 */
import { isMap, isScalar, parse, parseDocument } from 'yaml';
import type { YAMLMap } from 'yaml';
import { RENAMED_VALUES } from './renamed-values.ts';
import { VALUE_SHAPES } from './value-shapes.ts';
import type { ValueSchema } from './value-shapes.ts';

/** One value of the chart. */
export interface ChartValue {
  /** Path from the top, such as `metrics.service.port`. */
  readonly path: string;
  /** Title of the section of values.yaml. */
  readonly section: string;
  /** Comment above the value, in one line. */
  readonly description: string;
  /** Default value. */
  readonly default: unknown;
  /** JSON Schema of the value. */
  readonly schema: ValueSchema;
  /** Values below this one. Empty when the value is documented as a whole. */
  readonly members: readonly ChartValue[];
}

const SCHEMA_LINE = /^\s*# @schema (.+)$/;

/** Removes the `# @schema` lines: the result is the chart's values.yaml. */
export function removeSchemaLines(source: string): string {
  return source
    .split('\n')
    .filter((line) => !SCHEMA_LINE.test(line))
    .join('\n');
}

/**
 * Reads all values with their comments and schemas.
 *
 * @param source text of charts/operator/values.yaml
 * @param operatorConfig schema of the value `config`
 * @throws Error if a `# @schema` line names an unknown shape
 */
export function parseValues(source: string, operatorConfig: ValueSchema): readonly ChartValue[] {
  const top = parseDocument(source).contents;
  return isMap(top) ? new ValuesReader(source, operatorConfig).readMembers(top, '') : [];
}

interface KeyNode {
  readonly value: unknown;
  readonly range?: readonly number[] | null;
}

/** Reads the values of one file, with the comment lines above each. */
class ValuesReader {
  readonly #lines: readonly string[];
  /** Offset of the first character of each line. */
  readonly #lineStarts: readonly number[];
  readonly #shapes: Readonly<Record<string, ValueSchema>>;

  constructor(source: string, operatorConfig: ValueSchema) {
    this.#lines = source.split('\n');
    this.#lineStarts = this.#lines.reduce<number[]>(
      (starts, line) => [...starts, (starts.at(-1) ?? 0) + line.length + 1],
      [0],
    );
    this.#shapes = { ...VALUE_SHAPES, operatorConfig };
  }

  readMembers(map: YAMLMap, parent: string): readonly ChartValue[] {
    return map.items.map(({ key, value }) => this.#readValue(key as KeyNode, value, parent));
  }

  #readValue(key: KeyNode, node: unknown, parent: string): ChartValue {
    const line = this.#lineStarts.findLastIndex((start) => start <= (key.range?.[0] ?? 0));
    const comments = this.#commentsAbove(line);
    const annotated = comments
      .flatMap((comment) => SCHEMA_LINE.exec(comment)?.[1] ?? [])
      .map((text) => resolveShape(text, this.#shapes));
    const description = comments
      .filter((comment) => !SCHEMA_LINE.test(comment))
      .map((comment) => comment.trim().slice(2))
      .join(' ');
    const path = parent === '' ? String(key.value) : `${parent}.${String(key.value)}`;
    const value = plainValueOf(node);
    const members =
      isMap(node) && !isDocumentedAsWhole(path, node, annotated)
        ? this.readMembers(node, path)
        : [];
    const schema = valueSchemaOf(value, { description, members, annotated });
    return { path, section: this.#sectionAt(line), description, default: value, members, schema };
  }

  #commentsAbove(line: number): readonly string[] {
    const above: string[] = [];
    for (let at = line - 1; /^\s*# /.test(this.#lines[at] ?? ''); at--) {
      above.unshift(this.#lines[at] ?? '');
    }
    return above;
  }

  #sectionAt(line: number): string {
    const heading = this.#lines.slice(0, line).findLast((text) => text.startsWith('## '));
    return heading?.slice(3) ?? '';
  }
}

function plainValueOf(node: unknown): unknown {
  return isScalar(node) ? node.value : (node as { toJSON(): unknown } | null)?.toJSON();
}

/** A flow mapping, an empty mapping and a mapping with any fields have no members of their own. */
function isDocumentedAsWhole(
  path: string,
  map: YAMLMap,
  annotated: readonly ValueSchema[],
): boolean {
  if (path === 'config' || map.items.length === 0 || map.flow === true) {
    return true;
  }
  return path !== 'global' && annotated.some((schema) => 'additionalProperties' in schema);
}

function resolveShape(text: string, shapes: Readonly<Record<string, ValueSchema>>): ValueSchema {
  const known = shapes[text];
  if (known !== undefined) {
    return known;
  }
  if (!text.startsWith('{')) {
    throw new Error(
      `charts/operator/values.yaml: '# @schema ${text}': unknown shape. Add it to VALUE_SHAPES, or write a schema in braces`,
    );
  }
  return parse(text) as ValueSchema;
}

function valueSchemaOf(
  value: unknown,
  {
    description,
    members,
    annotated,
  }: Pick<ChartValue, 'description' | 'members'> & { readonly annotated: readonly ValueSchema[] },
): ValueSchema {
  const inferred: ValueSchema =
    members.length > 0
      ? {
          type: 'object',
          properties: schemaProperties(members),
          required: requiredNames(members),
          additionalProperties: false,
        }
      : inferSchema(value);
  return Object.assign(
    {},
    description === '' ? {} : { description },
    inferred,
    ...annotated,
  ) as ValueSchema;
}

/** The schema that a default value implies. null allows any value. */
function inferSchema(value: unknown): ValueSchema {
  if (value === null) {
    return {};
  }
  if (Array.isArray(value)) {
    return { type: 'array' };
  }
  return { type: Number.isInteger(value) ? 'integer' : typeof value };
}

/**
 * Names of the values that must be present. Helm removes a value that is set to null, after which
 * templates would fail with a message of their own.
 */
function requiredNames(values: readonly ChartValue[]): readonly string[] {
  return values.filter(({ schema }) => !allowsNull(schema)).map(nameOf);
}

function allowsNull({ type }: ValueSchema): boolean {
  return Array.isArray(type) && type.includes('null');
}

function nameOf({ path }: ChartValue): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

function schemaProperties(values: readonly ChartValue[]): Readonly<Record<string, ValueSchema>> {
  return Object.fromEntries(values.map((value) => [nameOf(value), value.schema]));
}

/**
 * values.schema.json, draft-07, which Helm 3 and 4 read. Unknown values are errors, except below
 * `global`. A value that is set to null is an error too. A parent chart may set `enabled`. Old
 * names of renamed values are accepted, so that the chart can fail with an error that names the new
 * one.
 */
export function buildValuesSchema(values: readonly ChartValue[]): ValueSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: {
      ...schemaProperties(values),
      enabled: { description: 'Condition of this chart in a parent chart.', type: 'boolean' },
      ...Object.fromEntries(
        RENAMED_VALUES.map(({ from, to }) => [from, { description: `Renamed to ${to}.` }]),
      ),
    },
    required: requiredNames(values),
    additionalProperties: false,
  };
}

/** All values without members, in the order of the file. */
export function leafValues(values: readonly ChartValue[]): readonly ChartValue[] {
  return values.flatMap((value) =>
    value.members.length > 0 ? leafValues(value.members) : [value],
  );
}
