/** Reading files that need not exist. */
import { readFileSync } from 'node:fs';

/**
 * The bytes of a file.
 * @returns undefined when no file has this path
 * @throws Error with the reason of the system, for example a missing permission
 */
export function readBytes(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      return undefined;
    }
    throw new Error((error as Error).message);
  }
}

/**
 * The content of a UTF-8 file.
 * @returns undefined when no file has this path
 * @throws Error with the reason of the system, for example a missing permission
 */
export function readText(path: string): string | undefined {
  return readBytes(path)?.toString('utf8');
}
