/** Questions through Yeoman's adapter, one at a time. */
import type { Ask } from './dialogue.ts';

interface Prompter {
  prompt(questions: never): Promise<unknown>;
}

export function asker(adapter: Prompter): Ask {
  return async (question) => ((await adapter.prompt([question] as never)) as Record<string, unknown>)[question.name];
}

/** A terminal to ask on: tests pass their own streams through the environment. */
export function interactive(stdin: { readonly isTTY?: boolean } = process.stdin): boolean {
  return stdin.isTTY === true;
}

/** Errors with a string `code` crash yo, so only the sentence goes on. */
export async function plainly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError') throw new Error('Stopped; nothing was written.', { cause: undefined });
    throw new Error(error instanceof Error ? error.message : String(error));
  }
}
