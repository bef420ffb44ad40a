/**
 * Generated charts and what Helm makes of them: the small runner that the tests of templates use.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { parseAllDocuments } from 'yaml';
import { generateProject, scaffold } from '../../generators/lib/index.ts';
import { tool } from '../realparts/index.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface Manifest extends Json {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
  } & Json;
}

export interface RenderOptions {
  readonly values?: Json;
  readonly release?: string;
  readonly namespace?: string;
  readonly major?: 3 | 4;
  /** API versions that the cluster has beside Kubernetes' own. */
  readonly apis?: readonly string[];
  readonly args?: readonly string[];
}

export interface Chart {
  /** Folder of the project. */
  readonly project: string;
  /** Folder of the chart. */
  readonly path: string;
  remove(): void;
}

/** The chart of a new project, in a temporary folder. */
export async function chartOf(
  options: Omit<Parameters<typeof scaffold>[0], 'dir'>,
): Promise<Chart> {
  const project = mkdtempSync(join(tmpdir(), 'autopilot-chart-'));
  const { model } = await scaffold({ dir: project, runtime: 'registry', ...options });
  return {
    project,
    path: join(project, 'charts', model.operatorName),
    remove: () => rmSync(project, { recursive: true, force: true }),
  };
}

/** The chart of a project with this autopilot.yaml, in a temporary folder. */
export async function chartOfText(projectText: string): Promise<Chart> {
  const project = mkdtempSync(join(tmpdir(), 'autopilot-chart-'));
  const { model } = await generateProject(project, {
    projectText,
    runtime: 'registry',
    acceptBreaking: true,
  });
  return {
    project,
    path: join(project, 'charts', model.operatorName),
    remove: () => rmSync(project, { recursive: true, force: true }),
  };
}

/** `helm template`. @throws Error with Helm's message */
export async function renderText(
  chart: string,
  {
    values = {},
    release = 'r',
    namespace = 'ops',
    major = 4,
    apis = [],
    args = [],
  }: RenderOptions = {},
): Promise<string> {
  const apiVersions = apis.flatMap((api) => ['--api-versions', api]);
  const { stdout } = await execa(
    await tool(major === 3 ? 'helm3' : 'helm'),
    ['template', release, chart, '-n', namespace, '-f', '-', ...apiVersions, ...args],
    {
      // JSON: what YAML 1.2 leaves unquoted ('yes') is something else to Helm.
      input: JSON.stringify(values),
    },
  );
  return stdout;
}

export function manifestsOf(text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((document) => (document.toJS() as Manifest | null) ?? []);
}

export async function render(chart: string, options?: RenderOptions): Promise<readonly Manifest[]> {
  return manifestsOf(await renderText(chart, options));
}

/** What Helm says when it refuses; 'no failure' when it does not. */
export async function renderError(chart: string, options?: RenderOptions): Promise<string> {
  return renderText(chart, options).then(
    () => 'no failure',
    (error: { stderr?: string; message: string }) => error.stderr ?? error.message,
  );
}

/** `spec.template.spec.containers.0.env` */
export function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (inside, key) => (inside as Json | undefined)?.[key.replaceAll('\\', '.')],
      value,
    );
}
