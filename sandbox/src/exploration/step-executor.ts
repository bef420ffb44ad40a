/**
 * The steps of a scenario, one after the other: what people do, what they wait for, and when they
 * let the machine rest.
 */
import { parseDuration } from 'autopilot-runtime/internal';
import type { EventLoop } from './event-loop.ts';
import type { Quiescence } from './quiescence.ts';
import type { ClusterChange, ClusterSnapshot, Scenario, ScenarioStep } from './scenario.ts';
import type { User } from './user.ts';

export interface StepExecutorOptions {
  readonly scenario: Scenario;
  readonly eventLoop: EventLoop;
  readonly quiescence: Quiescence;
  readonly user: User;
  readonly snapshot: ClusterSnapshot;
  /** The flight without faults: what is not possible in it makes no scenario. */
  readonly isBaseline: boolean;
  /** Was a promise broken already? Then that is the reason why something is not possible. */
  readonly isViolated: () => boolean;
}

export class StepExecutor {
  /** What people have done so far. */
  changesMade = 0;
  readonly #options: StepExecutorOptions;

  constructor(options: StepExecutorOptions) {
    this.#options = options;
  }

  /** @throws Error when a step cannot be done in the flight without faults */
  async run(): Promise<void> {
    const { scenario, eventLoop } = this.#options;
    for (const step of [...scenario.steps, { type: 'quiesce' } as const]) {
      if (!eventLoop.isOver) {
        await this.#runStep(step);
      }
    }
  }

  async #runStep(step: ScenarioStep): Promise<void> {
    const { eventLoop, quiescence, user, isBaseline } = this.#options;
    if (step.type === 'quiesce') {
      return quiescence.waitForQuiescence();
    }
    if (step.type === 'wait') {
      await eventLoop.advanceUntil(eventLoop.now() + parseDuration(step.for));
    } else {
      const change = step.type === 'actWhen' ? await this.#waitForChange(step) : step;
      this.changesMade++;
      const refusal = change && (await user.makeChange(change));
      if (refusal !== undefined && isBaseline) {
        this.#failAsImpossible(`${step.type} is refused: ${refusal.message}`, refusal);
      }
    }
    await eventLoop.runInstant();
  }

  /**
   * What somebody does who waits for something; undefined when it does not come, although in the
   * flight without faults it did.
   */
  async #waitForChange({
    title,
    choose,
  }: Extract<ScenarioStep, { readonly type: 'actWhen' }>): Promise<ClusterChange | undefined> {
    const { eventLoop, quiescence, snapshot, isBaseline } = this.#options;
    const startedAt = eventLoop.now();
    while (!eventLoop.isOver) {
      const change = choose(snapshot);
      if (change !== undefined) {
        return change;
      }
      if (
        eventLoop.isIdleUntil(
          Math.max(startedAt, eventLoop.lastChangeAt) + quiescence.quietPeriodMs,
        )
      ) {
        break;
      }
      await eventLoop.advance();
      eventLoop.abortIfEndless(startedAt);
    }
    if (isBaseline) {
      this.#failAsImpossible(`'${title}' finds nothing to do`);
    } else if (!quiescence.isAcceptedDeviation()) {
      eventLoop.abort('what somebody waits for comes', `'${title}' finds nothing to do`);
    }
    return undefined;
  }

  #failAsImpossible(reason: string, cause?: Error): void {
    const { scenario, eventLoop, isViolated } = this.#options;
    if (!isViolated()) {
      throw new Error(`the scenario '${scenario.name}' cannot be run: ${reason}`, { cause });
    }
    eventLoop.abort();
  }
}
