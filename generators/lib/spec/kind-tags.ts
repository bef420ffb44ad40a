/**
 * Tags of the comment of the Spec interface that are about the kind: names, columns, scale,
 * deprecation.
 */
import { didYouMean } from '../util/naming.ts';
import type { DocComment, DocTag } from './doc-comments.ts';
import { parseJson, splitWords } from './apply-tags.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';
import { reportTagProblem } from './read-context.ts';
import type { TypeLocation, PrinterColumn, ReadContext } from './read-context.ts';

export interface KindTags {
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly columns: readonly PrinterColumn[];
  readonly scale?: {
    readonly specReplicasPath: string;
    readonly statusReplicasPath: string;
    readonly labelSelectorPath?: string;
  };
  readonly deprecated?: string;
}

export function readKindTags(
  context: ReadContext,
  comment: DocComment,
  location: TypeLocation,
  spec: StructuralSchema,
  status: StructuralSchema,
): KindTags {
  const tagsNamed = (name: string): readonly DocTag[] =>
    comment.tags.filter((tag) => tag.name === name);
  const reportWrong = (tag: DocTag, problem: string): undefined =>
    reportTagProblem(context, location, tag, problem) as undefined;
  const names = (name: string): readonly string[] =>
    tagsNamed(name).flatMap((tag) => {
      if (splitWords(tag.value).length === 0) {
        reportWrong(tag, 'needs a name');
      }
      return splitWords(tag.value).filter(
        (word) =>
          /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(word) ||
          reportWrong(tag, `names '${word}', which must be lower-case letters, digits and '-'`),
      );
    });
  const columns = tagsNamed('printerColumn').flatMap((tag) => {
    const column = parseJson(tag.value) as Partial<PrinterColumn> | undefined;
    if (
      typeof column?.name === 'string' &&
      typeof column.type === 'string' &&
      column.jsonPath?.startsWith('.')
    ) {
      return [column as PrinterColumn];
    }
    return (
      reportWrong(
        tag,
        'needs JSON with name, type and jsonPath: {"name": "Host", "type": "string", "jsonPath": ".spec.hosts[0]"}',
      ) ?? []
    );
  });
  const [scaleTag] = tagsNamed('scale');
  const scale = scaleTag && parseScaleTag(scaleTag.value, spec, status);
  if (scaleTag !== undefined && typeof scale === 'string') {
    reportWrong(scaleTag, scale);
  }
  const [deprecated] = tagsNamed('deprecated');
  return {
    shortNames: names('shortName'),
    categories: names('category'),
    columns,
    ...(typeof scale === 'object' && { scale }),
    ...(deprecated && { deprecated: deprecated.value }),
  };
}

function parseScaleTag(
  value: string,
  spec: StructuralSchema,
  status: StructuralSchema,
): NonNullable<KindTags['scale']> | string {
  const [wanted = '', current = '', selector, ...rest] = splitWords(value);
  if (current === '' || rest.length > 0) {
    return 'needs two or three fields: spec.replicas status.replicas status.selector';
  }
  const problem =
    fieldProblem(wanted, 'spec', spec, 'integer') ??
    fieldProblem(current, 'status', status, 'integer') ??
    (selector === undefined ? undefined : fieldProblem(selector, 'status', status, 'string'));
  if (problem !== undefined) {
    return problem;
  }
  return {
    specReplicasPath: `.${wanted}`,
    statusReplicasPath: `.${current}`,
    ...(selector !== undefined && { labelSelectorPath: `.${selector}` }),
  };
}

function fieldProblem(
  path: string,
  root: 'spec' | 'status',
  schema: StructuralSchema,
  type: 'integer' | 'string',
): string | undefined {
  const [first, ...names] = path.split('.');
  if (first !== root || names.length === 0) {
    return `names '${path}', which must be a field of ${root}: ${root}.${type === 'integer' ? 'replicas' : 'selector'}`;
  }
  let current: StructuralSchema = schema;
  for (const name of names) {
    const next = current.properties?.[name];
    if (next === undefined) {
      return `names '${path}', which is not there${didYouMean(name, Object.keys(current.properties ?? {}))}`;
    }
    current = next;
  }
  if (current.type !== type) {
    return `names '${path}', which must be ${type === 'integer' ? 'a whole number (Int32)' : 'a text'}`;
  }
  return undefined;
}
