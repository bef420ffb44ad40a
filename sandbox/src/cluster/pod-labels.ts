/**
 * Labels inside of specs: those of Pod templates, and those in selectors. The rules of
 * metadata.labels hold for them.
 */
import type { StatusCause } from './api-errors.ts';
import { isMap } from './frozen-json.ts';
import { annotationProblems, labelProblems } from './metadata-validation.ts';

type Labels = Readonly<Record<string, string>>;

/** Problems of the labels and annotations of a Pod template. */
export function podTemplateProblems(template: unknown, field: string): readonly StatusCause[] {
  const metadata = memberOf(template, 'metadata');
  return [
    ...labelProblems(textsOf(memberOf(metadata, 'labels')), `${field}.labels`),
    ...annotationProblems(textsOf(memberOf(metadata, 'annotations')), `${field}.annotations`),
  ];
}

/** Problems of a selector with `matchLabels`. */
export function selectorProblems(selector: unknown, field: string): readonly StatusCause[] {
  return labelProblems(textsOf(memberOf(selector, 'matchLabels')), `${field}.matchLabels`);
}

/** Problems of the selector of a Service, which is a map of labels. */
export function serviceSelectorProblems(selector: unknown): readonly StatusCause[] {
  return labelProblems(textsOf(selector), 'spec.selector');
}

function memberOf(value: unknown, name: string): unknown {
  return isMap(value) ? value[name] : undefined;
}

/** Members that are no text make the object undecodable, which is found elsewhere. */
function textsOf(value: unknown): Labels {
  return isMap(value)
    ? Object.fromEntries(
        Object.entries(value).filter(
          (entry): entry is [string, string] => typeof entry[1] === 'string',
        ),
      )
    : {};
}
