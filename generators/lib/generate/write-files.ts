/**
 * Writes a plan. Each file is written as a whole or not at all. Merge bases come first, then the
 * files, then the lock, so that the next generate completes an interrupted one. No file outside of
 * the project is written or removed (`resolveProjectPath`).
 */
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { LOCK_FILE } from './lock.ts';
import { resolveProjectPath } from '../util/project-path.ts';
import { withWriteErrors } from '../util/write-errors.ts';
import { PROJECT_LOCK_FILE } from './project-lock.ts';
import type { FileChange, Plan } from './plan.ts';

/**
 * Writes a plan to disk. The caller holds the lock of the project.
 *
 * @param deadHolder process that died while it wrote. Default: none.
 * @throws Error before anything is written when generated files were edited, when a path leads out
 * of the project or through a symbolic link, and when the file system refuses a write
 */
export function writePlan(dir: string, plan: Plan, deadHolder?: number): void {
  refuseEdited(plan);
  const lock = plan.records.filter(({ path }) => path === LOCK_FILE);
  const bases = plan.records.filter(({ path }) => path !== LOCK_FILE);
  const steps = [...bases, ...plan.changes, ...lock];
  refuseOutside(dir, steps);
  if (deadHolder !== undefined) {
    removeTemporaries(dir, steps, deadHolder);
  }
  for (const change of steps) {
    applyChange(dir, change);
  }
}

/**
 * Checks the places of all changes, so that a refused one leaves the project as it was.
 *
 * @throws Error when a path leads out of the project or through a symbolic link
 */
export function refuseOutside(dir: string, changes: readonly FileChange[]): void {
  for (const path of [PROJECT_LOCK_FILE, ...changes.map((change) => change.path)]) {
    resolveProjectPath(dir, path);
  }
}

/** Removes the temporary files that a process has left when it died. */
function removeTemporaries(dir: string, steps: readonly FileChange[], pid: number): void {
  for (const { path } of steps) {
    rmSync(temporaryOf(resolveProjectPath(dir, path), pid), { force: true });
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
 * A file that exists keeps its mode, such as that of a script.
 */
function writeWhole(path: string, content: string | Uint8Array): void {
  const temporary = temporaryOf(path, process.pid);
  withWriteErrors(path, () => {
    try {
      mkdirSync(dirname(path), { recursive: true });
      rmSync(temporary, { force: true });
      writeFileSync(temporary, content, { flag: 'wx' });
      const mode = statSync(path, { throwIfNoEntry: false })?.mode;
      if (mode !== undefined) {
        chmodSync(temporary, mode);
      }
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
