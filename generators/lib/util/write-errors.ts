/** Explains errors of the file system to a user. */

/**
 * Calls `write` and explains its errors. The new error has no `code`, because yo prints a stack
 * trace for errors that have one.
 *
 * @throws Error that names the path and the reason
 */
export function withWriteErrors<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(
      `cannot write ${path}: ${(code !== undefined && REASONS[code]?.()) || message}`,
    );
  }
}

const AGAIN = 'What was written is whole; generate again, and the rest follows';

const REASONS: Readonly<Record<string, () => string>> = {
  ENOSPC: () => `the disk is full. ${AGAIN} when there is room`,
  EDQUOT: () => `your quota of disk space is used up. ${AGAIN} when there is room`,
  EROFS: () => 'the file system is read-only',
  EACCES: permissionProblem,
  EPERM: permissionProblem,
};

function permissionProblem(): string {
  const { env } = process;
  const user = process.getuid?.();
  const dropped =
    user !== 0 && (env['HOME'] === '/root' || env['USER'] === 'root' || env['LOGNAME'] === 'root');
  const hint = dropped
    ? `. yo drops root privileges and runs as user ${user}: as root run 'autopilot init' instead`
    : '';
  return `this user may not write there${hint}`;
}
