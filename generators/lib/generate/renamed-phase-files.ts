/**
 * The user's files of a phase that is renamed: its worker and its test go where the new name says.
 */
import { join } from 'node:path';
import { readText } from '../util/files.ts';
import type { Model, ProjectFile } from '../model/model.ts';

export interface RenamedPhaseFiles {
  /** At their new place; only their imports of what moves have changed. */
  readonly seed: readonly ProjectFile[];
  /** Where they were. */
  readonly removed: readonly string[];
}

/** @param from the phase's file name before, @param to and after */
export function findRenamedPhaseFiles(dir: string, from: string, to: string): RenamedPhaseFiles {
  const found =
    from === to
      ? []
      : renamedPaths(from, to).flatMap(([old, path]) => {
          const content = renamedContent(dir, old, from, to);
          // What is there already stays, unless it is what a rename that was interrupted has left.
          const there = readText(join(dir, path));
          return content !== undefined && (there === undefined || there === content)
            ? [{ old, file: { path, content, ownership: 'user-owned' as const } }]
            : [];
        });
  return { seed: found.map(({ file }) => file), removed: found.map(({ old }) => old) };
}

/** Files at their old place that a rename which was interrupted has copied but not removed. */
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
