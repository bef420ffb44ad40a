/**
 * What generating would do to a project, decided before anything is written:
 *
 * - yours: only when missing, never touched afterwards (a README's picture between its marks follows the machine);
 * - ours: rewritten; an edited one stops everything unless forced;
 * - merged: three ways, between what was generated last, what is there, and what is generated now. An edit of the user's is never
 *   lost: where both have changed the same lines, both stand in the file between conflict marks.
 *
 * A file that somebody's git has given CRLF line ends keeps them, and is not taken for edited.
 */
import { join } from 'node:path';
import { basePath, LOCK_FILE, lockText, readBytes, readLock, readText, refuseOlder, sha256 } from './lock.ts';
import { hasConflictMarks, mergeJsonText, mergeText } from './merge.ts';
import { mergeYamlText } from './merge-yaml.ts';
import type { ProjectFile } from './model.ts';

export type Action = 'create' | 'update' | 'merge' | 'remove';

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
  /** Merged files that need a person: both sides have changed the same lines. */
  readonly conflicts: readonly string[];
  /** Sentences about merged files. */
  readonly notes: readonly string[];
}

export interface PlanOptions {
  readonly version: string;
  readonly runtime: 'vendor' | 'registry';
  /** Kinds in which resources leave what no owner reference takes along. */
  readonly beyondOwners?: readonly string[];
  /** Rewrite files of ours although they were edited. */
  readonly force?: boolean;
}

interface Draft {
  readonly changes: Change[];
  readonly records: Change[];
  readonly kept: string[];
  readonly edited: string[];
  readonly conflicts: string[];
  readonly notes: string[];
  readonly hashes: Record<string, string>;
}

/** @throws Error when a newer version has generated this project */
export function planWrites(dir: string, files: readonly ProjectFile[], options: PlanOptions): Plan {
  const lock = readLock(dir);
  refuseOlder(lock, options.version);
  const draft: Draft = { changes: [], records: [], kept: [], edited: [], conflicts: [], notes: [], hashes: {} };
  for (const file of files) {
    const disk = onDisk(join(dir, file.path), file);
    if (file.ownership === 'yours') planYours(file, disk, draft);
    else planGenerated(dir, file, disk, lock?.files[file.path], options.force ?? false, draft);
  }
  const current = new Set(files.map(({ path }) => path));
  for (const [path, hash] of Object.entries(lock?.files ?? {})) if (!current.has(path)) planRemoved(dir, path, hash, draft);
  const { hashes, ...plan } = draft;
  put(
    draft.records,
    dir,
    LOCK_FILE,
    lockText({ generator: options.version, runtime: options.runtime, beyondOwners: options.beyondOwners ?? [], files: hashes }),
  );
  return plan;
}

interface OnDisk {
  /** Text with LF line ends. */
  readonly content: string | Uint8Array;
  /** In the line ends of the file. */
  as(content: string): string;
}

function onDisk(path: string, file: Pick<ProjectFile, 'content'>): OnDisk | undefined {
  const bytes = readBytes(path);
  if (bytes === undefined) return undefined;
  if (typeof file.content !== 'string') return { content: bytes, as: (content) => content };
  const text = bytes.toString('utf8');
  const windows = text.includes('\r\n');
  return { content: windows ? text.replaceAll('\r\n', '\n') : text, as: (content) => (windows ? content.replaceAll('\n', '\r\n') : content) };
}

function planYours(file: ProjectFile, disk: OnDisk | undefined, draft: Draft): void {
  if (disk === undefined) {
    draft.changes.push({ action: 'create', path: file.path, content: file.content });
    return;
  }
  const followed = typeof disk.content === 'string' ? file.follow?.(disk.content) : undefined;
  if (followed !== undefined && followed !== disk.content) draft.changes.push({ action: 'merge', path: file.path, content: disk.as(followed) });
  else draft.kept.push(file.path);
}

function planGenerated(dir: string, file: ProjectFile, disk: OnDisk | undefined, lastHash: string | undefined, force: boolean, draft: Draft): void {
  const { path, content } = file;
  const wanted = sha256(content);
  const record = (): void => {
    draft.hashes[path] = wanted;
    if (typeof content === 'string' && !path.startsWith('.autopilot/')) put(draft.records, dir, basePath(path), content);
  };
  if (disk === undefined) {
    draft.changes.push({ action: 'create', path, content });
    return record();
  }
  const found = sha256(disk.content);
  const base = readText(join(dir, basePath(path)));
  // The base is written before the file itself, so after an interruption the file is as one of the two says.
  const untouched = found === lastHash || (base !== undefined && found === sha256(base));
  if (found === wanted) return record();
  if (untouched || (file.ownership === 'ours' && force)) {
    draft.changes.push({ action: 'update', path, content: typeof content === 'string' ? disk.as(content) : content });
    return record();
  }
  if (file.ownership === 'ours' || typeof content !== 'string' || typeof disk.content !== 'string') {
    draft.edited.push(path);
    return;
  }
  const merged = mergeOf(path)(base, disk.content, content);
  draft.notes.push(...merged.notes.map((note) => `${path}: ${note}`));
  if (merged.text !== disk.content) draft.changes.push({ action: 'merge', path, content: disk.as(merged.text) });
  else draft.kept.push(path);
  if (hasConflictMarks(merged.text)) draft.conflicts.push(path);
  record();
}

function mergeOf(path: string): typeof mergeText {
  if (path.endsWith('.json')) return mergeJsonText;
  return path.endsWith('/values.yaml') ? mergeYamlText : mergeText;
}

/** A file that is no longer generated goes, unless the user has edited it. */
function planRemoved(dir: string, path: string, lastHash: string, draft: Draft): void {
  const disk = onDisk(join(dir, path), { content: '' });
  if (disk !== undefined && (sha256(disk.content) === lastHash || sha256(readBytes(join(dir, path)) ?? '') === lastHash))
    draft.changes.push({ action: 'remove', path });
  else if (disk !== undefined) draft.notes.push(`${path} is no longer generated, but you have edited it, so it stays`);
  if (readBytes(join(dir, basePath(path))) !== undefined) draft.records.push({ action: 'remove', path: basePath(path) });
}

function put(changes: Change[], dir: string, path: string, content: string): void {
  const disk = readText(join(dir, path));
  if (disk?.replaceAll('\r\n', '\n') !== content) changes.push({ action: disk === undefined ? 'create' : 'update', path, content });
}
