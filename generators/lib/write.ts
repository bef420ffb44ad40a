/** Carries out a plan: each file whole or not at all, records before files, the lock last. */
import { mkdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LOCK_FILE, readText } from './lock.ts';
import type { Change, Plan } from './plan.ts';

/** Interrupted anywhere, the next run completes it. @throws Error when files of ours were edited; nothing is written then */
export function carryOut(dir: string, plan: Plan): void {
  refuseEdited(plan);
  if (plan.changes.length + plan.records.length === 0) return;
  using _alone = alone(dir);
  const lock = plan.records.filter(({ path }) => path === LOCK_FILE);
  const bases = plan.records.filter(({ path }) => path !== LOCK_FILE);
  for (const change of [...bases, ...plan.changes, ...lock]) apply(dir, change);
}

const ALONE = '.autopilot/generating';

/** Two generates at once would write two halves: the second one is refused. What a killed one has left behind is taken over. */
function alone(dir: string): Disposable {
  const path = join(dir, ALONE);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw new Error(`cannot write ${path}: ${(error as Error).message}`);
    const holder = Number(readText(path));
    if (holder !== process.pid && isRunning(holder))
      throw new Error(`another generate (process ${holder}) is at work in ${dir}: wait for it. Nothing was written.`);
    writeFileSync(path, String(process.pid));
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
