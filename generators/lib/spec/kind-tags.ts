/**
 * Tags about the kind, in the comment of the Spec interface: short names, categories, columns,
 * scale and deprecation.
 */
import { didYouMean } from '../util/naming.ts';
import type { StructuralSchema } from '../util/structural-schema.ts';
import { splitNames } from '../util/text.ts';
import { parseJson } from './apply-tags.ts';
import type { DocComment, DocTag } from './doc-comments.ts';
import { InvalidTagError, reportTagProblem, tryTag } from './read-context.ts';
import type { TypeLocation, PrinterColumn, ReadContext } from './read-context.ts';

/** Result of the tags about the kind. */
export interface KindTags {
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly columns: readonly PrinterColumn[];
  /** The scale subresource. Default: none. */
  readonly scale?: ScalePaths;
  /** Message of @deprecated, which may be empty. Default: not deprecated. */
  readonly deprecated?: string;
}

/** The scale subresource of a CRD. */
interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

/** The schemas whose fields @scale names. */
interface RootSchemas {
  readonly spec: StructuralSchema;
  readonly status: StructuralSchema;
}

/** Reads the tags about the kind and reports their problems. */
export function readKindTags(
  context: ReadContext,
  comment: DocComment,
  location: TypeLocation,
  schemas: RootSchemas,
): KindTags {
  const tagsNamed = (name: string): readonly DocTag[] =>
    comment.tags.filter((tag) => tag.name === name);
  const [scaleTag] = tagsNamed('scale');
  const scale =
    scaleTag && tryTag(context, location, scaleTag, () => parseScaleTag(scaleTag.value, schemas));
  const [deprecated] = tagsNamed('deprecated');
  return {
    shortNames: tagsNamed('shortName').flatMap((tag) => namesOf(context, location, tag)),
    categories: tagsNamed('category').flatMap((tag) => namesOf(context, location, tag)),
    columns: tagsNamed('printerColumn').flatMap(
      (tag) => tryTag(context, location, tag, () => parsePrinterColumn(tag)) ?? [],
    ),
    ...(scale && { scale }),
    ...(deprecated && { deprecated: deprecated.value }),
  };
}

/** The valid names of a tag. Invalid ones are reported. */
function namesOf(context: ReadContext, location: TypeLocation, tag: DocTag): readonly string[] {
  const names = splitNames(tag.value);
  if (names.length === 0) {
    reportTagProblem(context, location, tag, 'needs a name');
  }
  const isValid = (name: string): boolean => /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name);
  for (const name of names.filter((one) => !isValid(one))) {
    const message = `names '${name}', which must be lower-case letters, digits and '-'`;
    reportTagProblem(context, location, tag, message);
  }
  return names.filter(isValid);
}

/** @throws InvalidTagError when the JSON is not a column */
function parsePrinterColumn(tag: DocTag): PrinterColumn {
  const column = parseJson(tag.value) as Partial<PrinterColumn> | undefined;
  const isColumn =
    typeof column?.name === 'string' &&
    typeof column.type === 'string' &&
    column.jsonPath?.startsWith('.');
  if (!isColumn) {
    throw new InvalidTagError(
      'needs JSON with name, type and jsonPath: {"name": "Host", "type": "string", "jsonPath": ".spec.hosts[0]"}',
    );
  }
  return column as PrinterColumn;
}

/** @throws InvalidTagError when the fields do not exist or have another type */
function parseScaleTag(value: string, { spec, status }: RootSchemas): ScalePaths {
  const [wanted = '', current = '', selector, ...rest] = splitNames(value);
  if (current === '' || rest.length > 0) {
    throw new InvalidTagError(
      'needs two or three fields: spec.replicas status.replicas status.selector',
    );
  }
  return {
    specReplicasPath: fieldPath(wanted, { root: 'spec', schema: spec, type: 'integer' }),
    statusReplicasPath: fieldPath(current, { root: 'status', schema: status, type: 'integer' }),
    ...(selector !== undefined && {
      labelSelectorPath: fieldPath(selector, { root: 'status', schema: status, type: 'string' }),
    }),
  };
}

/** Requirements of a field that @scale names. */
interface ExpectedField {
  readonly root: 'spec' | 'status';
  readonly schema: StructuralSchema;
  readonly type: 'integer' | 'string';
}

/**
 * JSON path of a field.
 * @param path for example `spec.replicas`
 * @throws InvalidTagError when the field does not exist or has another type
 */
function fieldPath(path: string, { root, schema, type }: ExpectedField): string {
  const [first, ...names] = path.split('.');
  if (first !== root || names.length === 0) {
    const example = `${root}.${type === 'integer' ? 'replicas' : 'selector'}`;
    throw new InvalidTagError(
      `names '${path}', which must be a field of ${root}, for example ${example}`,
    );
  }
  let current: StructuralSchema = schema;
  for (const name of names) {
    const fields = current.properties ?? {};
    const next = fields[name];
    if (next === undefined) {
      throw new InvalidTagError(
        `names '${path}', which does not exist${didYouMean(name, Object.keys(fields))}`,
      );
    }
    current = next;
  }
  if (current.type !== type) {
    const expected = type === 'integer' ? 'an integer (Int32)' : 'a string';
    throw new InvalidTagError(`names '${path}', which must be ${expected}`);
  }
  return `.${path}`;
}
