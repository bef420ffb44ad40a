/** Generates a project: loads it, renders its files, plans the changes and writes them. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unownedKinds } from '../rbac/finalizer.ts';
import { findReviewNotices, hasOnlyStubs, findPackagesToInstall } from './review-notices.ts';
import type { ReviewNotices } from './review-notices.ts';
import type { BreakingChange } from '../crd/compatibility.ts';
import { resolveCustomKinds } from '../kinds/custom-kinds.ts';
import { requireModel } from '../model/load.ts';
import { basePath, readLock, refuseOlderGenerator } from './lock.ts';
import { readText } from '../util/files.ts';
import type { Model, ProjectFile } from '../model/model.ts';
import { findLeftoverFiles } from './renamed-phase-files.ts';
import { renamedOperatorNotes } from './renamed-operator.ts';
import { parseOperatorConfig, initialOperatorConfig } from '../model/operator-config.ts';
import { packageVersion } from '../util/package-root.ts';
import { PROJECT_FILE, refuseOtherEnding } from './find-project.ts';
import { acquireProjectLock, refuseChanged } from './project-lock.ts';
import type { FileRead } from './project-lock.ts';
import { planWrites } from './plan.ts';
import type { Plan } from './plan.ts';
import { resolveRuntimeSource } from './vendor.ts';
import { writePlan, refuseEdited, refuseOutside } from './write-files.ts';

/** Source of a project's runtime: packed files in vendor/, or the npm registry. */
export type RuntimeChoice = 'vendor' | 'registry';

/** Options of `generateProject`. */
export interface GenerateOptions {
  /** Source of the runtime. Default: the one the project has, `vendor` for a new project. */
  readonly runtime?: RuntimeChoice;
  /** Whether generated files are rewritten even if a user has edited them. Default: false. */
  readonly force?: boolean;
  /** Whether nothing is written when a merge would leave conflict marks. Default: false. */
  readonly bail?: boolean;
  /**
   * Changes of the CRD that stored resources may not fit and that are written anyway: all of them,
   * or those of the given paths. Default: none.
   */
  readonly acceptBreaking?: boolean | readonly string[];
  /** Whether CRDs from the cluster are read again. Default: false. */
  readonly refresh?: boolean;
  /** Whether the plan is only made, and nothing is written. Default: false. */
  readonly dryRun?: boolean;
  /** Text of autopilot.yaml to generate from and to write. Default: the file on disk. */
  readonly projectText?: string;
  /**
   * The files as they were when the change began. Nothing is written when they are different now.
   * Default: autopilot.yaml as it is when this generate begins.
   */
  readonly basedOn?: readonly FileRead[];
  /** Paths of user-owned files to remove, because `seed` has them at another path. */
  readonly removed?: readonly string[];
  /** User-owned files that are written in place of the stubs with the same path. */
  readonly seed?: readonly ProjectFile[];
}

/** What a generate has done, or would do with `dryRun`. */
export interface GenerateResult {
  /** The model of autopilot.yaml. */
  readonly model: Model;
  /** The changes of files. */
  readonly plan: Plan;
  /** What a user should review. */
  readonly notices: ReviewNotices;
  /** npm packages that are new in package.json. */
  readonly packagesToInstall: readonly string[];
  /**
   * Changes of the CRD that stored resources may not fit and that `acceptBreaking` does not name.
   */
  readonly breakingChanges: readonly BreakingChange[];
}

/**
 * Brings a project up to date with its autopilot.yaml and src/spec.ts. Nothing is written when
 * anything is wrong.
 *
 * @param dir the project's folder
 * @throws Error with every problem of autopilot.yaml or src/spec.ts, with the generated files that
 * were edited, with the breaking changes of the CRD, or with a symbolic link that a change would be
 * written through; FileChangedError when the project was changed meanwhile
 */
export async function generateProject(
  dir: string,
  options: GenerateOptions = {},
): Promise<GenerateResult> {
  const readBefore = options.basedOn ?? [
    { path: PROJECT_FILE, text: readText(join(dir, PROJECT_FILE)) },
  ];
  const lock = readLock(dir);
  refuseOlderGenerator(lock, packageVersion);
  const { model, seed, foreignCrds } = await loadProject(dir, options);
  const runtime = options.runtime ?? lock?.runtime ?? 'vendor';
  const lastCrd = readLastCrd(dir);
  const input = { seed, runtime, foreignCrds, lastCrd };
  const { files: rendered, crd } = await renderFiles(dir, model, input);
  const files = [
    ...seed,
    ...rendered.filter((file) => isWanted(dir, file, new Set(seed.map(({ path }) => path)))),
  ];
  const makePlan = (): Plan => planProject(dir, files, { model, options, seed, runtime });
  const notices = findReviewNotices(dir, model, rendered, lock?.unownedKinds);
  const plan = makePlan();
  const accepted = options.acceptBreaking ?? false;
  const breakingChanges = await findUnacceptedChanges(dir, { lastCrd, crd }, accepted);
  const packagesToInstall = findPackagesToInstall(dir, plan.changes);
  const result = { model, plan, notices, packagesToInstall, breakingChanges };
  if (options.dryRun) {
    return result;
  }
  await refuseIfBreaking(breakingChanges);
  refuseEdited(plan);
  if (plan.changes.length + plan.records.length === 0) {
    return result;
  }
  using projectLock = await acquireProjectLock(dir);
  refuseChanged(dir, readBefore);
  // Another command may have written since the first plan.
  const latest = makePlan();
  writePlan(dir, latest, projectLock.deadHolder);
  return { ...result, plan: latest };
}

interface PlanInput {
  readonly model: Model;
  readonly options: GenerateOptions;
  readonly seed: readonly ProjectFile[];
  readonly runtime: RuntimeChoice;
}

/** Plans all changes of a project. Refuses those that must not be written. */
function planProject(
  dir: string,
  files: readonly ProjectFile[],
  { model, options, seed, runtime }: PlanInput,
): Plan {
  const planned = planWrites(dir, files, {
    version: packageVersion,
    runtime,
    unownedKinds: unownedKinds(model),
    ...(options.force !== undefined && { force: options.force }),
  });
  const plan = addProjectChanges(dir, planned, { model, options, seed });
  refuseOutside(dir, [...plan.changes, ...plan.records]);
  if (options.bail && plan.conflicts.length > 0) {
    throw new Error(
      `${plan.conflicts.join(', ')}: you and the generator have changed the same lines. Nothing was written (--bail).`,
    );
  }
  return plan;
}

/** Whether a rendered file is generated now: it is neither seeded nor a test that was deleted. */
function isWanted(
  dir: string,
  { path, testOf }: ProjectFile,
  seeded: ReadonlySet<string>,
): boolean {
  const exists = (file: string): boolean => existsSync(join(dir, file));
  const isStub = (file: string): boolean => !seeded.has(file) && !exists(file);
  return !seeded.has(path) && (testOf === undefined || exists(path) || isStub(testOf));
}

interface LoadedProject {
  readonly model: Model;
  /** CRDs of other kinds, which customParameters name. */
  readonly foreignCrds: readonly object[];
  /** The files of `options.seed`, and those of CRDs that were read from the cluster. */
  readonly seed: readonly ProjectFile[];
}

async function loadProject(dir: string, options: GenerateOptions): Promise<LoadedProject> {
  const text = options.projectText ?? readText(join(dir, PROJECT_FILE));
  if (text === undefined) {
    refuseOtherEnding(dir, PROJECT_FILE);
  }
  if (text === undefined) {
    throw new Error(`there is no ${PROJECT_FILE} in ${dir}`);
  }
  const { crds } = requireModel(text, PROJECT_FILE);
  const custom = await resolveCustomKinds(dir, crds, options.refresh);
  return {
    model: requireModel(text, PROJECT_FILE, custom.kinds),
    foreignCrds: custom.crds,
    seed: [...(options.seed ?? []), ...custom.files],
  };
}

/** Compiles src/spec.ts, validates the user's `config:` and renders all files. */
async function renderFiles(
  dir: string,
  model: Model,
  {
    seed,
    runtime,
    foreignCrds,
    lastCrd,
  }: Pick<LoadedProject, 'seed' | 'foreignCrds'> & {
    readonly runtime: RuntimeChoice;
    readonly lastCrd: object | undefined;
  },
): Promise<{ files: readonly ProjectFile[]; crd: object }> {
  refuseOtherEnding(dir, 'autopilot-operator.yaml');
  const read = (path: string): string | undefined =>
    readText(join(dir, path)) ?? seed.find((file) => file.path === path)?.content.toString();
  const operatorConfig = read('autopilot-operator.yaml') ?? initialOperatorConfig();
  const settings = parseOperatorConfig(operatorConfig, 'autopilot-operator.yaml');
  const { compileSpec } = await import('../crd/build-crd.ts');
  const { renderProject } = await import('./render-project.ts');
  const { renderSpec } = await import('./project-templates.ts');
  const spec = read('src/spec.ts') ?? renderSpec(model);
  const { crd, config } = await withSpecFile(dir, spec, async (file) => compileSpec(model, file));
  if (config !== undefined) {
    await checkUserConfig(settings.config ?? {}, config, model);
  }
  const files = renderProject(model, {
    crd,
    foreignCrds,
    ...(config && { config }),
    operatorConfig,
    sample: read(`examples/${model.kind.toLowerCase()}.yaml`),
    lastApiVersion: lastCrd && apiVersionOf(lastCrd),
    ...resolveRuntimeSource(runtime),
  });
  return { files, crd };
}

/** Adds to a plan what is not generated: autopilot.yaml, and user-owned files that are removed. */
function addProjectChanges(
  dir: string,
  plan: Plan,
  { model, options, seed }: Omit<PlanInput, 'runtime'>,
): Plan {
  const removed = [...(options.removed ?? []), ...findLeftoverFiles(dir, model)].map(
    (path) => ({ action: 'remove', path }) as const,
  );
  const notes = [...plan.notes, ...renamedOperatorNotes(dir, model)];
  const whole = { ...plan, notes, changes: [...plan.changes, ...removed] };
  return options.projectText === undefined
    ? whole
    : withProjectText(dir, options.projectText, whole, seed);
}

/** Breaking changes of the CRD. A project of stubs has none: it has no resources that work. */
async function findUnacceptedChanges(
  dir: string,
  { lastCrd, crd }: { readonly lastCrd: object | undefined; readonly crd: object },
  accepted: boolean | readonly string[],
): Promise<readonly BreakingChange[]> {
  if (accepted === true || lastCrd === undefined || hasOnlyStubs(dir)) {
    return [];
  }
  const { findBreakingChanges } = await import('../crd/compatibility.ts');
  const changes = findBreakingChanges(lastCrd, crd);
  return changes.filter(({ path }) => accepted === false || !accepted.includes(path));
}

/**
 * Validates the user's `config:`, because the operator would refuse to start with a wrong one.
 *
 * @throws Error with file, field and interface when the value does not fit the interface
 */
async function checkUserConfig(value: object, schema: object, { kind }: Model): Promise<void> {
  const { validateValue } = await import('../util/validate-value.ts');
  const problem = validateValue(value, schema, 'config');
  if (problem !== undefined) {
    throw new Error(
      `autopilot-operator.yaml: ${problem} (its type is the interface ${kind}Config of src/spec.ts)`,
    );
  }
}

/** The CRD that was generated last. Undefined for a new project. */
function readLastCrd(dir: string): object | undefined {
  const text = readText(join(dir, basePath('src/generated/crd.json')));
  return text === undefined ? undefined : (JSON.parse(text) as object);
}

/** Group and version that a generated CRD stores. */
function apiVersionOf(crd: object): string {
  const { spec } = crd as {
    spec: { group: string; versions: readonly { name: string; storage: boolean }[] };
  };
  return `${spec.group}/${spec.versions.find(({ storage }) => storage)?.name}`;
}

async function refuseIfBreaking(breaks: readonly BreakingChange[]): Promise<void> {
  if (breaks.length > 0) {
    (await import('../crd/compatibility.ts')).refuseBreakingChanges(breaks);
  }
}

/** Whether generating would change nothing. */
export function upToDate(plan: Plan): boolean {
  return (
    plan.changes.length === 0 &&
    plan.records.length === 0 &&
    plan.edited.length === 0 &&
    plan.conflicts.length === 0
  );
}

export { refuseEdited };

/**
 * Adds autopilot.yaml to a plan, after the seeded files. In another order, a generate that follows
 * an interrupted one would write stubs in place of the seeded files.
 */
function withProjectText(
  dir: string,
  text: string,
  plan: Plan,
  seed: readonly ProjectFile[],
): Plan {
  const disk = readText(join(dir, PROJECT_FILE));
  if (disk === text) {
    return plan;
  }
  const taken = new Set(seed.map(({ path }) => path));
  const project = {
    action: disk === undefined ? 'create' : 'update',
    path: PROJECT_FILE,
    content: text,
  } as const;
  return {
    ...plan,
    changes: [
      ...plan.changes.filter(({ path }) => taken.has(path)),
      project,
      ...plan.changes.filter(({ path }) => !taken.has(path)),
    ],
  };
}

/**
 * Calls `use` with the path of src/spec.ts: the project's own, so that its imports resolve, or a
 * temporary file when the project has none yet.
 */
async function withSpecFile<T>(
  dir: string,
  text: string,
  use: (file: string) => Promise<T>,
): Promise<T> {
  const own = join(dir, 'src/spec.ts');
  if (existsSync(own)) {
    return use(own);
  }
  const temporary = mkdtempSync(join(tmpdir(), 'autopilot-spec-'));
  try {
    const file = join(temporary, 'spec.ts');
    writeFileSync(file, text);
    return await use(file);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
