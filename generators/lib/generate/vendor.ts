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
