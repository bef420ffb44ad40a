/**
 * The plan of a generate: every change of the project, decided before anything is written.
 *
 * - A `user-owned` file is created when it is missing and never changed afterwards. Sections
 *   between marks, such as the diagram of a README, follow the model.
 * - A `generated` file is rewritten. If a user has edited it, generating stops, unless forced.
 * - A `merged` file is merged three ways: the text generated last, the text on disk, the text
 *   generated now. Edits by the user are kept. Where both sides have changed the same lines, the
 *   file has both between conflict marks.
 *
 * A file with CRLF line ends keeps them and does not count as edited. A generated file that a
 * formatter has changed does not count as edited either.
 */
import { join } from 'node:path';
import { basePath, LOCK_FILE, formatLock, readLock, refuseOlderGenerator, sha256 } from './lock.ts';
import {
  adoptIgnoreFile,
  adoptJson,
  keptFileNote,
  packageManagerNotes,
  refuseCommonJs,
} from './existing-folder.ts';
import { readBytes, readText } from '../util/files.ts';
import { hasConflictMarks, mergeJsonText, mergeText } from '../util/merge.ts';
import { isSameCode } from '../util/same-code.ts';
import { mergeYamlText } from '../util/merge-yaml.ts';
import type { ProjectFile } from '../model/model.ts';

/** What happens to a file. */
export type FileAction = 'create' | 'update' | 'merge' | 'remove';

/** One change of a file. */
export interface FileChange {
  /** What happens to the file. */
  readonly action: FileAction;
  /** Path relative to the project's folder, with forward slashes. */
  readonly path: string;
  /** New content of the whole file. Absent when the file is removed. */
  readonly content?: string | Uint8Array;
}

/** What a generate would do. */
export interface Plan {
  /** Changes of the project's files. */
  readonly changes: readonly FileChange[];
  /** Changes in `.autopilot`: the lock and the merge bases. */
  readonly records: readonly FileChange[];
  /** Paths of files that stay as the user has them. */
  readonly kept: readonly string[];
  /** Paths of generated files that a user has edited. Nothing is written while there are any. */
  readonly edited: readonly string[];
  /** Paths of merged files with conflict marks. */
  readonly conflicts: readonly string[];
  /** Sentences for the user about merged files. */
  readonly notes: readonly string[];
}

/** Options of `planWrites`. */
export interface PlanOptions {
  /** Version of the generator that plans. */
  readonly version: string;
  /** Source of the project's runtime. */
  readonly runtime: 'vendor' | 'registry';
  /**
   * Kinds of which something remains after a resource is deleted (`unownedKinds`). Default: none.
   */
  readonly unownedKinds?: readonly string[];
  /** Whether generated files are rewritten even if a user has edited them. Default: false. */
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

/**
 * Compares the generated files with those on disk.
 *
 * @param dir the project's folder
 * @param files all files of the project, as they are generated now
 * @throws Error when a newer version of the generator has written the project
 */
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
  if (lock === undefined) {
    refuseCommonJs(dir);
    draft.notes.push(...packageManagerNotes(dir));
  }
  for (const file of files) {
    const disk = readExistingFile(join(dir, file.path), file);
    if (file.ownership === 'user-owned') {
      planUserOwned(file, disk, { draft, isFirst: lock === undefined });
    } else {
      const lastHash = lock?.files[file.path];
      planGenerated({ dir, file, disk, lastHash, force: options.force ?? false }, draft);
    }
  }
  const current = new Set(files.map(({ path }) => path));
  for (const [path, hash] of Object.entries(lock?.files ?? {})) {
    if (!current.has(path)) {
      planRemoved(dir, path, hash, draft);
    }
  }
  const { hashes, ...plan } = draft;
  const newLock = formatLock({
    generator: options.version,
    runtime: options.runtime,
    unownedKinds: options.unownedKinds ?? [],
    files: hashes,
  });
  addRecord(draft.records, dir, LOCK_FILE, newLock);
  return plan;
}

interface ExistingFile {
  /** Content of the file; a string has LF line ends. */
  readonly content: string | Uint8Array;
  /** Converts LF line ends to the line ends of the file. */
  withLineEnds(content: string): string;
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
    return { content: bytes, withLineEnds: (content) => content };
  }
  const text = bytes.toString('utf8');
  const windows = text.includes('\r\n');
  return {
    content: windows ? text.replaceAll('\r\n', '\n') : text,
    withLineEnds: (content) => (windows ? content.replaceAll('\n', '\r\n') : content),
  };
}

function planUserOwned(
  file: ProjectFile,
  disk: ExistingFile | undefined,
  { draft, isFirst }: { readonly draft: PlanDraft; readonly isFirst: boolean },
): void {
  if (disk === undefined) {
    draft.changes.push({ action: 'create', path: file.path, content: file.content });
    return;
  }
  const adopted = isFirst ? adoptUserOwned(file, disk, draft) : undefined;
  const refreshed =
    adopted ?? (typeof disk.content === 'string' ? file.refresh?.(disk.content) : undefined);
  if (refreshed !== undefined && refreshed !== disk.content) {
    draft.changes.push({ action: 'merge', path: file.path, content: disk.withLineEnds(refreshed) });
  } else {
    draft.kept.push(file.path);
  }
}

/** Merges an ignore file that was there before the first generate, or says that the file stays. */
function adoptUserOwned(
  { path, content }: ProjectFile,
  disk: ExistingFile,
  { notes }: PlanDraft,
): string | undefined {
  if (typeof content !== 'string' || typeof disk.content !== 'string' || disk.content === content) {
    return undefined;
  }
  const adopted = adoptIgnoreFile(path, disk.content, content);
  if (adopted === undefined) {
    notes.push(keptFileNote(path));
  }
  return adopted;
}

interface GeneratedFile {
  readonly dir: string;
  readonly file: ProjectFile;
  readonly disk: ExistingFile | undefined;
  /** SHA-256 of the file as generated last. */
  readonly lastHash: string | undefined;
  readonly force: boolean;
}

function planGenerated(generated: GeneratedFile, draft: PlanDraft): void {
  const { dir, file, disk, force } = generated;
  const { path, content } = file;
  if (disk === undefined) {
    draft.changes.push({ action: 'create', path, content });
    recordGenerated(dir, file, draft);
    return;
  }
  if (sha256(disk.content) === sha256(content)) {
    recordGenerated(dir, file, draft);
    return;
  }
  if (file.ownership === 'generated' && isReformatted(path, disk, content)) {
    recordGenerated(dir, file, draft);
    return;
  }
  if (isUntouched(generated, disk) || (file.ownership === 'generated' && force)) {
    const text = typeof content === 'string' ? disk.withLineEnds(content) : content;
    draft.changes.push({ action: 'update', path, content: text });
    recordGenerated(dir, file, draft);
    return;
  }
  if (
    file.ownership === 'generated' ||
    typeof content !== 'string' ||
    typeof disk.content !== 'string'
  ) {
    draft.edited.push(path);
    return;
  }
  planMerge(dir, path, { disk, existing: disk.content, incoming: content }, draft);
  recordGenerated(dir, file, draft);
}

/** Whether a file on disk has the given text in the format of a formatter. */
function isReformatted(path: string, disk: ExistingFile, text: string | Uint8Array): boolean {
  return (
    typeof text === 'string' &&
    typeof disk.content === 'string' &&
    isSameCode(path, disk.content, text)
  );
}

/**
 * Whether a file on disk is as it was generated. The merge base is written before the file itself,
 * so after an interruption the file equals either the lock or the base.
 */
function isUntouched({ dir, file, lastHash }: GeneratedFile, disk: ExistingFile): boolean {
  const found = sha256(disk.content);
  const base = readText(join(dir, basePath(file.path)));
  if (found === lastHash || (base !== undefined && found === sha256(base))) {
    return true;
  }
  const isOurs = file.ownership === 'generated' && base !== undefined;
  return isOurs && isReformatted(file.path, disk, base);
}

function planMerge(
  dir: string,
  path: string,
  { disk, existing, incoming }: { disk: ExistingFile; existing: string; incoming: string },
  draft: PlanDraft,
): void {
  const base = readText(join(dir, basePath(path)));
  const isAdopted = base === undefined && path.endsWith('.json');
  const merged = isAdopted
    ? adoptJson(path, existing, incoming)
    : mergeFunctionFor(path)(base, existing, incoming);
  draft.notes.push(...merged.notes.map((note) => `${path}: ${note}`));
  if (merged.text !== existing) {
    draft.changes.push({ action: 'merge', path, content: disk.withLineEnds(merged.text) });
  } else {
    draft.kept.push(path);
  }
  if (hasConflictMarks(merged.text)) {
    draft.conflicts.push(path);
  }
}

/** Records what was generated: the hash in the lock, and the text as merge base. */
function recordGenerated(dir: string, { path, content }: ProjectFile, draft: PlanDraft): void {
  draft.hashes[path] = sha256(content);
  if (typeof content === 'string' && !path.startsWith('.autopilot/')) {
    addRecord(draft.records, dir, basePath(path), content);
  }
}

function mergeFunctionFor(path: string): typeof mergeText {
  if (path.endsWith('.json')) {
    return mergeJsonText;
  }
  return path.endsWith('/values.yaml') ? mergeYamlText : mergeText;
}

/** Removes a file that is no longer generated, unless a user has edited it. */
function planRemoved(dir: string, path: string, lastHash: string, draft: PlanDraft): void {
  const disk = readExistingFile(join(dir, path), { content: '' });
  if (
    disk !== undefined &&
    (sha256(disk.content) === lastHash || sha256(readBytes(join(dir, path)) ?? '') === lastHash)
  ) {
    draft.changes.push({ action: 'remove', path });
  } else if (disk !== undefined) {
    draft.notes.push(`${path} is no longer generated, but was edited, so it stays`);
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
