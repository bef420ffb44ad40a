/** Answers a dialogue as a person would, without a terminal. */
import { expect } from 'chai';
import type { Ask, Question } from '../../../generators/lib/prompts/ask.ts';

export type Answers = readonly (readonly [name: string, answer: unknown])[];

/**
 * Answers in order; each is held against the question's own validation, as the terminal does.
 * `DEFAULT` takes what Enter alone takes.
 */
export function scriptAnswers(answers: Answers): { ask: Ask; asked: Question[] } {
  const asked: Question[] = [];
  const ask: Ask = async (question) => {
    const [name, given] = answers[asked.length] ?? ['nothing', undefined];
    expect(question.name, `question ${asked.length}: ${question.message}`).to.equal(name);
    expect(question.help.length, `help of ${name}`).to.be.greaterThan(0);
    asked.push(question);
    const answer =
      given === DEFAULT ? (question.default ?? (question.type === 'checkbox' ? [] : '')) : given;
    if (question.type === 'input') {
      expect(question.validate?.(answer as string) ?? true, question.message).to.equal(true);
    }
    if (question.type === 'checkbox') {
      expect(question.choices.map(({ value }) => value)).to.include.members(answer as string[]);
    }
    if (question.type === 'select') {
      expect(question.choices.map(({ value }) => value)).to.include(answer);
    }
    return answer;
  };
  return { ask, asked };
}
export const DEFAULT = Symbol('what Enter alone takes');
