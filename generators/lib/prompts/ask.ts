/** One choice of a list. */
export interface Choice {
  /** The answer. */
  readonly value: string;
  /** Text in the list. Default: the value. */
  readonly name?: string;
  /** Text below the list while the choice is selected. Default: none. */
  readonly description?: string;
}

interface QuestionBase {
  /** Key of the answer. */
  readonly name: string;
  /** The question itself. */
  readonly message: string;
  /** Paragraphs that `?` shows. */
  readonly help: readonly string[];
}

/**
 * A prompt as data. An `Ask` function asks it, so that Yeoman, `autopilot` and tests share the
 * prompts.
 */
export type Question =
  | (QuestionBase & {
      readonly type: 'input';
      readonly default?: string;
      readonly validate?: (answer: string) => true | string;
    })
  | (QuestionBase & { readonly type: 'confirm'; readonly default: boolean })
  | (QuestionBase & {
      readonly type: 'select';
      readonly choices: readonly Choice[];
      readonly default?: string;
    })
  | (QuestionBase & {
      readonly type: 'checkbox';
      readonly choices: readonly Choice[];
      readonly default?: readonly string[];
    });

/** Asks one question and resolves with the answer. */
export type Ask = (question: Question) => Promise<unknown>;
/** Prints one line. */
export type Print = (line: string) => void;

/**
 * Asks for a string, without spaces around it.
 *
 * @param problemOf returns why an answer is invalid, or undefined
 * @throws Error if the answer is invalid
 */
export async function askText(
  ask: Ask,
  question: {
    readonly name: string;
    readonly message: string;
    readonly help: readonly string[];
    readonly default?: string;
  },
  problemOf: (answer: string) => string | undefined = () => undefined,
): Promise<string> {
  const given = await ask({
    type: 'input',
    ...question,
    validate: (answer) => problemOf(answer.trim()) ?? true,
  });
  const answer = typeof given === 'string' ? given.trim() : '';
  const problem = problemOf(answer);
  if (problem !== undefined) {
    throw new Error(`${question.name}: ${problem}`);
  }
  return answer;
}

/** Asks for yes or no. */
export async function askYesNo(
  ask: Ask,
  question: QuestionBase & { readonly default: boolean },
): Promise<boolean> {
  return (await ask({ type: 'confirm', ...question })) === true;
}

/** Asks for one of several choices. */
export async function askOne(
  ask: Ask,
  question: QuestionBase & { readonly choices: readonly Choice[]; readonly default?: string },
): Promise<string> {
  return String(await ask({ type: 'select', ...question }));
}

/** Asks for any number of several choices. */
export async function askMany(
  ask: Ask,
  question: QuestionBase & {
    readonly choices: readonly Choice[];
    readonly default?: readonly string[];
  },
): Promise<readonly string[]> {
  return (await ask({ type: 'checkbox', ...question })) as readonly string[];
}

/** Choices without descriptions. */
export function plainChoices(names: readonly string[]): readonly Choice[] {
  return names.map((value) => ({ value }));
}

/** Message after the user cancels a command. */
export const STOPPED_MESSAGE = 'Stopped; nothing was written.';

/**
 * Asks for confirmation before files are written.
 *
 * @throws Error with STOPPED_MESSAGE if the answer is no
 */
export async function confirmWrite(ask: Ask, message: string): Promise<void> {
  const help = [
    'Nothing has been written yet. Answer y to write the files, or n to stop without changes.',
  ];
  if (!(await askYesNo(ask, { name: 'write', message, help, default: true }))) {
    throw new Error(STOPPED_MESSAGE);
  }
}
