/**
 * One flight of a scenario with the faults that were put into it. The same scenario, seed and
 * faults make the same flight.
 */
import type { KubeObject, Scheduler } from 'autopilot-runtime/ports';
import { seeded, VirtualClock } from '../clock.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { Rights } from '../cluster/rights.ts';
import type { FlightObject } from '../kit/fly.ts';
import { openDefinition } from '../kit/fly.ts';
import type { Ask } from '../simulators/simulator.ts';
import { Course } from './course.ts';
import type { Fault, Places } from './fault.ts';
import { FAULTS, needsElection } from './fault.ts';
import type { Subject } from './fleet.ts';
import { Fleet } from './fleet.ts';
import type { Ground } from './ground.ts';
import { lookAt } from './look.ts';
import type { Violation } from './oracle.ts';
import { Oracle } from './oracle.ts';
import { outside } from './outside.ts';
import { PlaceCounter } from './places.ts';
import type { Process } from './process.ts';
import type { Rest } from './rests.ts';
import { Rests } from './rests.ts';
import type { Look, Scenario } from './scenario.ts';
import { Script } from './script.ts';
import { isTalk } from './talk.ts';
import type { Entry } from './trace.ts';
import { Trace } from './trace.ts';
import { User } from './user.ts';
import { costly, paceOf } from './verdict.ts';

export interface Flown {
  readonly faults: readonly Fault[];
  readonly places: Places;
  readonly rests: readonly Rest[];
  readonly violations: readonly Violation[];
  readonly trace: readonly Entry[];
  readonly writes: number;
  /** The closest that two steps of each phase came, in milliseconds. */
  readonly steps: ReadonlyMap<string, number>;
  /** The resources at the end. */
  readonly resources: readonly KubeObject[];
}

/** What a flight is held to: the one without faults. */
export type Quiet = Pick<Flown, 'rests' | 'writes' | 'steps'>;

export class Trial implements Ground {
  readonly clock = new VirtualClock();
  readonly cluster = new Cluster({ clock: this.clock });
  readonly trace = new Trace(this.clock);
  readonly oracle: Oracle;
  readonly scheduler: Scheduler;
  readonly rights: Rights | undefined;
  readonly course: Course;
  readonly #scenario: Scenario;
  readonly #faults: readonly Fault[];
  readonly #quiet: Quiet | undefined;
  readonly #look: Look;
  readonly #fleet: Fleet;
  readonly #user: User;
  readonly #places: PlaceCounter;
  readonly #rests: Rests;
  readonly #script: Script;
  readonly #election: boolean;
  /** Of the resources, by uid. */
  readonly #phases = new Map<string, string>();
  #ask: Ask = silence;

  private constructor(
    subject: Subject,
    scenario: Scenario,
    seed: number,
    faults: readonly Fault[],
    quiet: Quiet | undefined,
  ) {
    const { clock, cluster, trace } = this;
    this.#scenario = scenario;
    this.rights = subject.rights;
    this.#faults = faults;
    this.#quiet = quiet;
    const places = (this.#places = new PlaceCounter(faults));
    const election = (this.#election = needsElection(faults));
    const scheduler = (this.scheduler =
      typeof subject.scheduler === 'function' ? subject.scheduler() : subject.scheduler);
    const look = (this.#look = lookAt(cluster, scheduler));
    const oracle = (this.oracle = new Oracle({
      scheduler,
      scenario,
      cluster,
      clock,
      look,
      election,
      pace: paceOf(scenario, quiet?.steps, faults),
    }));
    const told = (sentence: string): void =>
      oracle.say('workers depend on nothing but their context', sentence);
    this.#fleet = new Fleet(
      {
        subject,
        scenario,
        seed,
        ask: () => this.#ask,
        election,
        outside: outside(clock, seeded(seed + 1), told),
      },
      this,
    );
    const user = (this.#user = new User(cluster, scheduler, trace));
    const course = (this.course = new Course({
      clock,
      onInstant: () => this.#strike(),
      onEnd: (...broken) => this.#end(...broken),
    }));
    const rests = (this.#rests = new Rests({
      course,
      places,
      cluster,
      look,
      scheduler,
      scenario,
      faults,
      expected: quiet?.rests,
    }));
    const isBroken = (): boolean => oracle.violations.length > 0;
    this.#script = new Script({
      scenario,
      course,
      rests,
      user,
      look,
      first: quiet === undefined,
      isBroken,
    });
  }

  /**
   * @param quiet the flight without faults. Absent: this is that one, and its places of rest are
   * waited for with patience.
   */
  static async fly(
    subject: Subject,
    scenario: Scenario,
    seed: number,
    faults: readonly Fault[],
    quiet?: Quiet,
  ): Promise<Flown> {
    return new Trial(subject, scenario, seed, faults, quiet).#fly(subject);
  }

  async #fly({ crd = openDefinition(this.scheduler) }: Subject): Promise<Flown> {
    const { cluster, course } = this;
    const { objects = [], simulators = [] } = this.#scenario;
    await this.#user.create(crd as FlightObject);
    for (const object of objects) {
      await this.#user.create(object);
    }
    cluster.onChange((before, after) => this.#changed(before, after));
    const simulations = simulators.map((simulator) =>
      simulator({ cluster, scheduler: this.scheduler }),
    );
    this.#ask =
      this.#scenario.ask ?? simulations.find(({ ask }) => ask !== undefined)?.ask ?? silence;
    this.#fleet.launch(false);
    await course.settle();
    if (this.#election) {
      this.#fleet.launch(true);
    }
    await course.instant();
    await this.#script.play();
    for (const [promise, detail] of costly(this.oracle, this.#faults.length, this.#quiet?.writes)) {
      this.oracle.say(promise, detail);
    }
    this.#fleet.end();
    for (const simulation of simulations) {
      simulation.stop?.();
    }
    return {
      faults: this.#faults,
      places: this.#places.met,
      rests: this.#rests.all,
      violations: this.oracle.violations,
      trace: this.trace.entries,
      writes: this.oracle.writes,
      steps: this.oracle.steps.closest,
      resources: this.#look.list(this.scheduler.resource.kind),
    };
  }

  place(sort: 'request' | 'event' | 'call', what: string, write = false): Fault | undefined {
    this.course.count();
    const fault = this.#places.next(sort, `${this.#situation} ${what}`, write);
    if (fault !== undefined) {
      this.course.lastFault = this.clock.monotonic();
    }
    return fault;
  }

  kill(process: Process): void {
    this.#fleet.kill(process);
  }

  lagOthers(process: Process, ms: number): void {
    this.#fleet.lagOthers(process, ms);
  }

  /** A quiet instant is a place too. */
  #strike(): boolean {
    const fault = this.#places.next('instant', `${this.#situation} all is quiet`);
    if (fault === undefined) {
      return false;
    }
    this.trace.add('', 'all is quiet', FAULTS[fault.kind].says);
    this.#fleet.strike(fault.kind);
    return true;
  }

  #end(promise?: string, detail = ''): void {
    if (promise !== undefined) {
      this.oracle.say(promise, detail);
    }
    this.#fleet.end();
  }

  /** How much people have done, and which phases the resources are in. */
  get #situation(): string {
    return `${this.#script.acts} ${[...this.#phases.values()].join(' ')}`;
  }

  #changed(before: KubeObject | undefined, after: KubeObject | undefined): void {
    const object = after ?? before;
    if (object === undefined || isTalk(object)) {
      return;
    }
    this.course.changed();
    if (object.kind === this.scheduler.resource.kind) {
      const { phase = 'none' } = (after?.status ?? {}) as { readonly phase?: string };
      this.#phases.set(object.metadata.uid ?? '', after === undefined ? 'gone' : phase);
    }
    this.oracle.changed(before, after);
  }
}

const silence: Ask = async () => ({ kind: 'noData' });
