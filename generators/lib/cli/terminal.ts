/** Questions through Yeoman's adapter, one at a time. `?` explains a question and asks it again. */
import { STOPPED_MESSAGE } from '../prompts/ask.ts';
import type { Ask, Question, Print } from '../prompts/ask.ts';
import { wrapText } from '../util/text.ts';

interface Prompter {
  prompt(questions: never): Promise<unknown>;
}

const HELP_ANSWER = '?';

export function createAsk(adapter: Prompter, print: Print): Ask {
  return async (question) => {
    let preset: readonly string[] | undefined;
    for (;;) {
      const answers = (await adapter.prompt([promptOf(question, preset)] as never)) as Record<
        string,
        unknown
      >;
      const answer = answers[question.name];
      if (
        Array.isArray(answer)
          ? answer.includes(HELP_ANSWER)
          : typeof answer === 'string' && answer.trim() === HELP_ANSWER
      ) {
        const width = Math.min(process.stdout.columns ?? 80, 100) - 4;
        print(
          `\n${question.help.flatMap((text) => wrapText(text, width).map((line) => `  ${line}`)).join('\n')}\n`,
        );
        if (Array.isArray(answer)) {
          preset = (answer as readonly string[]).filter((one) => one !== HELP_ANSWER);
        }
      } else {
        return question.type === 'confirm' ? /^y/i.test(String(answer).trim()) : answer;
      }
    }
  };
}

/** Lists get an entry that explains; a yes or no is typed, so that `?` can be typed too. */
function promptOf(question: Question, preset: readonly string[] | undefined): object {
  const { name, message } = question;
  switch (question.type) {
    case 'input':
      return {
        type: 'input',
        name,
        message,
        default: question.default,
        validate: (answer: string) =>
          answer.trim() === HELP_ANSWER || (question.validate?.(answer) ?? true),
      };
    case 'confirm':
      return {
        type: 'input',
        name,
        message: `${message} y/n`,
        default: question.default ? 'y' : 'n',
        validate: (answer: string) =>
          /^\s*(y|yes|n|no|\?)\s*$/i.test(answer) || 'y or n (? explains)',
      };
    case 'select':
    case 'checkbox': {
      const checked = preset ?? (question.type === 'checkbox' ? question.default : undefined) ?? [];
      const choices = question.choices.map(({ value, name: shown, description }) => ({
        value,
        name: shown ?? value,
        short: value,
        ...(description !== undefined && { description }),
        ...(question.type === 'checkbox' && { checked: checked.includes(value) }),
      }));
      return {
        type: question.type,
        name,
        message,
        pageSize: 10,
        choices: [...choices, { value: HELP_ANSWER, name: '? explain this', short: HELP_ANSWER }],
        ...(question.type === 'select' &&
          question.default !== undefined && { default: question.default }),
      };
    }
    default:
      return question satisfies never;
  }
}

interface InputStream {
  readonly isTTY?: boolean;
}

export function isInteractive(stdin: InputStream = process.stdin): boolean {
  return stdin.isTTY === true;
}

/**
 * The stream that Yeoman's adapter reads answers from (the environment's queue wraps the adapter
 * proper).
 */
export function inputStreamOf(adapter: unknown): InputStream {
  const { actualAdapter, stdin } = adapter as {
    readonly actualAdapter?: { readonly stdin?: InputStream };
    readonly stdin?: InputStream;
  };
  return actualAdapter?.stdin ?? stdin ?? process.stdin;
}

/**
 * Errors with a string `code` crash yo, so only the sentence goes on. Who stops the dialogue is
 * told so, without the words that Yeoman
 * has for failures. @returns false when it was stopped
 */
export async function withPlainErrors(
  work: () => Promise<unknown>,
  print: Print = () => {},
): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const stopped = error instanceof Error && error.name === 'ExitPromptError';
    if (!stopped && message !== STOPPED_MESSAGE) {
      throw new Error(message);
    }
    print(STOPPED_MESSAGE);
    process.exitCode = 1;
    return false;
  }
}
