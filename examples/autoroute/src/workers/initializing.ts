import type { Context, Result } from '../generated/initializing.ts';

/** Nothing to prepare. */
export async function sync(_context: Context): Promise<Result> {
  return { next: 'Syncing' };
}
