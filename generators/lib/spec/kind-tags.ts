/** Tags of the comment of the Spec interface that are about the kind: names, columns, scale, deprecation. */
import { suggestion } from '../naming.ts';
import type { Comment, Tag } from './comments.ts';
import { parsedJson, words } from './facets.ts';
import type { Schema } from './schema.ts';
import { reportTag } from './walk.ts';
import type { Place, PrinterColumn, Walk } from './walk.ts';

export interface KindTags {
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly columns: readonly PrinterColumn[];
  readonly scale?: { readonly specReplicasPath: string; readonly statusReplicasPath: string; readonly labelSelectorPath?: string };
  readonly deprecated?: string;
}

export function kindTagsOf(walk: Walk, comment: Comment, place: Place, spec: Schema, status: Schema): KindTags {
  const of = (name: string): readonly Tag[] => comment.tags.filter((tag) => tag.name === name);
  const wrong = (tag: Tag, problem: string): undefined => reportTag(walk, place, tag, problem) as undefined;
  const names = (name: string): readonly string[] =>
    of(name).flatMap((tag) => {
      if (words(tag.value).length === 0) wrong(tag, 'needs a name');
      return words(tag.value).filter(
        (word) => /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(word) || wrong(tag, `names '${word}', which must be lower-case letters, digits and '-'`),
      );
    });
  const columns = of('printerColumn').flatMap((tag) => {
    const column = parsedJson(tag.value) as Partial<PrinterColumn> | undefined;
    if (typeof column?.name === 'string' && typeof column.type === 'string' && column.jsonPath?.startsWith('.')) return [column as PrinterColumn];
    return wrong(tag, 'needs JSON with name, type and jsonPath: {"name": "Host", "type": "string", "jsonPath": ".spec.hosts[0]"}') ?? [];
  });
  const [scaleTag] = of('scale');
  const scale = scaleTag && scaleOf(scaleTag.value, spec, status);
  if (scaleTag !== undefined && typeof scale === 'string') wrong(scaleTag, scale);
  const [deprecated] = of('deprecated');
  return {
    shortNames: names('shortName'),
    categories: names('category'),
    columns,
    ...(typeof scale === 'object' && { scale }),
    ...(deprecated && { deprecated: deprecated.value }),
  };
}

function scaleOf(value: string, spec: Schema, status: Schema): NonNullable<KindTags['scale']> | string {
  const [wanted = '', current = '', selector, ...rest] = words(value);
  if (current === '' || rest.length > 0) return 'needs two or three fields: spec.replicas status.replicas status.selector';
  const problem =
    fieldProblem(wanted, 'spec', spec, 'integer') ??
    fieldProblem(current, 'status', status, 'integer') ??
    (selector === undefined ? undefined : fieldProblem(selector, 'status', status, 'string'));
  if (problem !== undefined) return problem;
  return { specReplicasPath: `.${wanted}`, statusReplicasPath: `.${current}`, ...(selector !== undefined && { labelSelectorPath: `.${selector}` }) };
}

function fieldProblem(path: string, root: 'spec' | 'status', schema: Schema, type: 'integer' | 'string'): string | undefined {
  const [first, ...names] = path.split('.');
  if (first !== root || names.length === 0) return `names '${path}', which must be a field of ${root}: ${root}.${type === 'integer' ? 'replicas' : 'selector'}`;
  let current: Schema = schema;
  for (const name of names) {
    const next = current.properties?.[name];
    if (next === undefined) return `names '${path}', which is not there${suggestion(name, Object.keys(current.properties ?? {}))}`;
    current = next;
  }
  if (current.type !== type) return `names '${path}', which must be ${type === 'integer' ? 'a whole number (Int32)' : 'a text'}`;
  return undefined;
}
