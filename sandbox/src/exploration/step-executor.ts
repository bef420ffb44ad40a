/**
 * The steps of a scenario, one after the other: what people do, what they wait for, and when they
 * let the machine rest.
 */
import { parseDuration } from 'autopilot-runtime/ports';
import type { Course } from './course.ts';
import type { Rests } from './rests.ts';
import type { Act, Look, Scenario, Step } from './scenario.ts';
import type { User } from './user.ts';

export interface ScriptOptions {
  readonly scenario: Scenario;
  readonly course: Course;
  readonly rests: Rests;
  readonly user: User;
  readonly look: Look;
  /** The flight without faults: what is not possible in it makes no scenario. */
  readonly first: boolean;
  /** Was a promise broken already? Then that is the reason why something is not possible. */
  readonly isBroken: () => boolean;
}

export class Script {
  /** What people have done so far. */
  acts = 0;
  readonly #options: ScriptOptions;

  constructor(options: ScriptOptions) {
    this.#options = options;
  }

  /** @throws Error when a step cannot be done in the flight without faults */
  async play(): Promise<void> {
    const { scenario, course } = this.#options;
    for (const step of [...scenario.steps, { does: 'rest' } as const]) {
      if (!course.over) {
        await this.#do(step);
      }
    }
  }

  async #do(step: Step): Promise<void> {
    const { course, rests, user, first } = this.#options;
    if (step.does === 'rest') {
      return rests.come();
    }
    if (step.does === 'wait') {
      await course.until(course.now() + parseDuration(step.for));
    } else {
      const act = step.does === 'react' ? await this.#awaited(step) : step;
      this.acts++;
      const refusal = act && (await user.act(act));
      if (refusal !== undefined && first) {
        this.#cannotBeFlown(`${step.does} is refused: ${refusal.message}`, refusal);
      }
    }
    await course.instant();
  }

  /**
   * What somebody does who waits for something; undefined when it does not come, although in the
   * flight without faults it did.
   */
  async #awaited({
    title,
    to,
  }: Extract<Step, { readonly does: 'react' }>): Promise<Act | undefined> {
    const { course, rests, look, first } = this.#options;
    const begun = course.now();
    while (!course.over) {
      const act = to(look);
      if (act !== undefined) {
        return act;
      }
      if (course.isIdleUntil(Math.max(begun, course.lastChange) + rests.patience)) {
        break;
      }
      await course.tick();
      course.checkEndless(begun);
    }
    if (first) {
      this.#cannotBeFlown(`'${title}' finds nothing to do`);
    } else if (!rests.isExcused()) {
      course.giveUp('what somebody waits for comes', `'${title}' finds nothing to do`);
    }
    return undefined;
  }

  #cannotBeFlown(why: string, cause?: Error): void {
    const { scenario, course, isBroken } = this.#options;
    if (!isBroken()) {
      throw new Error(`the scenario '${scenario.name}' cannot be flown: ${why}`, { cause });
    }
    course.giveUp();
  }
}
