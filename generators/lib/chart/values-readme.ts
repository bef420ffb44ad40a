/** The table of values in the chart's README, between marks by which it is found again. */
import { leafValues } from './values.ts';
import type { ChartValue } from './values.ts';

const VALUES_BEGIN = '<!-- autopilot:values -->';
const VALUES_END = '<!-- /autopilot:values -->';

export function renderValuesSection(values: readonly ChartValue[]): string {
  const all = leafValues(values);
  const sections = [...new Set(all.map(({ section }) => section))].map((section) => {
    const rows = all.filter((value) => value.section === section).map(valueRow);
    return `## ${section}\n\n| value | default | |\n|---|---|---|\n${rows.join('\n')}`;
  });
  return [VALUES_BEGIN, ...sections, VALUES_END].join('\n\n');
}

function valueRow({ path, description, default: value }: ChartValue): string {
  const shown =
    path === 'config'
      ? 'autopilot-operator.yaml'
      : `\`${JSON.stringify(value).replaceAll('|', '\\|')}\``;
  return `| \`${path}\` | ${shown} | ${description.replaceAll('|', '\\|')} |`;
}

/**
 * `text` with what stands between the marks brought up to date; the same text when it has no marks.
 */
export function replaceValuesSection(text: string, section: string): string {
  const begin = text.indexOf(VALUES_BEGIN);
  const end = text.indexOf(VALUES_END, begin);
  return begin < 0 || end < 0
    ? text
    : text.slice(0, begin) + section + text.slice(end + VALUES_END.length);
}
