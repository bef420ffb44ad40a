/**
 * What generating would do to a project, decided before anything is written:
 *
 * - yours: only when missing, never touched afterwards (a README's picture between its marks
 *   follows the machine);
 * - ours: rewritten; an edited one stops everything unless forced;
 * - merged: three ways, between what was generated last, what is there, and what is generated now.
 *   An edit of the user's is never
 *   lost: where both have changed the same lines, both stand in the file between conflict marks.
 *
 * A file that somebody's git has given CRLF line ends keeps them, and is not taken for edited.
 */
import { join } from 'node:path';
import { basePath, LOCK_FILE, formatLock, readLock, refuseOlderGenerator, sha256 } from './lock.ts';
import { readBytes, readText } from '../util/files.ts';
import { hasConflictMarks, mergeJsonText, mergeText } from '../util/merge.ts';
import { mergeYamlText } from '../util/merge-yaml.ts';
import type { ProjectFile } from '../model/model.ts';

export type FileAction = 'create' | 'update' | 'merge' | 'remove';

export interface FileChange {
  readonly action: FileAction;
  readonly path: string;
  /** Absent when removed. */
  readonly content?: string | Uint8Array;
}

export interface Plan {
  readonly changes: readonly FileChange[];
  /** Changes inside `.autopilot`. */
  readonly records: readonly FileChange[];
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
  readonly unownedKinds?: readonly string[];
  /** Rewrite files of ours although they were edited. */
  readonly force?: boolean;
}

interface PlanDraft {
  readonly changes: FileChange[];
  readonly records: FileChange[];
  readonly kept: string[];
  readonly edited: string[];
  readonly conflicts: string[];
  readonly notes: string[];
  readonly hashes: Record<string, string>;
}

/** @throws Error when a newer version has generated this project */
export function planWrites(dir: string, files: readonly ProjectFile[], options: PlanOptions): Plan {
  const lock = readLock(dir);
  refuseOlderGenerator(lock, options.version);
  const draft: PlanDraft = {
    changes: [],
    records: [],
    kept: [],
    edited: [],
    conflicts: [],
    notes: [],
    hashes: {},
  };
  for (const file of files) {
    const disk = readExistingFile(join(dir, file.path), file);
    if (file.ownership === 'user-owned') {
      planUserOwned(file, disk, draft);
    } else {
      planGenerated(dir, file, disk, lock?.files[file.path], options.force ?? false, draft);
    }
  }
  const current = new Set(files.map(({ path }) => path));
  for (const [path, hash] of Object.entries(lock?.files ?? {})) {
    if (!current.has(path)) {
      planRemoved(dir, path, hash, draft);
    }
  }
  const { hashes, ...plan } = draft;
  addRecord(
    draft.records,
    dir,
    LOCK_FILE,
    formatLock({
      generator: options.version,
      runtime: options.runtime,
      unownedKinds: options.unownedKinds ?? [],
      files: hashes,
    }),
  );
  return plan;
}

interface ExistingFile {
  /** Text with LF line ends. */
  readonly content: string | Uint8Array;
  /** In the line ends of the file. */
  as(content: string): string;
}

function readExistingFile(
  path: string,
  file: Pick<ProjectFile, 'content'>,
): ExistingFile | undefined {
  const bytes = readBytes(path);
  if (bytes === undefined) {
    return undefined;
  }
  if (typeof file.content !== 'string') {
    return { content: bytes, as: (content) => content };
  }
  const text = bytes.toString('utf8');
  const windows = text.includes('\r\n');
  return {
    content: windows ? text.replaceAll('\r\n', '\n') : text,
    as: (content) => (windows ? content.replaceAll('\n', '\r\n') : content),
  };
}

function planUserOwned(file: ProjectFile, disk: ExistingFile | undefined, draft: PlanDraft): void {
  if (disk === undefined) {
    draft.changes.push({ action: 'create', path: file.path, content: file.content });
    return;
  }
  const refreshed = typeof disk.content === 'string' ? file.refresh?.(disk.content) : undefined;
  if (refreshed !== undefined && refreshed !== disk.content) {
    draft.changes.push({ action: 'merge', path: file.path, content: disk.as(refreshed) });
  } else {
    draft.kept.push(file.path);
  }
}

function planGenerated(
  dir: string,
  file: ProjectFile,
  disk: ExistingFile | undefined,
  lastHash: string | undefined,
  force: boolean,
  draft: PlanDraft,
): void {
  const { path, content } = file;
  const wanted = sha256(content);
  const record = (): void => {
    draft.hashes[path] = wanted;
    if (typeof content === 'string' && !path.startsWith('.autopilot/')) {
      addRecord(draft.records, dir, basePath(path), content);
    }
  };
  if (disk === undefined) {
    draft.changes.push({ action: 'create', path, content });
    return record();
  }
  const found = sha256(disk.content);
  const base = readText(join(dir, basePath(path)));
  // The base is written before the file itself, so after an interruption the file is as one of the
  // two says.
  const untouched = found === lastHash || (base !== undefined && found === sha256(base));
  if (found === wanted) {
    return record();
  }
  if (untouched || (file.ownership === 'generated' && force)) {
    draft.changes.push({
      action: 'update',
      path,
      content: typeof content === 'string' ? disk.as(content) : content,
    });
    return record();
  }
  if (
    file.ownership === 'generated' ||
    typeof content !== 'string' ||
    typeof disk.content !== 'string'
  ) {
    draft.edited.push(path);
    return;
  }
  const merged = mergeFunctionFor(path)(base, disk.content, content);
  draft.notes.push(...merged.notes.map((note) => `${path}: ${note}`));
  if (merged.text !== disk.content) {
    draft.changes.push({ action: 'merge', path, content: disk.as(merged.text) });
  } else {
    draft.kept.push(path);
  }
  if (hasConflictMarks(merged.text)) {
    draft.conflicts.push(path);
  }
  record();
}

function mergeFunctionFor(path: string): typeof mergeText {
  if (path.endsWith('.json')) {
    return mergeJsonText;
  }
  return path.endsWith('/values.yaml') ? mergeYamlText : mergeText;
}

/** A file that is no longer generated goes, unless the user has edited it. */
function planRemoved(dir: string, path: string, lastHash: string, draft: PlanDraft): void {
  const disk = readExistingFile(join(dir, path), { content: '' });
  if (
    disk !== undefined &&
    (sha256(disk.content) === lastHash || sha256(readBytes(join(dir, path)) ?? '') === lastHash)
  ) {
    draft.changes.push({ action: 'remove', path });
  } else if (disk !== undefined) {
    draft.notes.push(`${path} is no longer generated, but you have edited it, so it stays`);
  }
  if (readBytes(join(dir, basePath(path))) !== undefined) {
    draft.records.push({ action: 'remove', path: basePath(path) });
  }
}

function addRecord(changes: FileChange[], dir: string, path: string, content: string): void {
  const disk = readText(join(dir, path));
  if (disk?.replaceAll('\r\n', '\n') !== content) {
    changes.push({ action: disk === undefined ? 'create' : 'update', path, content });
  }
}
