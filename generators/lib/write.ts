/** Carries out a plan: each file whole or not at all, records before files, the lock last. */
import { mkdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LOCK_FILE } from './lock.ts';
import type { Change, Plan } from './plan.ts';

/** Interrupted anywhere, the next run completes it. @throws Error when files of ours were edited; nothing is written then */
export function carryOut(dir: string, plan: Plan): void {
  refuseEdited(plan);
  const lock = plan.records.filter(({ path }) => path === LOCK_FILE);
  const bases = plan.records.filter(({ path }) => path !== LOCK_FILE);
  for (const change of [...bases, ...plan.changes, ...lock]) apply(dir, change);
}

export function refuseEdited(plan: Plan): void {
  if (plan.edited.length > 0)
    throw new Error(
      `${plan.edited.join(', ')} ${plan.edited.length === 1 ? 'is generated but was' : 'are generated but were'} edited by hand: undo that, or pass --force to lose it. Nothing was written.`,
    );
}

/** Temporary file and rename: a reader sees the old content or the new, never a part. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, content);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    // A plain Error: yo ends with a stack trace on errors that carry a code.
    throw new Error(`cannot write ${path}: ${(error as Error).message}`);
  }
}

function apply(dir: string, change: Change): void {
  const path = join(dir, change.path);
  if (change.content !== undefined) return writeWhole(path, change.content);
  rmSync(path, { force: true });
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
