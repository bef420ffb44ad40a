/**
 * The place of a project's file on disk. Lock files, links and temporary files come with a checkout
 * and can be anybody's, so every path that is written or removed is resolved here.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Whether a path, relative to the project's folder and with forward slashes, names a file inside
 * this folder on every platform.
 */
export function isProjectPath(path: string): boolean {
  const plain = !/[\\:\0]/.test(path);
  return plain && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/**
 * Resolves the path of a file that is written or removed.
 *
 * @param dir the project's folder, which may itself be a symbolic link
 * @param path path relative to the folder, with forward slashes
 * @throws Error when the path leads out of the folder, or when the file or a folder above it is a
 * symbolic link
 */
export function resolveProjectPath(dir: string, path: string): string {
  if (!isProjectPath(path)) {
    throw new Error(`'${path}' is no path inside the project. Nothing was written.`);
  }
  const parts = path.split('/');
  parts.forEach((_, index) => {
    const above = parts.slice(0, index + 1).join('/');
    if (lstatSync(join(dir, above), { throwIfNoEntry: false })?.isSymbolicLink()) {
      throw new Error(
        `${above} is a symbolic link: generate would write to where the link leads. Replace the link by a ${above === path ? 'file' : 'folder'}. Nothing was written.`,
      );
    }
  });
  return join(dir, path);
}
