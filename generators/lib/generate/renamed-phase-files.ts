/** User-owned files of a renamed phase: its worker and its test move to the new name. */
import { join } from 'node:path';
import { readText } from '../util/files.ts';
import type { FileRead } from './project-lock.ts';
import type { Model, ProjectFile } from '../model/model.ts';

/** The files that a rename moves. */
export interface RenamedPhaseFiles {
  /** The files at their new paths, with imports that follow the rename. */
  readonly seed: readonly ProjectFile[];
  /** The old paths. */
  readonly removed: readonly string[];
  /** The files at their old paths, as they were read. */
  readonly read: readonly FileRead[];
}

/**
 * Finds the files of a renamed phase.
 *
 * @param from file name of the phase before: `waiting`
 * @param to file name of the phase after
 */
export function findRenamedPhaseFiles(dir: string, from: string, to: string): RenamedPhaseFiles {
  const found =
    from === to
      ? []
      : renamedPaths(from, to).flatMap(([old, path]) => {
          const content = renamedContent(dir, old, from, to);
          // An existing file stays, unless an interrupted rename has written it.
          const there = readText(join(dir, path));
          return content !== undefined && (there === undefined || there === content)
            ? [
                {
                  old: { path: old, text: readText(join(dir, old)) },
                  file: { path, content, ownership: 'user-owned' as const },
                },
              ]
            : [];
        });
  return {
    seed: found.map(({ file }) => file),
    removed: found.map(({ old }) => old.path),
    read: found.map(({ old }) => old),
  };
}

/** Old paths of files that an interrupted rename has copied but not removed. */
export function findLeftoverFiles(dir: string, { phases }: Model): readonly string[] {
  const files = new Set(phases.map(({ file }) => file));
  return phases.flatMap(({ file, formerly }) =>
    formerly
      .map((name) => name.toLowerCase())
      .filter((old) => !files.has(old))
      .flatMap((old) =>
        renamedPaths(old, file).flatMap(([before, path]) => {
          const content = renamedContent(dir, before, old, file);
          return content !== undefined && content === readText(join(dir, path)) ? [before] : [];
        }),
      ),
  );
}

function renamedPaths(from: string, to: string): readonly (readonly [string, string])[] {
  return [
    [`src/workers/${from}.ts`, `src/workers/${to}.ts`],
    [`test/${from}.test.ts`, `test/${to}.test.ts`],
  ];
}

function renamedContent(dir: string, path: string, from: string, to: string): string | undefined {
  return readText(join(dir, path))?.replaceAll(
    new RegExp(`(/(?:generated|workers))/${from}\\.ts(['"])`, 'g'),
    `$1/${to}.ts$2`,
  );
}
