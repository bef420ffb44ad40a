import { leafValues } from './values.ts';
import type { ChartValue } from './values.ts';

/** Comments around the table of values in the chart's README. */
const VALUES_BEGIN = '<!-- autopilot:values -->';
const VALUES_END = '<!-- /autopilot:values -->';

/** The tables of values for the chart's README: one per section of values.yaml. */
export function renderValuesSection(values: readonly ChartValue[]): string {
  const all = leafValues(values);
  const sections = [...new Set(all.map(({ section }) => section))].map((section) => {
    const rows = all.filter((value) => value.section === section).map(valueRow);
    return `## ${section}\n\n| value | default | meaning |\n|---|---|---|\n${rows.join('\n')}`;
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

/** Replaces the tables of values in a README. Returns `text` unchanged if it has no such tables. */
export function replaceValuesSection(text: string, section: string): string {
  const begin = text.indexOf(VALUES_BEGIN);
  const end = text.indexOf(VALUES_END, begin);
  return begin < 0 || end < 0
    ? text
    : text.slice(0, begin) + section + text.slice(end + VALUES_END.length);
}
