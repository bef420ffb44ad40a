/** The table of values in the chart's README, between marks by which it is found again. */
import { leaves } from './values.ts';
import type { Value } from './values.ts';

const BEGIN = '<!-- autopilot:values -->';
const END = '<!-- /autopilot:values -->';

export function valuesSection(values: readonly Value[]): string {
  const all = leaves(values);
  const sections = [...new Set(all.map(({ section }) => section))].map((section) => {
    const rows = all.filter((value) => value.section === section).map(row);
    return `## ${section}\n\n| value | default | |\n|---|---|---|\n${rows.join('\n')}`;
  });
  return [BEGIN, ...sections, END].join('\n\n');
}

function row({ path, description, default: value }: Value): string {
  const shown = path === 'config' ? 'autopilot-operator.yaml' : `\`${JSON.stringify(value).replaceAll('|', '\\|')}\``;
  return `| \`${path}\` | ${shown} | ${description.replaceAll('|', '\\|')} |`;
}

/** `text` with what stands between the marks brought up to date; the same text when it has no marks. */
export function withValues(text: string, section: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END, begin);
  return begin < 0 || end < 0 ? text : text.slice(0, begin) + section + text.slice(end + END.length);
}
