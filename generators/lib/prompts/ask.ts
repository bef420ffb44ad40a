/**
 * A question as data: asked through a function that is passed in, so that yo, the bin and tests
 * share the dialogue.
 */

export interface Choice {
  readonly value: string;
  /** What is shown; default: the value. */
  readonly name?: string;
  /** Shown while the choice is under the cursor. */
  readonly description?: string;
}

interface QuestionBase {
  readonly name: string;
  readonly message: string;
  /** What `?` shows: lines that teach. */
  readonly help: readonly string[];
}

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

/** Asks one question. */
export type Ask = (question: Question) => Promise<unknown>;
export type Print = (line: string) => void;

/** Text that `problemOf` has nothing against, without spaces around it. */
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

export async function askYesNo(
  ask: Ask,
  question: QuestionBase & { readonly default: boolean },
): Promise<boolean> {
  return (await ask({ type: 'confirm', ...question })) === true;
}

export async function askOne(
  ask: Ask,
  question: QuestionBase & { readonly choices: readonly Choice[]; readonly default?: string },
): Promise<string> {
  return String(await ask({ type: 'select', ...question }));
}

export async function askMany(
  ask: Ask,
  question: QuestionBase & {
    readonly choices: readonly Choice[];
    readonly default?: readonly string[];
  },
): Promise<readonly string[]> {
  return (await ask({ type: 'checkbox', ...question })) as readonly string[];
}

export function plainChoices(names: readonly string[]): readonly Choice[] {
  return names.map((value) => ({ value }));
}

/** What is said when the dialogue was left. */
export const STOPPED_MESSAGE = 'Stopped; nothing was written.';

/** The last look. @throws Error when the answer is no */
export async function confirmWrite(ask: Ask, message: string): Promise<void> {
  const help = [
    'Until now nothing has been written. y writes; n stops and leaves everything as it was.',
  ];
  if (!(await askYesNo(ask, { name: 'write', message, help, default: true }))) {
    throw new Error(STOPPED_MESSAGE);
  }
}
