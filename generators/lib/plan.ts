/**
 * What generating would do to a project, decided before anything is written:
 *
 * - yours: only when missing, never touched afterwards;
 * - ours: rewritten; an edited one stops everything unless forced;
 * - merged: JSON key by key; other files follow us until they are edited, then stay as they are, and it is said.
 */
import { join } from 'node:path';
import { basePath, LOCK_FILE, lockText, readBytes, readLock, readText, refuseOlder, sha256 } from './lock.ts';
import { mergeJson } from './merge.ts';
import type { ProjectFile } from './model.ts';

export type Action = 'create' | 'update' | 'remove';

export interface Change {
  readonly action: Action;
  readonly path: string;
  /** Absent when removed. */
  readonly content?: string | Uint8Array;
}

export interface Plan {
  readonly changes: readonly Change[];
  /** Changes inside `.autopilot`. */
  readonly records: readonly Change[];
  /** Files that stay as they are because they are the user's. */
  readonly kept: readonly string[];
  /** Files of ours that somebody has edited. Generating stops while there are any. */
  readonly edited: readonly string[];
  /** Sentences about merged files that did not follow. */
  readonly notes: readonly string[];
}

export interface PlanOptions {
  readonly version: string;
  readonly runtime: 'vendor' | 'registry';
  /** Rewrite files of ours although they were edited. */
  readonly force?: boolean;
}

/** @throws Error when a newer version has generated this project */
export function planWrites(dir: string, files: readonly ProjectFile[], options: PlanOptions): Plan {
  const lock = readLock(dir);
  refuseOlder(lock, options.version);
  const changes: Change[] = [];
  const records: Change[] = [];
  const kept: string[] = [];
  const edited: string[] = [];
  const notes: string[] = [];
  const hashes: Record<string, string> = {};

  for (const file of files) {
    const disk = readBytes(join(dir, file.path));
    if (file.ownership === 'yours') {
      if (disk === undefined) changes.push({ action: 'create', path: file.path, content: file.content });
      else kept.push(file.path);
      continue;
    }
    const wanted = sha256(file.content);
    const record = (): void => {
      hashes[file.path] = wanted;
      if (typeof file.content === 'string') put(records, dir, basePath(file.path), file.content);
    };
    if (disk === undefined) {
      changes.push({ action: 'create', path: file.path, content: file.content });
      record();
      continue;
    }
    const onDisk = sha256(disk);
    const base = readText(join(dir, basePath(file.path)));
    // The base is written before the file itself, so after an interruption the file is as one of the two says.
    const untouched = onDisk === lock?.files[file.path] || (base !== undefined && onDisk === sha256(base));
    if (onDisk === wanted) record();
    else if (file.ownership === 'merged' && file.path.endsWith('.json') && !file.path.startsWith('charts/')) {
      const merged = mergedText(base, disk.toString('utf8'), file.content.toString());
      if (merged === undefined) notes.push(`${file.path} is not plain JSON, so it was left alone; generated would be: ${basePath(file.path)}`);
      else if (merged !== disk.toString('utf8')) changes.push({ action: 'update', path: file.path, content: merged });
      record();
    } else if (untouched || (file.ownership === 'ours' && options.force)) {
      changes.push({ action: 'update', path: file.path, content: file.content });
      record();
    } else if (file.ownership === 'ours') {
      edited.push(file.path);
    } else {
      // The base stays at what the user's edit started from.
      const before = lock?.files[file.path];
      if (before !== undefined) hashes[file.path] = before;
      notes.push(`${file.path} was edited by you and stays as it is`);
    }
  }
  const current = new Set(files.map(({ path }) => path));
  for (const [path, hash] of Object.entries(lock?.files ?? {})) {
    if (current.has(path)) continue;
    const disk = readBytes(join(dir, path));
    if (disk !== undefined && sha256(disk) === hash) changes.push({ action: 'remove', path });
    else if (disk !== undefined) notes.push(`${path} is no longer generated, but you have edited it, so it stays`);
    if (readBytes(join(dir, basePath(path))) !== undefined) records.push({ action: 'remove', path: basePath(path) });
  }
  put(records, dir, LOCK_FILE, lockText({ generator: options.version, runtime: options.runtime, files: hashes }));
  return { changes, records, kept, edited, notes };
}

function put(changes: Change[], dir: string, path: string, content: string): void {
  const disk = readText(join(dir, path));
  if (disk !== content) changes.push({ action: disk === undefined ? 'create' : 'update', path, content });
}

/** Undefined when the user's file is not plain JSON. Text that already says the same keeps its formatting. */
function mergedText(base: string | undefined, mine: string, theirs: string): string | undefined {
  try {
    const current = JSON.parse(mine) as Record<string, unknown>;
    const merged = mergeJson(
      base === undefined ? undefined : (JSON.parse(base) as Record<string, unknown>),
      current,
      JSON.parse(theirs) as Record<string, unknown>,
    );
    return JSON.stringify(merged) === JSON.stringify(current) ? mine : `${JSON.stringify(merged, null, 2)}\n`;
  } catch {
    return undefined;
  }
}
