/** A project on disk: found, loaded, planned and brought up to date. */
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
import { parseOperatorConfig, initialOperatorConfig } from '../model/operator-config.ts';
import { packageVersion } from '../util/package-root.ts';
import { PROJECT_FILE } from './find-project.ts';
import { planWrites } from './plan.ts';
import type { Plan } from './plan.ts';
import { resolveRuntimeSource } from './vendor.ts';
import { writePlan, refuseEdited } from './write-files.ts';

export type RuntimeChoice = 'vendor' | 'registry';

export interface GenerateOptions {
  /** Default: what the project has, else `vendor`. */
  readonly runtime?: RuntimeChoice;
  /** Rewrite generated files although they were edited by hand. */
  readonly force?: boolean;
  /** Write nothing when a merge would leave conflicts. */
  readonly bail?: boolean;
  /**
   * Write although resources that are stored may not fit the new CRD; or only as far as these paths
   * are concerned.
   */
  readonly acceptBreaking?: boolean | readonly string[];
  /** Read CRDs that come from the cluster once more. */
  readonly refresh?: boolean;
  /** Decide, write nothing. */
  readonly dryRun?: boolean;
  /**
   * Text of autopilot.yaml to generate from instead of the one on disk; it is written along with
   * the rest.
   */
  readonly projectText?: string;
  /** The user's files that move: written anew at their place (see `seed`), removed here. */
  readonly removed?: readonly string[];
  /** Further files that are the user's, taken instead of the stubs of the same path. */
  readonly seed?: readonly ProjectFile[];
}

export interface GenerateResult {
  readonly model: Model;
  readonly plan: Plan;
  readonly notices: ReviewNotices;
  /** Packages that package.json asks for now and did not before. */
  readonly packagesToInstall: readonly string[];
  /** What the new CRD would do to stored resources, and nobody has accepted. */
  readonly breakingChanges: readonly BreakingChange[];
}

/**
 * Brings a project up to date with its autopilot.yaml and src/spec.ts. Nothing is written when
 * anything is wrong.
 * @throws Error with every problem of autopilot.yaml or src/spec.ts, the generated files that were
 * edited, or what the new CRD would break
 */
export async function generateProject(
  dir: string,
  options: GenerateOptions = {},
): Promise<GenerateResult> {
  const lock = readLock(dir);
  refuseOlderGenerator(lock, packageVersion);
  const text = options.projectText ?? readText(join(dir, PROJECT_FILE));
  if (text === undefined) {
    throw new Error(`there is no ${PROJECT_FILE} in ${dir}`);
  }
  const custom = await resolveCustomKinds(
    dir,
    requireModel(text, PROJECT_FILE).crds,
    options.refresh,
  );
  const model = requireModel(text, PROJECT_FILE, custom.kinds);
  const runtime = options.runtime ?? lock?.runtime ?? 'vendor';
  const seed = [...(options.seed ?? []), ...custom.files];
  const seeded = (path: string): string | undefined =>
    readText(join(dir, path)) ?? seed.find((file) => file.path === path)?.content.toString();
  const operatorConfig = seeded('autopilot-operator.yaml') ?? initialOperatorConfig();
  const running = parseOperatorConfig(operatorConfig, 'autopilot-operator.yaml');
  const { compileSpec } = await import('../crd/build-crd.ts');
  const { renderProject } = await import('./render-project.ts');
  const { renderSpec } = await import('./project-templates.ts');
  const { crd, config } = await withSpecFile(
    dir,
    seeded('src/spec.ts') ?? renderSpec(model),
    async (file) => compileSpec(model, file),
  );
  if (config !== undefined) {
    await checkUserConfig(running.config ?? {}, config, model);
  }
  const sample = seeded(`examples/${model.kind.toLowerCase()}.yaml`);
  const rendered = renderProject(model, {
    crd,
    ...(config && { config }),
    operatorConfig,
    sample,
    ...resolveRuntimeSource(runtime),
  });
  const files = [
    ...seed,
    ...rendered.filter(({ path }) => !seed.some((file) => file.path === path)),
  ];
  const notices = findReviewNotices(dir, model, rendered, lock?.unownedKinds);
  const planned = planWrites(dir, files, {
    version: packageVersion,
    runtime,
    unownedKinds: unownedKinds(model),
    ...(options.force !== undefined && { force: options.force }),
  });
  const gone = [...(options.removed ?? []), ...findLeftoverFiles(dir, model)].map(
    (path) => ({ action: 'remove', path }) as const,
  );
  const plan = { ...planned, changes: [...planned.changes, ...gone] };
  const whole =
    options.projectText === undefined
      ? plan
      : withProjectText(dir, options.projectText, plan, seed);
  if (options.bail && whole.conflicts.length > 0) {
    throw new Error(
      `${whole.conflicts.join(', ')}: you and the generator have changed the same lines. Nothing was written (--bail).`,
    );
  }
  const accepted = options.acceptBreaking ?? false;
  const breakingChanges =
    accepted === true || hasOnlyStubs(dir)
      ? []
      : (await breakingChangesSince(dir, crd)).filter(
          ({ path }) => accepted === false || !accepted.includes(path),
        );
  const packagesToInstall = findPackagesToInstall(dir, whole.changes);
  if (!options.dryRun) {
    await refuseIfBreaking(breakingChanges);
    writePlan(dir, whole);
  }
  return { model, plan: whole, notices, packagesToInstall, breakingChanges };
}

/**
 * @throws Error when the user's `config:` is not what its interface says: the operator would refuse
 * to start
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

/** Compared with the CRD that was generated last. */
async function breakingChangesSince(dir: string, crd: object): Promise<readonly BreakingChange[]> {
  const before = readText(join(dir, basePath('src/generated/crd.json')));
  if (before === undefined) {
    return [];
  }
  const { findBreakingChanges } = await import('../crd/compatibility.ts');
  return findBreakingChanges(JSON.parse(before) as object, crd);
}

async function refuseIfBreaking(breaks: readonly BreakingChange[]): Promise<void> {
  if (breaks.length > 0) {
    (await import('../crd/compatibility.ts')).refuseBreakingChanges(breaks);
  }
}

/** True when generating would change nothing. */
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
 * What is taken along comes before autopilot.yaml: interrupted after it, the next generate would
 * put stubs in its place.
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
 * The spec as a file: the project's own, so that its imports are found, or a temporary one before
 * there is any.
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
