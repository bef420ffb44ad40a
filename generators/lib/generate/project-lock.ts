/**
 * The exclusive lock of a project. A command holds it only while it compares the files with what it
 * has read and writes them, never during prompts. So a lock that is old has no holder any more.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readText } from '../util/files.ts';
import { resolveProjectPath } from '../util/project-path.ts';
import { isRecord } from '../util/values.ts';
import { withWriteErrors } from '../util/write-errors.ts';

/** Path of the lock, relative to the project's folder. */
export const PROJECT_LOCK_FILE = '.autopilot/generating';

/** Milliseconds that a command waits for another one. */
const PATIENCE = 30_000;
/** Milliseconds between two attempts. */
const RETRY_INTERVAL = 50;
/** Age in milliseconds from which no lock is valid: writing takes a few seconds at most. */
const OLDEST_VALID = 600_000;
/** The same for a lock without a holder, which its process has just created. */
const OLDEST_EMPTY = 10_000;

/** The held lock. Disposing of it releases it. */
export interface ProjectLock extends Disposable {
  /** Process that died while it held the lock. Absent: the lock was free. */
  readonly deadHolder?: number;
}

/** Content of the lock file. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Tells two locks of one process apart. */
  readonly id: string;
}

const heldHere = new Set<string>();

/**
 * Takes the lock of a project. Waits while another process has it. Takes it over from a process
 * that died.
 *
 * @param dir the project's folder
 * @param patience milliseconds to wait. Default: 30 seconds.
 * @throws Error that names the other process, or the reason why the folder cannot be written
 */
export async function acquireProjectLock(
  dir: string,
  patience: number = PATIENCE,
): Promise<ProjectLock> {
  const path = resolveProjectPath(dir, PROJECT_LOCK_FILE);
  const folder = dirname(path);
  const created = withWriteErrors(path, () => mkdirSync(folder, { recursive: true }));
  const end = Date.now() + patience;
  for (;;) {
    const taken = tryLock(path);
    if (taken !== undefined) {
      return { ...taken, [Symbol.dispose]: () => release(taken, created && folder) };
    }
    if (Date.now() >= end) {
      throw new Error(
        `another generate${describeHolder(readText(path))} is at work in ${dir}: wait for it, or delete ${PROJECT_LOCK_FILE} when it is gone. Nothing was written.`,
      );
    }
    await wait(RETRY_INTERVAL);
  }
}

interface TakenLock {
  readonly path: string;
  readonly text: string;
  readonly id: string;
  readonly deadHolder?: number;
}

/** Takes the lock if it is free or its process is gone. Returns undefined otherwise. */
function tryLock(path: string): TakenLock | undefined {
  const id = randomUUID();
  const text = JSON.stringify({ pid: process.pid, host: hostname(), id } satisfies Holder);
  if (writeNew(path, text)) {
    heldHere.add(id);
    return { path, text, id };
  }
  if (!isStale(path)) {
    return undefined;
  }
  // Of several processes that see the dead lock, one replaces it: the one with the second lock.
  const guard = tryLock(`${path}.takeover`);
  if (guard === undefined) {
    return undefined;
  }
  try {
    if (!isStale(path)) {
      return undefined;
    }
    const dead = parseHolder(readText(path))?.pid;
    heldHere.add(id);
    withWriteErrors(path, () => writeFileSync(path, text));
    return { path, text, id, ...(dead !== undefined && { deadHolder: dead }) };
  } finally {
    release(guard);
  }
}

/** Creates a file. Returns false if it exists. */
function writeNew(path: string, text: string): boolean {
  return withWriteErrors(path, () => {
    try {
      writeFileSync(path, text, { flag: 'wx' });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
        return false;
      }
      rmSync(path, { force: true });
      throw error;
    }
  });
}

/** Whether the process that wrote a lock is gone. A lock that was just released is not stale. */
function isStale(path: string): boolean {
  const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  const text = readText(path);
  if (written === undefined || text === undefined) {
    return false;
  }
  const holder = parseHolder(text);
  const age = Date.now() - written;
  if (holder === undefined) {
    return age > OLDEST_EMPTY;
  }
  if (heldHere.has(holder.id)) {
    return false;
  }
  const isHere = holder.host === hostname();
  const isGone = isHere && (holder.pid === process.pid || !isRunning(holder.pid));
  return isGone || age > OLDEST_VALID;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function parseHolder(text = ''): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isHolder =
      isRecord(value) && typeof value['pid'] === 'number' && typeof value['host'] === 'string';
    return isHolder ? (value as unknown as Holder) : undefined;
  } catch {
    return undefined;
  }
}

function describeHolder(text: string | undefined): string {
  const holder = parseHolder(text);
  return holder === undefined ? '' : ` (process ${holder.pid} on ${holder.host})`;
}

/** @param folder folder that the lock has created, to be removed if it is still empty */
function release({ path, text, id }: TakenLock, folder?: string): void {
  heldHere.delete(id);
  // Who found this lock too old has it now.
  if (readText(path) === text) {
    rmSync(path, { force: true });
  }
  if (folder !== undefined) {
    removeIfEmpty(folder);
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It has files.
  }
}

/** A file as a command has read it. */
export interface FileRead {
  /** Path relative to the project's folder. */
  readonly path: string;
  /** Its text. Undefined: there was no such file. */
  readonly text: string | undefined;
}

/** A file was changed after a command had read it. The command can begin again. */
export class FileChangedError extends Error {
  /** @param path path of the file relative to the project's folder */
  constructor(path: string) {
    super(
      `${path} was changed while this command worked with it: run the command again. Nothing was written.`,
    );
    this.name = 'FileChangedError';
  }
}

/** @throws FileChangedError when a file is not what a command has read */
export function refuseChanged(dir: string, files: readonly FileRead[]): void {
  const changed = files.find(({ path, text }) => readText(join(dir, path)) !== text);
  if (changed !== undefined) {
    throw new FileChangedError(changed.path);
  }
}

/** How often a command begins again. Each time another command has succeeded. */
const ATTEMPTS = 20;

/**
 * Calls `run` again while files change below it.
 *
 * @param mayRepeat whether a call can be repeated: after prompts it cannot
 */
export async function retryWhenChanged<T>(
  run: () => Promise<T>,
  mayRepeat: () => boolean = () => true,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof FileChangedError) || attempt === ATTEMPTS || !mayRepeat()) {
        throw error;
      }
    }
  }
}
