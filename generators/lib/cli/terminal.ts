import { STOPPED_MESSAGE } from '../prompts/ask.ts';
import type { Ask, Question, Print } from '../prompts/ask.ts';
import { wrapText } from '../util/text.ts';

interface Prompter {
  prompt(questions: never): Promise<unknown>;
}

const HELP_ANSWER = '?';

/**
 * Asks questions through an adapter of Yeoman. The answer `?` prints the help of the question and
 * asks again.
 */
export function createAsk(adapter: Prompter, print: Print): Ask {
  return async (question) => {
    let preset: readonly string[] | undefined;
    for (;;) {
      const prompts = [promptOf(question, preset)] as never;
      const answers = (await adapter.prompt(prompts)) as Record<string, unknown>;
      const answer = answers[question.name];
      if (!asksForHelp(answer)) {
        return question.type === 'confirm' ? /^y/i.test(String(answer).trim()) : answer;
      }
      print(`\n${formatHelp(question.help)}\n`);
      if (Array.isArray(answer)) {
        preset = (answer as readonly string[]).filter((one) => one !== HELP_ANSWER);
      }
    }
  };
}

function asksForHelp(answer: unknown): boolean {
  return Array.isArray(answer)
    ? answer.includes(HELP_ANSWER)
    : typeof answer === 'string' && answer.trim() === HELP_ANSWER;
}

/** Wraps and indents help for the width of the terminal, at most 100 columns. */
function formatHelp(help: readonly string[]): string {
  const width = Math.min(process.stdout.columns ?? 80, 100) - 4;
  return help
    .flatMap((paragraph) => wrapText(paragraph, width))
    .map((line) => `  ${line}`)
    .join('\n');
}

/**
 * A question as a prompt of Yeoman. A list gets an entry for help. Yes or no is typed, so that the
 * user can type `?` too.
 *
 * @param preset choices that are checked at the start. Default: those of the question
 */
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
          /^\s*(y|yes|n|no|\?)\s*$/i.test(answer) || 'answer y or n, or ? for help',
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
        choices: [...choices, { value: HELP_ANSWER, name: '? help', short: HELP_ANSWER }],
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

/** Whether there is a terminal to ask on. */
export function isInteractive(stdin: InputStream = process.stdin): boolean {
  return stdin.isTTY === true;
}

/** The stream from which a Yeoman adapter reads answers. The environment may wrap the adapter. */
export function inputStreamOf(adapter: unknown): InputStream {
  const { actualAdapter, stdin } = adapter as {
    readonly actualAdapter?: { readonly stdin?: InputStream };
    readonly stdin?: InputStream;
  };
  return actualAdapter?.stdin ?? stdin ?? process.stdin;
}

/**
 * Runs a step of a Yeoman generator. Throws errors again with their message only, because yo
 * crashes on errors with a string `code`. After a cancel, prints STOPPED_MESSAGE and sets the exit
 * code to 1.
 *
 * @returns false if the user cancelled
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
