/** What a user should review after a generate: workers with changed types, and orphaned files. */
import { existsSync, globSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { unownedKinds } from '../rbac/finalizer.ts';
import { basePath } from './lock.ts';
import { readText } from '../util/files.ts';
import type { Model, ProjectFile } from '../model/model.ts';
import type { FileChange } from './plan.ts';

/** Sentences and paths for the user to review. */
export interface ReviewNotices {
  /** `src/workers/x.ts: …` for each worker whose inputs, outputs or next phases have changed. */
  readonly changedWorkers: readonly string[];
  /** Paths of workers without a phase, of a removed finalizer, and of their tests. */
  readonly orphanedFiles: readonly string[];
  /** One sentence for each kind that is no longer written, but may still have objects or fields. */
  readonly droppedKinds: readonly string[];
  /** Sentences about a chart, and files that name it, from before the operator was renamed. */
  readonly renamedOperator: readonly string[];
}

/**
 * Compares the last generate with this one. Call it before the plan is written.
 *
 * @param rendered the files that are generated now
 * @param previousKinds `unownedKinds` of the last generate
 */
export function findReviewNotices(
  dir: string,
  model: Model,
  rendered: readonly ProjectFile[],
  previousKinds: readonly string[] = [],
): ReviewNotices {
  const workers = model.phases.filter(({ final }) => !final);
  const changed = workers.flatMap((phase) => {
    const path = `src/generated/${phase.file}.ts`;
    const before = readText(join(dir, basePath(path)));
    const after = rendered.find((file) => file.path === path)?.content;
    if (
      before === undefined ||
      typeof after !== 'string' ||
      !existsSync(join(dir, `src/workers/${phase.file}.ts`))
    ) {
      return [];
    }
    const parts = changedParts(before, after);
    return parts.length === 0
      ? []
      : [
          `src/workers/${phase.file}.ts: the ${parts.join(', ')} of ${phase.name} ${parts.length === 1 && parts[0] === 'next' ? 'has' : 'have'} changed`,
        ];
  });
  const files = new Set(workers.map(({ file }) => `${file}.ts`));
  const orphaned = findWorkers(dir).flatMap(({ name }) =>
    files.has(name) ? [] : [`src/workers/${name}`, ...testFilesOf(dir, name)],
  );
  return {
    changedWorkers: changed,
    orphanedFiles: [...orphaned, ...finalizerFiles(dir, model)],
    renamedOperator: describeFormerCharts(dir, model, rendered),
    droppedKinds: describeDroppedKinds(model, previousKinds),
  };
}

/** Files of a finalizer that autopilot.yaml no longer has. */
function finalizerFiles(dir: string, { finalizer }: Model): readonly string[] {
  if (finalizer !== undefined) {
    return [];
  }
  const imports = {
    'src/finalizer.ts': './generated/finalizer.ts',
    'test/finalizer.test.ts': '../src/finalizer.ts',
  };
  return Object.entries(imports).flatMap(([path, module]) =>
    readText(join(dir, path))?.includes(module) === true ? [path] : [],
  );
}

/** Files outside of the chart that name the operator, and that are written once. */
const NAMING_FILES = ['.github/workflows/operator.yaml', 'Dockerfile', 'README.md'];

/** The charts of former names of the operator: they have the file that only our charts have. */
function describeFormerCharts(
  dir: string,
  { operatorName }: Model,
  rendered: readonly ProjectFile[],
): readonly string[] {
  const charts = globSync('charts/*/templates/_overrides.tpl', { cwd: dir })
    .map((path) => path.split(/[/\\]/)[1] ?? '')
    .filter((name) => name !== operatorName)
    .sort();
  return charts.flatMap((name) => {
    const edited = editedChartFiles(dir, name, { operatorName, rendered });
    const edits = edited.length > 0 ? `your edits of ${edited.join(', ')}` : 'your own files';
    const naming = NAMING_FILES.filter((path) => readText(join(dir, path))?.includes(name));
    return [
      `charts/${name} is the chart of an operator that this project no longer has: move ${edits} to charts/${operatorName}, then delete the folder`,
      ...(naming.length > 0 ? [`${naming.join(', ')} still name ${name}`] : []),
    ];
  });
}

/** Files of a former chart that a user has edited, relative to the chart. */
function editedChartFiles(
  dir: string,
  name: string,
  now: { readonly operatorName: string; readonly rendered: readonly ProjectFile[] },
): readonly string[] {
  const folder = `charts/${now.operatorName}/`;
  return now.rendered
    .filter(
      ({ path, ownership }) =>
        path.startsWith(folder) && !path.endsWith('README.md') && ownership !== 'generated',
    )
    .flatMap(({ path, content }) => {
      const inChart = path.slice(folder.length);
      const disk = readText(join(dir, 'charts', name, inChart));
      const former = content.toString().replaceAll(now.operatorName, name);
      return disk === undefined || disk === former ? [] : [inChart];
    })
    .sort((a, b) => b.localeCompare(a));
}

function testFilesOf(dir: string, name: string): readonly string[] {
  const path = `test/${name.replace(/\.ts$/, '.test.ts')}`;
  return readText(join(dir, path))?.includes(`../src/workers/${name}`) === true ? [path] : [];
}

/**
 * Whether every worker is still a stub. Such an operator does nothing, so a breaking change of its
 * CRD harms no resource.
 */
export function hasOnlyStubs(dir: string): boolean {
  const workers = findWorkers(dir);
  return workers.length > 0 && workers.every(({ text }) => text.includes('return notImplemented('));
}

/**
 * Files of src/workers that are or were a worker: they import generated types. Other files of the
 * folder are the user's own modules.
 */
function findWorkers(dir: string): readonly { readonly name: string; readonly text: string }[] {
  const folder = join(dir, 'src/workers');
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  return names
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ name, text: readText(join(folder, name)) ?? '' }))
    .filter(({ name, text }) => text.includes(`../generated/${name}`));
}

/** Names of the packages that are new in package.json or have a new version. */
export function findPackagesToInstall(
  dir: string,
  changes: readonly FileChange[],
): readonly string[] {
  const change = changes.find(
    ({ path, action }) => path === 'package.json' && action !== 'create' && action !== 'remove',
  );
  if (change === undefined) {
    return [];
  }
  const before = readPackageVersions(readText(join(dir, 'package.json')));
  return Object.entries(readPackageVersions(change.content?.toString())).flatMap(
    ([name, version]) => (before[name] === version ? [] : [name]),
  );
}

function readPackageVersions(text = '{}'): Readonly<Record<string, string>> {
  try {
    const { dependencies, devDependencies } = JSON.parse(text) as Readonly<
      Record<string, Readonly<Record<string, string>>>
    >;
    return { ...dependencies, ...devDependencies };
  } catch {
    // A file with conflict marks is no JSON. The summary names such files.
    return {};
  }
}

/**
 * Sentences about kinds that are no longer written. The operator has no RBAC rules for such a kind
 * any more, so it can neither clean up nor report leftovers.
 */
function describeDroppedKinds(model: Model, previousKinds: readonly string[]): readonly string[] {
  const kept = unownedKinds(model);
  return previousKinds
    .filter((kind) => !kept.includes(kind))
    .map(
      (kind) =>
        `${kind}: nothing edits it in place or writes it elsewhere any more, so what a ${model.kind} has left there stays, also when it is deleted. ` +
        `Where there may be any, bring it back in inputs and outputs with prune: true and an empty list, until no object has the annotation ${model.group}/field-claims or the label ${model.group}/owner-uid`,
    );
}

function changedParts(before: string, after: string): readonly string[] {
  return [
    ['next', 'Next'],
    ['inputs', 'Inputs'],
    ['outputs', 'Outputs'],
  ].flatMap(([word = '', type = '']) =>
    declarationOf(before, type) === declarationOf(after, type) ? [] : [word],
  );
}

function declarationOf(text: string, type: string): string {
  return (
    new RegExp(`export (?:type|interface) \\w*${type}\\b[^]*?(?=\n\n|\n$)`).exec(text)?.[0] ?? ''
  );
}
