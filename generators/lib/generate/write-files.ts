/**
 * Writes a plan. Each file is written as a whole or not at all. Merge bases come first, then the
 * files, then the lock, so that the next generate completes an interrupted one. No file outside of
 * the project is written or removed (`resolveProjectPath`).
 */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { LOCK_FILE } from './lock.ts';
import { readText } from '../util/files.ts';
import { resolveProjectPath } from '../util/project-path.ts';
import type { FileChange, Plan } from './plan.ts';

/**
 * Writes a plan to disk.
 *
 * @throws Error before anything is written when generated files were edited or another generate
 * runs, when a path leads out of the project or through a symbolic link, and when the file system
 * refuses a write
 */
export function writePlan(dir: string, plan: Plan): void {
  refuseEdited(plan);
  if (plan.changes.length + plan.records.length === 0) {
    return;
  }
  const lock = plan.records.filter(({ path }) => path === LOCK_FILE);
  const bases = plan.records.filter(({ path }) => path !== LOCK_FILE);
  const steps = [...bases, ...plan.changes, ...lock];
  refuseOutside(dir, steps);
  using _alone = acquireRunLock(dir, steps);
  for (const change of steps) {
    applyChange(dir, change);
  }
}

const RUN_LOCK_FILE = '.autopilot/generating';

/**
 * Checks the places of all changes, so that a refused one leaves the project as it was.
 *
 * @throws Error when a path leads out of the project or through a symbolic link
 */
export function refuseOutside(dir: string, changes: readonly FileChange[]): void {
  for (const path of [RUN_LOCK_FILE, ...changes.map((change) => change.path)]) {
    resolveProjectPath(dir, path);
  }
}

/**
 * Refuses a second generate at the same time, because each would write a part. The lock and the
 * temporary files of a killed process are taken over.
 */
function acquireRunLock(dir: string, steps: readonly FileChange[]): Disposable {
  const path = resolveProjectPath(dir, RUN_LOCK_FILE);
  const claim = (flag: 'wx' | 'w'): void =>
    withWriteErrors(path, () => writeFileSync(path, String(process.pid), { flag }));
  withWriteErrors(path, () => mkdirSync(dirname(path), { recursive: true }));
  if (existsSync(path)) {
    const holder = Number(readText(path));
    if (holder !== process.pid && isRunning(holder)) {
      throw new Error(
        `another generate (process ${holder}) is at work in ${dir}: wait for it. Nothing was written.`,
      );
    }
    for (const step of steps) {
      rmSync(temporaryOf(resolveProjectPath(dir, step.path), holder), { force: true });
    }
    claim('w');
  } else {
    claim('wx');
  }
  return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** @throws Error when generated files were edited by hand */
export function refuseEdited(plan: Plan): void {
  if (plan.edited.length > 0) {
    throw new Error(
      `${plan.edited.join(', ')} ${plan.edited.length === 1 ? 'is generated but was' : 'are generated but were'} edited by hand: undo that, or pass --force to lose it. Nothing was written.`,
    );
  }
}

/**
 * Writes a temporary file and renames it: a reader sees the old content or the new, never a part.
 */
function writeWhole(path: string, content: string | Uint8Array): void {
  const temporary = temporaryOf(path, process.pid);
  withWriteErrors(path, () => {
    try {
      mkdirSync(dirname(path), { recursive: true });
      rmSync(temporary, { force: true });
      writeFileSync(temporary, content, { flag: 'wx' });
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
}

/**
 * Checks before the prompts that the folder can be written.
 *
 * @throws Error that names the path and the reason
 */
export function refuseUnwritable(dir: string): void {
  let nearest = resolve(dir);
  while (!existsSync(nearest) && dirname(nearest) !== nearest) {
    nearest = dirname(nearest);
  }
  withWriteErrors(resolve(dir), () => accessSync(nearest, constants.W_OK));
}

function temporaryOf(path: string, pid: number): string {
  return `${path}.${pid}.tmp`;
}

/**
 * Calls `write` and explains its errors. The new error has no `code`, because yo prints a stack
 * trace for errors that have one.
 *
 * @throws Error that names the path and the reason
 */
function withWriteErrors(path: string, write: () => void): void {
  try {
    write();
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

function applyChange(dir: string, change: FileChange): void {
  const path = resolveProjectPath(dir, change.path);
  if (change.content !== undefined) {
    return writeWhole(path, change.content);
  }
  withWriteErrors(path, () => rmSync(path, { force: true }));
  removeEmptyFolders(dir, dirname(change.path));
}

function removeEmptyFolders(dir: string, folder: string): void {
  for (let current = folder; current !== '.' && current !== ''; current = dirname(current)) {
    try {
      rmdirSync(join(dir, current));
    } catch {
      return;
    }
  }
}
