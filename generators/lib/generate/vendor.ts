/** How a project gets the runtime: packed files carried in `vendor/`, or the registry. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProjectFile } from '../model/model.ts';
import { packageRoot, packageVersion } from '../util/package-root.ts';
import type { RuntimeDependencies } from './project-templates.ts';

export interface RuntimeSource {
  readonly dependency: RuntimeDependencies;
  readonly vendor: readonly ProjectFile[];
}

/**
 * @throws Error when the packed files are missing, which is so in a checkout that was never built
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
