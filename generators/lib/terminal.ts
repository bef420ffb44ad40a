/** Questions through Yeoman's adapter, one at a time. */
import type { Ask } from './dialogue.ts';

interface Prompter {
  prompt(questions: never): Promise<unknown>;
}

export function asker(adapter: Prompter): Ask {
  return async (question) => ((await adapter.prompt([question] as never)) as Record<string, unknown>)[question.name];
}

interface Input {
  readonly isTTY?: boolean;
}

export function interactive(stdin: Input = process.stdin): boolean {
  return stdin.isTTY === true;
}

/** The stream that Yeoman's adapter reads answers from (the environment's queue wraps the adapter proper). */
export function inputOf(adapter: unknown): Input {
  const { actualAdapter, stdin } = adapter as { readonly actualAdapter?: { readonly stdin?: Input }; readonly stdin?: Input };
  return actualAdapter?.stdin ?? stdin ?? process.stdin;
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
