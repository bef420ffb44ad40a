/** Carries out a plan: each file whole or not at all, records before files, the lock last. */
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
import type { FileChange, Plan } from './plan.ts';

/**
 * Interrupted anywhere, the next run completes it. @throws Error when files of ours were edited;
 * nothing is written then
 */
export function writePlan(dir: string, plan: Plan): void {
  refuseEdited(plan);
  if (plan.changes.length + plan.records.length === 0) {
    return;
  }
  const lock = plan.records.filter(({ path }) => path === LOCK_FILE);
  const bases = plan.records.filter(({ path }) => path !== LOCK_FILE);
  const steps = [...bases, ...plan.changes, ...lock];
  using _alone = acquireRunLock(dir, steps);
  for (const change of steps) {
    applyChange(dir, change);
  }
}

const RUN_LOCK_FILE = '.autopilot/generating';

/**
 * Two generates at once would write two halves: the second one is refused. What a killed one has
 * left behind is taken over.
 */
function acquireRunLock(dir: string, steps: readonly FileChange[]): Disposable {
  const path = join(dir, RUN_LOCK_FILE);
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
      rmSync(temporaryOf(join(dir, step.path), holder), { force: true });
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

export function refuseEdited(plan: Plan): void {
  if (plan.edited.length > 0) {
    throw new Error(
      `${plan.edited.join(', ')} ${plan.edited.length === 1 ? 'is generated but was' : 'are generated but were'} edited by hand: undo that, or pass --force to lose it. Nothing was written.`,
    );
  }
}

/** Temporary file and rename: a reader sees the old content or the new, never a part. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const temporary = temporaryOf(path, process.pid);
  withWriteErrors(path, () => {
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(temporary, content);
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
}

/**
 * Before a long dialogue rather than after it. @throws Error a sentence, when this user may not
 * write there
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
 * @throws Error a sentence that names the path; a plain one, because yo ends with a stack trace on
 * errors that carry a code
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
    ? `. yo gives up the rights of root and runs as user ${user}: as root use the bin, autopilot init`
    : '';
  return `this user may not write there${hint}`;
}

function applyChange(dir: string, change: FileChange): void {
  const path = join(dir, change.path);
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
