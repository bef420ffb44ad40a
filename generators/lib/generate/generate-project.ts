/** A project on disk: found, loaded, planned and brought up to date. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beyondOwners } from './chart/rights.ts';
import { attentionOf, hasOnlyStubs, toInstall } from './attention.ts';
import type { Attention } from './attention.ts';
import type { Break } from './crd/breaking.ts';
import { customKinds } from './custom-kinds.ts';
import { requireModel } from './load.ts';
import { basePath, readLock, readText, refuseOlder } from './lock.ts';
import type { Model, ProjectFile } from './model.ts';
import { leftBehind } from './moved.ts';
import { loadOperatorConfig, operatorConfigText } from './operator-config.ts';
import { packageVersion } from './package-root.ts';
import { PROJECT_FILE } from './project-file.ts';
import { planWrites } from './plan.ts';
import type { Plan } from './plan.ts';
import { runtimeSource } from './vendor.ts';
import { carryOut, refuseEdited } from './write.ts';

export type RuntimeChoice = 'vendor' | 'registry';

export interface GenerateOptions {
  /** Default: what the project has, else `vendor`. */
  readonly runtime?: RuntimeChoice;
  /** Rewrite generated files although they were edited by hand. */
  readonly force?: boolean;
  /** Write nothing when a merge would leave conflicts. */
  readonly bail?: boolean;
  /** Write although resources that are stored may not fit the new CRD; or only as far as these paths are concerned. */
  readonly acceptBreaking?: boolean | readonly string[];
  /** Read CRDs that come from the cluster once more. */
  readonly refresh?: boolean;
  /** Decide, write nothing. */
  readonly dryRun?: boolean;
  /** Text of autopilot.yaml to generate from instead of the one on disk; it is written along with the rest. */
  readonly projectText?: string;
  /** The user's files that move: written anew at their place (see `seed`), removed here. */
  readonly removed?: readonly string[];
  /** Further files that are the user's, taken instead of the stubs of the same path. */
  readonly seed?: readonly ProjectFile[];
}

export interface Generated {
  readonly model: Model;
  readonly plan: Plan;
  readonly attention: Attention;
  /** Packages that package.json asks for now and did not before. */
  readonly install: readonly string[];
  /** What the new CRD would do to stored resources, and nobody has accepted. */
  readonly breaks: readonly Break[];
}

/**
 * Brings a project up to date with its autopilot.yaml and src/spec.ts. Nothing is written when anything is wrong.
 * @throws Error with every problem of autopilot.yaml or src/spec.ts, the generated files that were edited, or what the new CRD would break
 */
export async function generateProject(dir: string, options: GenerateOptions = {}): Promise<Generated> {
  const lock = readLock(dir);
  refuseOlder(lock, packageVersion);
  const text = options.projectText ?? readText(join(dir, PROJECT_FILE));
  if (text === undefined) throw new Error(`there is no ${PROJECT_FILE} in ${dir}`);
  const custom = await customKinds(dir, requireModel(text, PROJECT_FILE).crds, options.refresh);
  const model = requireModel(text, PROJECT_FILE, custom.kinds);
  const runtime = options.runtime ?? lock?.runtime ?? 'vendor';
  const seed = [...(options.seed ?? []), ...custom.files];
  const seeded = (path: string): string | undefined => readText(join(dir, path)) ?? seed.find((file) => file.path === path)?.content.toString();
  const operatorConfig = seeded('autopilot-operator.yaml') ?? operatorConfigText;
  const running = loadOperatorConfig(operatorConfig, 'autopilot-operator.yaml');
  const { describe } = await import('./crd/index.ts');
  const { render } = await import('./render/render.ts');
  const { specStub } = await import('./render/yours.ts');
  const { crd, config } = await withSpecFile(dir, seeded('src/spec.ts') ?? specStub(model), async (file) => describe(model, file));
  if (config !== undefined) await checkUserConfig(running.config ?? {}, config, model);
  const sample = seeded(`examples/${model.kind.toLowerCase()}.yaml`);
  const rendered = render(model, { crd, ...(config && { config }), operatorConfig, sample, ...runtimeSource(runtime) });
  const files = [...seed, ...rendered.filter(({ path }) => !seed.some((file) => file.path === path))];
  const attention = attentionOf(dir, model, rendered, lock?.beyondOwners);
  const planned = planWrites(dir, files, {
    version: packageVersion,
    runtime,
    beyondOwners: beyondOwners(model),
    ...(options.force !== undefined && { force: options.force }),
  });
  const gone = [...(options.removed ?? []), ...leftBehind(dir, model)].map((path) => ({ action: 'remove', path }) as const);
  const plan = { ...planned, changes: [...planned.changes, ...gone] };
  const whole = options.projectText === undefined ? plan : withProjectText(dir, options.projectText, plan, seed);
  if (options.bail && whole.conflicts.length > 0)
    throw new Error(`${whole.conflicts.join(', ')}: you and the generator have changed the same lines. Nothing was written (--bail).`);
  const accepted = options.acceptBreaking ?? false;
  const breaks =
    accepted === true || hasOnlyStubs(dir) ? [] : (await breaksSince(dir, crd)).filter(({ path }) => accepted === false || !accepted.includes(path));
  const install = toInstall(dir, whole.changes);
  if (!options.dryRun) {
    await refuse(breaks);
    carryOut(dir, whole);
  }
  return { model, plan: whole, attention, install, breaks };
}

/** @throws Error when the user's `config:` is not what its interface says: the operator would refuse to start */
async function checkUserConfig(value: object, schema: object, { kind }: Model): Promise<void> {
  const { misfit } = await import('./crd/fits.ts');
  const problem = misfit(value, schema, 'config');
  if (problem !== undefined) throw new Error(`autopilot-operator.yaml: ${problem} (its type is the interface ${kind}Config of src/spec.ts)`);
}

/** Compared with the CRD that was generated last. */
async function breaksSince(dir: string, crd: object): Promise<readonly Break[]> {
  const before = readText(join(dir, basePath('src/generated/crd.json')));
  if (before === undefined) return [];
  const { breaksOf } = await import('./crd/breaking.ts');
  return breaksOf(JSON.parse(before) as object, crd);
}

async function refuse(breaks: readonly Break[]): Promise<void> {
  if (breaks.length > 0) (await import('./crd/breaking.ts')).refuseBreaks(breaks);
}

/** True when generating would change nothing. */
export function upToDate(plan: Plan): boolean {
  return plan.changes.length === 0 && plan.records.length === 0 && plan.edited.length === 0 && plan.conflicts.length === 0;
}

export { refuseEdited };

/** What is taken along comes before autopilot.yaml: interrupted after it, the next generate would put stubs in its place. */
function withProjectText(dir: string, text: string, plan: Plan, seed: readonly ProjectFile[]): Plan {
  const disk = readText(join(dir, PROJECT_FILE));
  if (disk === text) return plan;
  const taken = new Set(seed.map(({ path }) => path));
  const project = { action: disk === undefined ? 'create' : 'update', path: PROJECT_FILE, content: text } as const;
  return { ...plan, changes: [...plan.changes.filter(({ path }) => taken.has(path)), project, ...plan.changes.filter(({ path }) => !taken.has(path))] };
}

/** The spec as a file: the project's own, so that its imports are found, or a temporary one before there is any. */
async function withSpecFile<T>(dir: string, text: string, use: (file: string) => Promise<T>): Promise<T> {
  const own = join(dir, 'src/spec.ts');
  if (existsSync(own)) return use(own);
  const temporary = mkdtempSync(join(tmpdir(), 'autopilot-spec-'));
  try {
    const file = join(temporary, 'spec.ts');
    writeFileSync(file, text);
    return await use(file);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
