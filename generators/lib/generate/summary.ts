/** Text output of a generate: the summary and the diff. */
import { join } from 'node:path';
import { createTwoFilesPatch } from 'diff';
import { readText } from '../util/files.ts';
import type { FileAction, FileChange } from './plan.ts';
import type { GenerateResult } from './generate-project.ts';
import { upToDate } from './generate-project.ts';

const ACTION_WORDS: Readonly<Record<FileAction, string>> = {
  create: 'created',
  update: 'updated',
  merge: 'merged',
  remove: 'removed',
};
const ACTIONS = Object.keys(ACTION_WORDS) as FileAction[];

/**
 * Lines that describe a generate.
 *
 * @param wrote false for a dry run: the lines describe what would be done. Default: true.
 */
export function summarize(
  { model, plan, notices, packagesToInstall }: GenerateResult,
  wrote = true,
): string[] {
  const notes = [...model.warnings, ...plan.notes].map((note) => `note: ${note}`);
  const look = [
    ...notices.changedWorkers.map((line) => `look at ${line}`),
    ...notices.droppedKinds.map((sentence) => `dropped: ${sentence}`),
    ...notices.renamedOperator.map((sentence) => `renamed: ${sentence}`),
    ...notices.orphanedFiles.map(
      (file) =>
        `orphaned: ${file} is not used any more and does not compile: delete it, or move its code`,
    ),
    ...(packagesToInstall.length === 0
      ? []
      : [`install: package.json asks for ${packagesToInstall.join(', ')} now: npm install`]),
  ];
  const conflicts = plan.conflicts.map(
    (path) =>
      `conflict: ${path}: you and the generator have changed the same lines; choose between the conflict marks`,
  );
  const rest = [...notes, ...conflicts, ...look];
  if (upToDate(plan)) {
    return [...rest, `up to date: ${model.operatorName}, ${model.phases.length} phases`];
  }
  const lines = foldCreatedFiles(plan.changes).map(
    ([action, path]) => `${(wrote ? ACTION_WORDS[action] : action).padStart(9)} ${path}`,
  );
  const count = (action: FileAction): number =>
    plan.changes.filter((change) => change.action === action).length;
  const counts = [
    ...ACTIONS.map((action) => [count(action), ACTION_WORDS[action]] as const),
    [plan.kept.length, 'kept'] as const,
    [notices.orphanedFiles.length, 'orphaned'] as const,
  ].flatMap(([number, word]) => (number === 0 ? [] : [`${number} ${word}`]));
  return [
    ...lines,
    ...rest,
    `${wrote ? '' : 'would be: '}${plan.changes.length === 0 ? 'records updated' : counts.join(', ')}`,
  ];
}

/** Folders of which the summary counts new files instead of listing them. */
const FOLDED = /^(src\/generated|charts\/[^/]+|vendor|\.autopilot)\//;

function foldCreatedFiles(
  changes: readonly FileChange[],
): readonly (readonly [FileAction, string])[] {
  const created = new Map<string, number>();
  for (const { action, path } of changes) {
    const [folder] = FOLDED.exec(path) ?? [];
    if (action === 'create' && folder !== undefined) {
      created.set(folder, (created.get(folder) ?? 0) + 1);
    }
  }
  const reported = new Set<string>();
  return changes.flatMap(({ action, path }) => {
    const [folder = ''] = FOLDED.exec(path) ?? [];
    const count = created.get(folder) ?? 0;
    if (action !== 'create' || count <= 3) {
      return [[action, path] as const];
    }
    if (reported.has(folder)) {
      return [];
    }
    reported.add(folder);
    return [[action, `${folder} (${count} files)`] as const];
  });
}

/** The changes as a unified diff. */
export function unifiedDiff(dir: string, changes: readonly FileChange[]): string {
  return changes
    .map(({ path, content }) => {
      if (content !== undefined && typeof content !== 'string') {
        return `Binary file ${path} would be written\n`;
      }
      const before = readText(join(dir, path));
      return createTwoFilesPatch(
        before === undefined ? '/dev/null' : `a/${path}`,
        content === undefined ? '/dev/null' : `b/${path}`,
        before ?? '',
        content ?? '',
        undefined,
        undefined,
        {
          headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true },
        } as never,
      );
    })
    .join('');
}
