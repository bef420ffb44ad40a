/** Source of a project's runtime: packed files in `vendor/`, or the npm registry. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProjectFile } from '../model/model.ts';
import { packageRoot, packageVersion } from '../util/package-root.ts';
import type { RuntimeDependencies } from './project-templates.ts';

/** What a project needs to install runtime and sandbox. */
export interface RuntimeSource {
  /** Versions for package.json. */
  readonly dependency: RuntimeDependencies;
  /** Files for `vendor/`. Empty with the registry. */
  readonly vendor: readonly ProjectFile[];
}

/**
 * Asks npm whether the packages that a project with `--runtime registry` names are in its registry.
 * A registry that does not answer is no refusal: `npm install` says so later.
 *
 * @throws Error when the registry has no such package or no such version
 */
export async function requirePublishedPackages(): Promise<void> {
  const { execa } = await import('execa');
  const wanted = ['runtime', 'sandbox'].map((part) => `autopilot-${part}@^${packageVersion}`);
  const answers = wanted.map(async (spec) => {
    const answer = await execa('npm', ['view', spec, 'version', '--json'], { reject: false });
    const isUnknown = answer.failed
      ? `${answer.stdout}${answer.stderr}`.includes('E404')
      : answer.stdout.trim() === '';
    return isUnknown ? [spec] : [];
  });
  const missing = (await Promise.all(answers)).flat();
  if (missing.length > 0) {
    throw new Error(
      `--runtime registry: npm's registry has no ${missing.join(' and no ')}. Leave the option out: the project then carries the packages in vendor/`,
    );
  }
}

/**
 * Finds the packed runtime and sandbox.
 *
 * @throws Error when they are missing, as in a checkout that was never built
 */
export function resolveRuntimeSource(runtime: 'vendor' | 'registry'): RuntimeSource {
  if (runtime === 'registry') {
    return {
      dependency: { runtime: `^${packageVersion}`, sandbox: `^${packageVersion}` },
      vendor: [],
    };
  }
  const dir = join(packageRoot, 'dist', 'vendor');
  const names = existsSync(dir) ? readdirSync(dir).sort() : [];
  const files = ['runtime', 'sandbox'].map((part) => {
    const name = names.findLast(
      (candidate) => candidate.startsWith(`autopilot-${part}-`) && candidate.endsWith('.tgz'),
    );
    if (name === undefined) {
      throw new Error(
        `the packed autopilot-${part} is missing in ${dir}: run 'npm run build' there first, or pass --runtime registry`,
      );
    }
    return {
      path: `vendor/${name}`,
      content: readFileSync(join(dir, name)),
      ownership: 'generated',
    } satisfies ProjectFile;
  });
  const [packedRuntime, packedSandbox] = files;
  return {
    dependency: { runtime: `file:${packedRuntime?.path}`, sandbox: `file:${packedSandbox?.path}` },
    vendor: files,
  };
}
