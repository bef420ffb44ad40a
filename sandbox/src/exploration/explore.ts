/**
 * Flies a scenario without faults, then with single faults, pairs of faults and other orders of
 * events in turns, as long as there is
 * budget; without one, with each single fault at each place it can stand. What is found is shrunk
 * and can be replayed.
 */
import type { Scheduler } from 'autopilot-runtime';
import { seeded } from '../clock.ts';
import type { Fault, FaultKind, Places } from './fault.ts';
import { KINDS, tokenText } from './fault.ts';
import type { Violation } from './oracle.ts';
import type { Planned, Stage } from './plan.ts';
import { Plan } from './plan.ts';
import type { Scenario } from './scenario.ts';
import { shrink } from './shrink.ts';
import type { Entry } from './trace.ts';
import type { Subject } from './fleet.ts';
import type { Flown } from './trial.ts';
import { Trial } from './trial.ts';

export interface ExploreOptions {
  /** Of chance: jitter, the order of single faults, pairs and schedules. Default 1. */
  readonly seed?: number;
  /**
   * Asked before each flight with the number of flights so far: is there budget for one more?
   * Absent: all single faults, no more.
   */
  readonly more?: (flown: number) => boolean;
  /** Default: all. */
  readonly kinds?: readonly FaultKind[];
  /** Promises that are found broken before exploration ends. Default 3. */
  readonly findings?: number;
  readonly onProgress?: (progress: Progress) => void;
  /**
   * Who flies what is not the flight without faults. Default: this thread, one flight after the
   * other.
   */
  readonly launch?: Launch;
}

/**
 * Begins a flight, or notes it; what it returns waits for its end. The same faults make the same
 * flight, wherever it is flown.
 */
export type Launch = (faults: readonly Fault[]) => () => Promise<Flown>;

/**
 * Flights that are planned before the first of them is looked at: so many can be under way
 * elsewhere. The plan is always the same.
 */
const AHEAD = 16;

export interface Progress {
  readonly scenario: string;
  readonly stage: Stage | 'shrinking';
  readonly flown: number;
  /** Single faults flown, of how many. */
  readonly singles: readonly [flown: number, all: number];
  readonly findings: number;
}

/** A promise that some flight broke, with the shortest flight known to break it. */
export interface Finding {
  readonly violation: Violation;
  readonly faults: readonly Fault[];
  /** Of the flight that broke it first. */
  readonly foundAfter: number;
  /** Flights that broke the same promise. */
  readonly times: number;
  readonly trace: readonly Entry[];
  /** For `--replay`. */
  readonly token: string;
}

export interface Exploration {
  readonly scenario: string;
  readonly seed: number;
  /** Flights: those without faults, those that shrank a finding, and the following. */
  readonly flown: number;
  readonly singles: readonly [flown: number, all: number];
  readonly pairs: number;
  /** Flights with other orders of events. */
  readonly schedules: number;
  readonly places: Places;
  /** The flight without faults. */
  readonly quiet: Flown;
  /** Empty: every promise was kept in every flight. */
  readonly findings: readonly Finding[];
}

/** @throws Error when the scenario itself cannot be flown */
export async function explore(
  subject: Subject | Scheduler,
  scenario: Scenario,
  options: ExploreOptions = {},
): Promise<Exploration> {
  return new Explorer(
    'phases' in subject ? { scheduler: subject } : subject,
    scenario,
    options,
  ).explore();
}

export interface FlyOptions {
  readonly seed?: number;
  readonly faults?: readonly Fault[];
  /** The flight without faults, which others are held to. Absent: this is that one. */
  readonly quiet?: Flown;
}

/** One flight of an exploration. */
export async function fly(
  subject: Subject,
  scenario: Scenario,
  { seed = 1, faults = [], quiet }: FlyOptions,
): Promise<Flown> {
  return Trial.fly(subject, scenario, seed, faults, quiet);
}

/**
 * One flight, as a token says. Its violations are those that exploration found, or none when they
 * are mended.
 */
export async function replay(
  subject: Subject | Scheduler,
  scenario: Scenario,
  faults: readonly Fault[],
  seed = 1,
): Promise<Flown> {
  const given: Subject = 'phases' in subject ? { scheduler: subject } : subject;
  return fly(given, scenario, { seed, faults, quiet: await fly(given, scenario, { seed }) });
}

class Explorer {
  readonly #subject: Subject;
  readonly #scenario: Scenario;
  readonly #options: ExploreOptions;
  readonly #seed: number;
  readonly #findings = new Map<string, Finding>();
  #quiet: Flown | undefined;
  #flown = 0;
  #plan: Plan | undefined;

  constructor(subject: Subject, scenario: Scenario, options: ExploreOptions) {
    this.#subject = subject;
    this.#scenario = scenario;
    this.#options = options;
    this.#seed = options.seed ?? 1;
  }

  async explore(): Promise<Exploration> {
    const { kinds = KINDS } = this.#options;
    const random = seeded(this.#seed);
    const patient = await this.#fly([]);
    await this.#take(patient);
    // Again, with as little patience as flights with faults get: their places are the same until
    // the first fault.
    this.#quiet = patient;
    const quiet = patient.violations.length === 0 ? await this.#fly([]) : patient;
    await this.#take(quiet);
    const plan = (this.#plan = new Plan(quiet.places, kinds, random));
    if (this.#findings.size === 0) {
      await this.#again(quiet);
      await this.#search(plan);
    }
    return {
      scenario: this.#scenario.name,
      seed: this.#seed,
      flown: this.#flown,
      singles: [plan.flown.singles, plan.singles],
      pairs: plan.flown.pairs,
      schedules: plan.flown.schedules,
      places: quiet.places,
      quiet,
      findings: [...this.#findings.values()],
    };
  }

  /** Until there is no budget any more, nothing to fly, or enough was found. */
  async #search(plan: Plan): Promise<void> {
    const { findings = 3, more, launch = (faults) => () => this.#flyHere(faults) } = this.#options;
    const ahead: (Planned & { readonly landing: () => Promise<Flown> })[] = [];
    while (this.#findings.size < findings) {
      while (ahead.length < AHEAD && (more?.(this.#flown + ahead.length) ?? true)) {
        const next = plan.next(more === undefined);
        if (next === undefined) {
          break;
        }
        ahead.push({ ...next, landing: launch(next.faults) });
      }
      const first = ahead.shift();
      if (first === undefined) {
        return;
      }
      this.#tell(first.stage);
      this.#flown++;
      const flown = await first.landing();
      plan.learn(first, flown.places);
      await this.#take(flown);
    }
  }

  /** The same flight twice: whoever goes another way depends on something else than the cluster. */
  async #again(quiet: Flown): Promise<void> {
    const second = await this.#fly([]);
    const differs = quiet.trace.findIndex(
      (entry, index) => JSON.stringify(entry) !== JSON.stringify(second.trace[index]),
    );
    if (differs < 0 && quiet.trace.length === second.trace.length) {
      return;
    }
    const at = differs < 0 ? quiet.trace.length : differs;
    const [first, other] = [quiet.trace[at], second.trace[at]];
    const promise = 'the same flight goes the same way again';
    const detail = `at first: ${first?.what ?? 'the end'}; then: ${other?.what ?? 'the end'}. A worker keeps something in memory, or draws by itself`;
    await this.#take({
      ...second,
      violations: [...second.violations, { promise, detail, at: other?.at ?? 0 }],
    });
  }

  #tell(stage: Progress['stage']): void {
    const singles = [this.#plan?.flown.singles ?? 0, this.#plan?.singles ?? 0] as const;
    this.#options.onProgress?.({
      scenario: this.#scenario.name,
      stage,
      flown: this.#flown,
      singles,
      findings: this.#findings.size,
    });
  }

  #fly(faults: readonly Fault[]): Promise<Flown> {
    this.#flown++;
    return this.#flyHere(faults);
  }

  #flyHere(faults: readonly Fault[]): Promise<Flown> {
    const quiet = this.#quiet;
    return fly(this.#subject, this.#scenario, {
      seed: this.#seed,
      faults,
      ...(quiet !== undefined && { quiet }),
    });
  }

  /** Takes what a flight broke, as its first violation: others may follow from it. */
  async #take(flown: Flown): Promise<void> {
    const [violation] = flown.violations;
    if (violation === undefined) {
      return;
    }
    const known = this.#findings.get(violation.promise);
    if (known !== undefined) {
      this.#findings.set(violation.promise, { ...known, times: known.times + 1 });
      return;
    }
    const foundAfter = this.#flown;
    this.#tell('shrinking');
    const shortest =
      flown.faults.length > 1
        ? await shrink(flown, violation.promise, (faults) => this.#fly(faults))
        : flown;
    const { faults, trace, violations } = shortest;
    this.#findings.set(violation.promise, {
      violation: violations.find(({ promise }) => promise === violation.promise) ?? violation,
      faults,
      foundAfter,
      times: 1,
      trace,
      token: tokenText({ scenario: this.#scenario.name, seed: this.#seed, faults }),
    });
  }
}
