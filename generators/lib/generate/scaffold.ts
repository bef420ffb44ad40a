/** A new project, from options or from an example. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { parseDocument } from 'yaml';
import { apiVersionProblem, kindProblem, operatorNameProblem } from '../model/validate-project.ts';
import { projectText } from '../model/project-text.ts';
import type { ProjectFile } from '../model/model.ts';
import { didYouMean } from '../util/naming.ts';
import { DEFAULT_API_VERSION, defaultOperatorName, defaultPhases } from '../model/new-project.ts';
import type { NewFinalizer, NewPhase } from '../model/new-project.ts';
import { exampleNames, packageRoot } from '../util/package-root.ts';
import { generateProject } from './generate-project.ts';
import { PROJECT_FILE, refuseExisting } from './find-project.ts';
import type { GenerateResult, RuntimeChoice } from './generate-project.ts';

/** Options of `scaffold`. Either `kind` or `example` is needed. */
export interface ScaffoldOptions {
  /** Folder of the project. Created when it is missing. */
  readonly dir: string;
  /** Name of an example to start from. Excludes kind, apiVersion, phases and finalizer. */
  readonly example?: string;
  /** Kind of the resource in Pascal case. */
  readonly kind?: string;
  /** API group and version. Default: examples.io/v1. */
  readonly apiVersion?: string;
  /** Name of the operator. Default: the lower-case kind and `-operator`. */
  readonly operatorName?: string;
  /** Phases of the state machine. Default: Initializing, Processing, Finished. */
  readonly phases?: readonly NewPhase[];
  /** Inputs and outputs of the finalizer. Default: no finalizer. */
  readonly finalizer?: NewFinalizer;
  /** Source of the runtime. Default: vendor. */
  readonly runtime?: RuntimeChoice;
  /** Whether an existing autopilot.yaml is replaced. Default: false. */
  readonly force?: boolean;
}

/**
 * Writes a new project.
 *
 * @throws Error with every problem of the options, or when the folder has a project. Nothing is
 * written then.
 */
export async function scaffold(options: ScaffoldOptions): Promise<GenerateResult> {
  const dir = resolve(options.dir);
  refuseExisting(dir, options.force ?? false);
  const runtime = options.runtime === undefined ? {} : { runtime: options.runtime };
  // A project that starts over has no resources that a changed CRD could break.
  const force =
    options.force === undefined ? {} : { force: options.force, acceptBreaking: options.force };
  if (options.example !== undefined) {
    const files = exampleFiles(options.example);
    const text = files.find(({ path }) => path === PROJECT_FILE)?.content.toString() ?? '';
    return generateProject(dir, {
      projectText: renameOperator(text, options),
      seed: files.filter(({ path }) => path !== PROJECT_FILE),
      ...runtime,
      ...force,
    });
  }
  if (options.kind === undefined) {
    throw new Error('a new project needs a kind: --kind Canary');
  }
  const {
    kind,
    apiVersion = DEFAULT_API_VERSION,
    operatorName = defaultOperatorName(kind),
    phases = defaultPhases(kind),
    finalizer,
  } = options;
  const problems = [
    ['--kind', kindProblem(kind)],
    ['--api-version', apiVersionProblem(apiVersion)],
    ['--operator-name', operatorNameProblem(operatorName)],
  ].flatMap(([option, problem]) => (problem === undefined ? [] : [`${option}: ${problem}`]));
  if (problems.length > 0) {
    throw new Error(problems.join('\n'));
  }
  return generateProject(dir, {
    projectText: projectText({
      kind,
      apiVersion,
      operatorName,
      phases,
      ...(finalizer && { finalizer }),
    }),
    ...runtime,
    ...force,
  });
}

/** Sets the operator's name in an example's autopilot.yaml. An example keeps everything else. */
function renameOperator(text: string, options: ScaffoldOptions): string {
  const decided = {
    '--kind': options.kind,
    '--api-version': options.apiVersion,
    '--phase': options.phases,
    '--finalizer': options.finalizer,
  };
  for (const [option, given] of Object.entries(decided)) {
    if (given !== undefined) {
      throw new Error(
        `${option} cannot be combined with --example: its workers are written for the example's own`,
      );
    }
  }
  if (options.operatorName === undefined) {
    return text;
  }
  const problem = operatorNameProblem(options.operatorName);
  if (problem !== undefined) {
    throw new Error(`--operator-name: ${problem}`);
  }
  const document = parseDocument(text);
  document.set('operatorName', options.operatorName);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** The user-owned files of an example. All others are generated. */
function exampleFiles(example: string): ProjectFile[] {
  const names = exampleNames();
  if (!names.includes(example)) {
    throw new Error(`--example: there is no example '${example}'${didYouMean(example, names)}`);
  }
  const root = join(packageRoot, 'examples', example);
  const paths = ['autopilot.yaml', 'autopilot-operator.yaml', 'src', 'test', 'examples'].flatMap(
    (path) => filesUnder(join(root, path)),
  );
  return paths
    .map((path) => ({
      path: relative(root, path).split(sep).join('/'),
      content: readFileSync(path, 'utf8'),
      ownership: 'user-owned' as const,
    }))
    .filter(({ path }) => !path.startsWith('src/generated/'));
}

function filesUnder(path: string): string[] {
  if (!existsSync(path)) {
    return [];
  }
  if (!statSync(path).isDirectory()) {
    return [path];
  }
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesUnder(join(path, name)));
}
