/**
 * The chart: charts/operator filled in from the model. Helm's `{{ }}` pass through untouched; `<% %>` decides what the model knows.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ejs from 'ejs';
import { parse, stringify } from 'yaml';
import type { Model, ModelInput, ModelOutput, ParameterType, ProjectFile } from '../model.ts';
import { packageRoot } from '../package-root.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const READ = ['get', 'list', 'watch'] as const;

/** @param operatorConfigText autopilot-operator.yaml as it stands, which becomes the chart's `config:` values. */
export function renderChart(model: Model, crd: object, operatorConfigText: string): ProjectFile[] {
  const templates = join(packageRoot, 'charts/operator');
  const data = {
    ...model,
    operatorConfig: configValues(operatorConfigText),
    rules: yaml(rulesOf(model)),
    clusterScoped: clusterScoped(model),
    crdSpec: escapeBraces(yaml((crd as { spec: unknown }).spec)),
    indent,
  };
  return globSync('**/{*,.helmignore}', { cwd: templates, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => {
      const path = file
        .slice(templates.length + 1)
        .replaceAll('\\', '/')
        .replace('crds/crd.yaml', `crds/${model.plural}.yaml`);
      return { path: `charts/${model.operatorName}/${path}`, content: ejs.render(readFileSync(file, 'utf8'), data, {}), ownership: 'merged' as const };
    });
}

/** The rights that the declared inputs and outputs need, and those of the machine itself. */
export function rulesOf(model: Model): readonly Rule[] {
  const verbs = new Map<string, { readonly type: ParameterType; readonly verbs: Set<string> }>();
  const grant = (type: ParameterType, ...more: readonly string[]): void => {
    const key = `${type.group}/${type.plural}`;
    const known = verbs.get(key) ?? { type, verbs: new Set<string>() };
    for (const verb of more) known.verbs.add(verb);
    verbs.set(key, known);
  };
  const inputs: readonly ModelInput[] = [...model.phases.flatMap((phase) => phase.inputs), ...(model.finalizer?.inputs ?? [])];
  const outputs: readonly ModelOutput[] = [...model.phases.flatMap((phase) => phase.outputs), ...(model.finalizer?.outputs ?? [])];
  for (const { parameter } of inputs) grant(parameter, ...READ);
  // A server-side apply that creates needs create beside patch.
  for (const { parameter, prune } of outputs) grant(parameter, ...READ, 'create', 'patch', ...(prune ? ['delete'] : []));
  const order = ['get', 'list', 'watch', 'create', 'patch', 'delete'];
  const declared = [...verbs.values()]
    .sort((a, b) => (`${a.type.group}/${a.type.plural}` < `${b.type.group}/${b.type.plural}` ? -1 : 1))
    .map(({ type, verbs: granted }): Rule => ({ apiGroups: [type.group], resources: [type.plural], verbs: order.filter((verb) => granted.has(verb)) }));
  return [
    { apiGroups: [model.group], resources: [model.plural], verbs: READ },
    { apiGroups: [model.group], resources: [`${model.plural}/status`], verbs: ['patch'] },
    ...declared,
    { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
    ...(model.extraRules as readonly Rule[]),
  ];
}

function clusterScoped(model: Model): readonly string[] {
  const kinds = model.parameters.filter(({ namespaced }) => !namespaced).map(({ kind }) => kind);
  return model.scope === 'Cluster' ? [model.kind, ...kinds] : kinds;
}

function configValues(text: string): string {
  const fields: unknown = parse(text);
  return fields === null || fields === undefined ? '{}' : text.trimEnd();
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd();
}

/** Braces in descriptions and defaults must not be taken for template actions. */
function escapeBraces(text: string): string {
  return text.replace(/\{\{|\}\}/g, (braces) => `{{ ${JSON.stringify(braces)} }}`);
}

function indent(text: string, by: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(by));
}
