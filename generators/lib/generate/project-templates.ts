/** Which templates make the files of a project, with which variables, and who owns the files. */
import { TYPE_PACKAGES } from '../kinds/built-in-kinds.ts';
import { machineSection, replaceMachineSection } from '../model/graph.ts';
import { OPERATOR_SCHEMA_FILE } from '../model/operator-config.ts';
import type { Model, ModelPhase, Ownership, ProjectFile } from '../model/model.ts';
import { nodeMajor, nodeRange } from '../util/node-version.ts';
import { renderTemplate } from '../util/template.ts';
import { commentLines } from '../util/typescript-text.ts';
import { formatYamlString } from '../util/yaml-text.ts';

/** What package.json says for the packages of this project. */
export interface RuntimeDependencies {
  /** Version or path of autopilot-runtime: `^0.1.0` or `file:vendor/…`. */
  readonly runtime: string;
  /** Version or path of autopilot-sandbox. */
  readonly sandbox: string;
}

/** What templates need beside the model. */
export interface TemplateInput {
  readonly dependency: RuntimeDependencies;
  readonly vendor: readonly ProjectFile[];
  readonly foreignCrds?: readonly object[];
  readonly lastApiVersion?: string | undefined;
}

/** One file that a template makes. */
interface TemplateUse {
  /** Path below generators/templates without `.ejs`. */
  readonly template: string;
  /** Path in the project. Default: `template`. */
  readonly path?: string;
  /** Default: `user-owned`. */
  readonly ownership?: Ownership;
  /** Variables beside those of `templateVariables`. */
  readonly variables?: object;
  readonly refresh?: (text: string) => string;
  /** `ProjectFile.testOf`. */
  readonly testOf?: string;
}

/**
 * Renders every file of the project that is a template, except autopilot.yaml, which exists before
 * the model, and the chart.
 *
 * @param input versions of runtime and sandbox, their packed files, and CRDs of other kinds
 */
export function renderTemplates(
  model: Model,
  { dependency, vendor, foreignCrds = [], lastApiVersion }: TemplateInput,
): ProjectFile[] {
  const shared = {
    ...templateVariables(model),
    dependency,
    vendored: vendor.length > 0,
    hasForeignCrds: foreignCrds.length > 0,
  };
  return templateUses(model).map(
    ({ template, path = template, ownership = 'user-owned', variables, refresh, testOf }) => {
      const text = renderTemplate(template, { ...shared, ...variables });
      return {
        path,
        content: path === 'package.json' ? sortDevDependencies(text) : text,
        ownership,
        refresh: (own) => replaceApiVersion(model, refresh?.(own) ?? own, lastApiVersion),
        ...(testOf !== undefined && { testOf }),
      };
    },
  );
}

/** Replaces the apiVersion of the last generate by the present one. */
export function replaceApiVersion(
  { group, version }: Model,
  text: string,
  last: string | undefined,
): string {
  const apiVersion = `${group}/${version}`;
  return last === undefined || last === apiVersion
    ? text
    : text.replace(new RegExp(`(?<![\\w./-])${RegExp.escape(last)}(?!\\w)`, 'g'), apiVersion);
}

/** Renders src/spec.ts of a new project. */
export function renderSpec(model: Model): string {
  return renderTemplate('src/spec.ts', templateVariables(model));
}

/** Tests come before what they test, so that a generate that was interrupted creates both. */
function templateUses(model: Model): TemplateUse[] {
  return [...testFiles(model), ...sourceFiles(model), ...lifecycleFiles(), ...packageFiles()];
}

function sourceFiles(model: Model): TemplateUse[] {
  const section = machineSection(model);
  return [
    { template: 'autopilot-operator.yaml', variables: { schemaFile: OPERATOR_SCHEMA_FILE } },
    { template: 'src/spec.ts' },
    ...workers(model).map((phase) => ({
      template: 'src/workers/_phase_.ts',
      path: `src/workers/${phase.file}.ts`,
      variables: workerVariables(phase),
    })),
    ...(model.finalizer ? [{ template: 'src/finalizer.ts' }] : []),
    { template: 'src/main.ts' },
    { template: 'examples/_kind_.yaml', path: `examples/${model.kind.toLowerCase()}.yaml` },
    { template: '.gitignore' },
    { template: '.prettierignore' },
    {
      template: 'README.md',
      variables: { machineSection: section },
      refresh: (text) => replaceMachineSection(text, section),
    },
  ];
}

/** Image, CI, and the commands behind `npm run dev`, `build`, `deploy`, `undeploy` and `logs`. */
function lifecycleFiles(): TemplateUse[] {
  return [
    { template: 'scripts/operator.ts', ownership: 'generated' },
    { template: 'Dockerfile' },
    { template: '.dockerignore' },
    { template: '.github/workflows/operator.yaml' },
    { template: '.github/dependabot.yml' },
  ];
}

function testFiles(model: Model): TemplateUse[] {
  return [
    ...workers(model).map((phase) => ({
      template: 'test/_phase_.test.ts',
      path: `test/${phase.file}.test.ts`,
      variables: { phase },
      testOf: `src/workers/${phase.file}.ts`,
    })),
    ...(model.finalizer
      ? [{ template: 'test/finalizer.test.ts', testOf: 'src/finalizer.ts' }]
      : []),
    { template: 'test/machine.test.ts', testOf: 'src/main.ts' },
    { template: 'test/scenarios/life.ts', testOf: 'src/main.ts' },
  ];
}

function packageFiles(): TemplateUse[] {
  return ['package.json', 'tsconfig.json', '.mocharc.json'].map((template) => ({
    template,
    ownership: 'merged',
  }));
}

/** The phases that have a worker. */
function workers({ phases }: Model): readonly ModelPhase[] {
  return phases.filter((phase) => !phase.final);
}

function workerVariables(phase: ModelPhase): object {
  return {
    phase,
    reads: [...phase.inputs.map(({ kind }) => kind.name), ...(phase.metrics ? ['metrics'] : [])],
    writes: phase.outputs.map(({ kind }) => kind.name),
    next: phase.next.filter((name) => name !== phase.name),
  };
}

/** Variables of every template. */
function templateVariables(model: Model): object {
  const { kind, group, version, plural, operatorName, phases } = model;
  return {
    kind,
    group,
    plural,
    operatorName,
    apiVersion: `${group}/${version}`,
    kindFile: kind.toLowerCase(),
    initialPhase: phases.find((phase) => phase.initial),
    typePackages: typePackages(model),
    nodeRange,
    nodeMajor,
    commentLines,
    text: formatYamlString,
  };
}

/** npm packages that have the TypeScript types of the kinds that phases use. */
function typePackages({ kinds }: Model): readonly { name: string; version: string }[] {
  const names = kinds.flatMap((kind) => (kind.module && !kind.schema ? [kind.module.package] : []));
  return [...new Set(names)].map((name) => ({ name, version: TYPE_PACKAGES[name] ?? '*' }));
}

/** Sorts devDependencies by name, as npm does when it writes package.json. */
function sortDevDependencies(text: string): string {
  const manifest = JSON.parse(text) as { devDependencies: Readonly<Record<string, string>> };
  const sorted = Object.entries(manifest.devDependencies).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify({ ...manifest, devDependencies: Object.fromEntries(sorted) }, null, 2)}\n`;
}
