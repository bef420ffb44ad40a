/** The entry points of the three packages, as their `exports` name them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './build.ts';

const FOLDERS = ['runtime', 'sandbox', '.'] as const;

/** One subpath of `exports` that has types. */
export interface ApiEntry {
  /** Folder of the package, relative to the repository. */
  readonly folder: string;
  /** Name of the package, followed by `-` and the subpath when there is one. */
  readonly name: string;
  /** Absolute path of the source file. */
  readonly source: string;
  /** Absolute path of the compiled declarations. */
  readonly types: string;
}

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

/** @returns every entry point of the three packages, in the order of their package.json. */
export function apiEntries(): readonly ApiEntry[] {
  return FOLDERS.flatMap((folder) => {
    const text = readFileSync(join(root, folder, 'package.json'), 'utf8');
    const manifest = JSON.parse(text) as Manifest;
    return Object.entries(manifest.exports).flatMap(([subpath, target]) => {
      if (typeof target === 'string') {
        return [];
      }
      const { 'autopilot-source': source, types } = target;
      if (source === undefined || types === undefined) {
        throw new Error(`${manifest.name}: exports['${subpath}'] lacks autopilot-source or types`);
      }
      const suffix = subpath.slice(1).replaceAll('/', '-');
      return [
        {
          folder,
          name: `${manifest.name}${suffix}`,
          source: join(root, folder, source),
          types: join(root, folder, types),
        },
      ];
    });
  });
}
