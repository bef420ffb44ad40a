/**
 * The chart of a project: the templates of charts/operator, filled in from the model, and the files
 * that are computed (values.schema.json, dashboard.json). `<% %>` is EJS; Helm's `{{ }}` stays as
 * it is. A template that renders to nothing, such as the clean-up job of an operator without
 * finalizer, makes no file.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ejs from 'ejs';
import { readConfigValues } from '../chart/config-values.ts';
import { buildDashboard } from '../chart/dashboard.ts';
import { RENAMED_VALUES } from '../chart/renamed-values.ts';
import { renderValuesSection, replaceValuesSection } from '../chart/values-readme.ts';
import { needsFinalizer } from '../rbac/finalizer.ts';
import { clusterWideReasons, derivePolicyRules } from '../rbac/policy-rules.ts';
import { parseValues, buildValuesSchema, removeSchemaLines } from '../chart/values.ts';
import type { Model, ProjectFile } from '../model/model.ts';
import { LIVE_KEYS, operatorConfigJsonSchema } from '../model/operator-config.ts';
import { parseKubernetesYaml } from '../util/kubernetes-yaml.ts';
import { formatYaml, formatYamlString } from '../util/yaml-text.ts';
import { packageRoot } from '../util/package-root.ts';
import { replaceApiVersion } from './project-templates.ts';
import { hasMetrics } from '../code/scheduler.ts';

const chartTemplates = join(packageRoot, 'charts/operator');

/**
 * Resident memory of AutoRoute's operator in MB, from which the default requests and limits follow.
 * docs/chart-comparison.md says how it was measured; a test compares the two.
 */
export const MEASURED_MEMORY = { idle: 103, with1000Deployments: 132 } as const;

/** What the chart is rendered from beside the model. */
export interface ChartInput {
  /** The CustomResourceDefinition. */
  readonly crd: object;
  /** JSON schema of the user's own section `config:`. */
  readonly config?: object;
  /** Text of autopilot-operator.yaml, which becomes the chart's `config:` values. */
  readonly operatorConfig: string;
  /** Text of examples/<kind>.yaml: one or several YAML documents. */
  readonly sample?: string | undefined;
  /** apiVersion of the last generate. Default: the present one. */
  readonly lastApiVersion?: string | undefined;
}

/** How a template's text becomes a file, for the templates that are not merged as they are. */
type ChartFile = (fill: Fill) => ProjectFile;
type Fill = (template: string, more?: object) => string;

/** Renders the files of charts/<operatorName>. */
export function renderChart(model: Model, input: ChartInput): ProjectFile[] {
  const variables = chartVariables(model, input);
  const fill: Fill = (template, more = {}) => {
    const text = readFileSync(join(chartTemplates, template), 'utf8');
    const source = template.startsWith('templates/') ? prefixNamedTemplates(model, text) : text;
    return ejs.render(source, { ...variables, ...more }, {});
  };
  const valuesSource = fill('values.yaml');
  const values = parseValues(valuesSource, operatorConfigJsonSchema(input.config));
  const special = specialChartFiles(model, input, {
    valuesSource,
    valuesSection: renderValuesSection(values),
  });
  const rendered = listTemplates(chartTemplates).map((template) => {
    const file = special[template];
    if (file !== undefined) {
      return file(fill);
    }
    return mergedChartFile(model, template, fill(template));
  });
  const computed = [
    mergedChartFile(model, 'values.schema.json', formatJson(buildValuesSchema(values))),
    mergedChartFile(model, 'files/dashboard.json', formatJson(buildDashboard(model))),
  ];
  return [...rendered, ...computed].filter(({ content }) => content.toString().trim() !== '');
}

/** Variables of every template of the chart. */
function chartVariables(
  model: Model,
  { crd, operatorConfig, sample = '', lastApiVersion }: ChartInput,
): object {
  const config = readConfigValues(operatorConfig);
  const { idle, with1000Deployments } = MEASURED_MEMORY;
  const initialPhase = model.phases.find(({ initial }) => initial);
  return {
    ...model,
    operatorConfig: config.yaml,
    watchNamespaces: JSON.stringify(config.watchNamespaces),
    rules: derivePolicyRules(model),
    clusterWide: clusterWideReasons(model),
    finalizer: needsFinalizer(model),
    usesMetrics: hasMetrics(model),
    approval: model.phases.some(({ approval }) => approval),
    working: model.phases
      .filter(({ final, resting, ready }) => !final && resting !== true && !ready)
      .map(({ name }) => name),
    liveKeys: LIVE_KEYS,
    migrations: RENAMED_VALUES,
    measured: `${idle} MB resident when idle, ${with1000Deployments} MB after 1,000 Deployments were routed.`,
    description: initialPhase?.description ?? `A state machine of ${model.phases.length} phases.`,
    example: yamlBlock(sampleResources(model, replaceApiVersion(model, sample, lastApiVersion))),
    crdSpec: escapeBraces(yamlBlock((crd as { spec: unknown }).spec)),
    valuesSection: '',
    indent: indentLines,
    yaml: (value: unknown) => escapeBraces(yamlBlock(value)),
    text: formatYamlString,
    flow: (items: readonly string[]) => JSON.stringify(items).replaceAll('","', '", "'),
  };
}

/** Texts that are made from charts/operator/values.yaml. */
interface ValuesTexts {
  /** values.yaml with the comment lines that are schema. */
  readonly valuesSource: string;
  /** Table of values for the chart's README. */
  readonly valuesSection: string;
}

function specialChartFiles(
  model: Model,
  { lastApiVersion }: ChartInput,
  { valuesSource, valuesSection }: ValuesTexts,
): Readonly<Record<string, ChartFile>> {
  return {
    'values.yaml': () => mergedChartFile(model, 'values.yaml', removeSchemaLines(valuesSource)),
    'README.md': (fill) => ({
      path: chartPath(model, 'README.md'),
      content: fill('README.md', { valuesSection }),
      ownership: 'user-owned',
      refresh: (text) =>
        replaceApiVersion(model, replaceValuesSection(text, valuesSection), lastApiVersion),
    }),
    'icon.svg': (fill) => ({
      path: chartPath(model, 'icon.svg'),
      content: fill('icon.svg'),
      ownership: 'user-owned',
    }),
    'files/cleanup.mjs': (fill) =>
      mergedChartFile(
        model,
        'files/cleanup.mjs',
        needsFinalizer(model) ? fill('files/cleanup.mjs') : '',
      ),
    'files/migrate-storage.mjs': (fill) =>
      mergedChartFile(
        model,
        'files/migrate-storage.mjs',
        model.formerVersions.length > 0 ? fill('files/migrate-storage.mjs') : '',
      ),
    'templates/_overrides.tpl': (fill) => ({
      path: chartPath(model, 'templates/_overrides.tpl'),
      content: fill('templates/_overrides.tpl'),
      ownership: 'user-owned',
    }),
    'templates/crds/crd.yaml': (fill) =>
      mergedChartFile(
        model,
        `templates/crds/${model.plural}.yaml`,
        fill('templates/crds/crd.yaml'),
      ),
  };
}

function chartPath({ operatorName }: Model, path: string): string {
  return `charts/${operatorName}/${path}`;
}

function mergedChartFile(model: Model, path: string, content: string): ProjectFile {
  return { path: chartPath(model, path), content, ownership: 'merged' };
}

/**
 * Puts the operator's name in front of named templates: all charts of an umbrella chart share one
 * namespace of them. Call it before the template is filled in, because a user's text may look like
 * such a name.
 */
function prefixNamedTemplates({ operatorName }: Model, text: string): string {
  return text.replaceAll('"operator.', `"${operatorName}.`);
}

/** The resources of the user's sample; the smallest possible resource when it has none. */
function sampleResources({ group, version, kind }: Model, sample: string): readonly unknown[] {
  const apiVersion = `${group}/${version}`;
  const found = documentsOf(sample).filter((document) => document?.kind === kind);
  return found.length > 0 ? found : [{ apiVersion, kind, metadata: { name: 'example' }, spec: {} }];
}

/** The user's sample as kubectl reads it; nothing when it is no YAML, which verify reports. */
function documentsOf(text: string): readonly ({ readonly kind?: string } | undefined)[] {
  try {
    return parseKubernetesYaml(text).map(({ value }) => value as { readonly kind?: string });
  } catch {
    return [];
  }
}

function listTemplates(folder: string): readonly string[] {
  return globSync('**/{*,.helmignore}', { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
}

function formatJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** YAML to be indented in a template, without the last line end. */
function yamlBlock(value: unknown): string {
  return formatYaml(value).replace(/\n$/, '');
}

/** Escapes braces in descriptions and defaults, so that Helm does not take them for actions. */
function escapeBraces(text: string): string {
  return text.replace(/\{\{|\}\}/g, (braces) => `{{ ${JSON.stringify(braces)} }}`);
}

function indentLines(text: string, by: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(by));
}
