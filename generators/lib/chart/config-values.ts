/**
 * Converts autopilot-operator.yaml to values of the chart: `config` and `watchNamespaces`. The
 * chart also creates RBAC rules from `watchNamespaces`.
 */
import { parseDocument } from 'yaml';
import { portableYaml } from '../util/yaml-text.ts';
import { withoutModeline } from '../model/operator-config.ts';

/** Values of the chart that come from autopilot-operator.yaml. */
export interface ConfigValues {
  /** The value `config` as YAML for Helm (`portableYaml`), with the comments of the file. */
  readonly yaml: string;
  /** Watched namespaces. Empty: all namespaces. */
  readonly watchNamespaces: readonly string[];
}

/**
 * Splits the text of autopilot-operator.yaml into values of the chart.
 *
 * @param operatorConfigText content of autopilot-operator.yaml
 */
export function readConfigValues(operatorConfigText: string): ConfigValues {
  const text = withoutModeline(operatorConfigText);
  const document = parseDocument(text);
  const watched = document.get('watchNamespace') as string | undefined;
  if (document.contents === null) {
    return { yaml: '{}', watchNamespaces: [] };
  }
  if (watched === undefined) {
    return { yaml: portableYaml(text).trimEnd(), watchNamespaces: [] };
  }
  document.delete('watchNamespace');
  return {
    yaml: portableYaml(document.toString({ lineWidth: 0 })).trimEnd(),
    watchNamespaces: watched
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  };
}
