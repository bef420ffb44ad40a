/** What a generate has done, in words. */
import type { Generated } from './project.ts';
import { upToDate } from './project.ts';

const WORDS = { create: 'created', update: 'updated', remove: 'removed' } as const;

/** @param wrote false for a dry run: then it says what would be done */
export function summary({ model, plan }: Generated, wrote = true): string[] {
  const lines = [...model.warnings.map((warning) => `note: ${warning}`), ...plan.notes.map((note) => `note: ${note}`)];
  if (upToDate(plan)) return [...lines, `up to date: ${model.operatorName}, ${model.phases.length} phases`];
  for (const change of plan.changes) lines.push(`${(wrote ? WORDS[change.action] : change.action).padStart(9)} ${change.path}`);
  const count = (action: keyof typeof WORDS): number => plan.changes.filter((change) => change.action === action).length;
  const counts = [
    ...(['create', 'update', 'remove'] as const).map((action) => `${count(action)} ${WORDS[action]}`),
    ...(plan.kept.length > 0 ? [`${plan.kept.length} of yours kept`] : []),
  ].filter((text) => !text.startsWith('0 '));
  return [...lines, `${wrote ? '' : 'would be: '}${counts.join(', ') || 'records updated'}`];
}
