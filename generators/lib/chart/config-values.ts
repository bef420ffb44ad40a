/**
 * autopilot-operator.yaml as values of the chart: `config`, and `watchNamespaces`, which the chart
 * turns into rights too.
 */
import { parseDocument } from 'yaml';
import { withoutModeline } from '../model/operator-config.ts';

export interface ConfigValues {
  /** YAML, with the comments of the file. */
  readonly yaml: string;
  readonly watchNamespaces: readonly string[];
}

export function readConfigValues(operatorConfigText: string): ConfigValues {
  const text = withoutModeline(operatorConfigText);
  const document = parseDocument(text);
  const watched = document.get('watchNamespace') as string | undefined;
  if (document.contents === null) {
    return { yaml: '{}', watchNamespaces: [] };
  }
  if (watched === undefined) {
    return { yaml: text.trimEnd(), watchNamespaces: [] };
  }
  document.delete('watchNamespace');
  return {
    yaml: document.toString({ lineWidth: 0 }).trimEnd(),
    watchNamespaces: watched
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  };
}
