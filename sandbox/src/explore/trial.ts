/** One flight of a scenario with the faults that were put into it. The same scenario, seed and faults make the same flight. */
import type { KubeObject, Scheduler } from 'autopilot-runtime/ports';
import { parseDuration, sleep } from 'autopilot-runtime/ports';
import { seeded, VirtualClock } from '../clock.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { Rights } from '../cluster/rights.ts';
import type { FlightObject } from '../kit/fly.ts';
import { openDefinition } from '../kit/fly.ts';
import type { End } from './end.ts';
import { differences, endOf } from './end.ts';
import type { Ask } from '../simulators/simulator.ts';
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
import type { Act, Look, Scenario, Step } from './scenario.ts';
import type { Entry } from './trace.ts';
import { isTalk } from './talk.ts';
import { Trace } from './trace.ts';
import { User } from './user.ts';
import { costly, paceOf, stalled, timedOut } from './verdict.ts';

/** A moment of rest: what was there, and how long it took to come to it. */
export interface Rest {
  readonly end: End;
  /** The longest time without a change on the way there, in milliseconds. */
  readonly gap: number;
}

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

/** After its faults a flight is given this long without a change before it is looked at. */
const CALM_MS = 30_000;
/** One that does not look as it should is given this long: a watch that died is noticed by then. */
const PATIENCE_MS = 1_200_000;
/** Changes and time after which a flight that does not come to rest is given up. */
const MOST_CHANGES = 2_000;
const MOST_MS = 24 * 3_600_000;
/** Turns of the event loop that a worker which does something real is waited for, at one instant. */
const PATIENT_TURNS = 2_000;
const MOST_TURNS = 20_000;
/** Places and changes of one turn: more is a loop that never lets anything else happen. */
const MOST_ACTIVITY = 5_000;

export class Trial implements Ground {
  readonly clock = new VirtualClock();
  readonly cluster = new Cluster({ clock: this.clock });
  readonly trace = new Trace(this.clock);
  readonly oracle: Oracle;
  readonly scheduler: Scheduler;
  readonly rights: Rights | undefined;
  busy = 0;
  readonly #scenario: Scenario;
  readonly #faults: readonly Fault[];
  readonly #quiet: Quiet | undefined;
  readonly #look: Look;
  readonly #fleet: Fleet;
  readonly #user: User;
  readonly #places: PlaceCounter;
  readonly #election: boolean;
  #ask: Ask = silence;
  readonly #rests: Rest[] = [];
  #activity = 0;
  /** Of the last instant, and of the last turn. */
  #seen = 0;
  #turn = 0;
  #changes = 0;
  #lastChange = 0;
  #lastFault = 0;
  /** Faults that are not over. */
  #passing = 0;
  /** Of people, so far. */
  #acts = 0;
  /** Of the resources, by uid. */
  readonly #phases = new Map<string, string>();
  /** It is no use to fly on. */
  #over = false;

  private constructor(subject: Subject, scenario: Scenario, seed: number, faults: readonly Fault[], quiet: Quiet | undefined) {
    const { clock, cluster, trace } = this;
    this.#scenario = scenario;
    this.rights = subject.rights;
    this.#faults = faults;
    this.#quiet = quiet;
    this.#places = new PlaceCounter(faults);
    const election = (this.#election = needsElection(faults));
    const scheduler = (this.scheduler = typeof subject.scheduler === 'function' ? subject.scheduler() : subject.scheduler);
    const look = (this.#look = lookAt(cluster, scheduler));
    this.oracle = new Oracle({ scheduler, scenario, cluster, clock, look, election, pace: paceOf(scenario, quiet?.steps, faults) });
    const told = (sentence: string): void => this.oracle.say('workers depend on nothing but their context', sentence);
    this.#fleet = new Fleet({ subject, scenario, seed, ask: () => this.#ask, election, outside: outside(clock, seeded(seed + 1), told) }, this);
    this.#user = new User(cluster, scheduler, trace);
  }

  /** @param quiet the flight without faults. Absent: this is that one, and its places of rest are waited for with patience. */
  static async fly(subject: Subject, scenario: Scenario, seed: number, faults: readonly Fault[], quiet?: Quiet): Promise<Flown> {
    return new Trial(subject, scenario, seed, faults, quiet).#fly(subject);
  }

  async #fly({ crd = openDefinition(this.scheduler) }: Subject): Promise<Flown> {
    const { cluster } = this;
    const { objects = [], steps, simulators = [] } = this.#scenario;
    await this.#user.create(crd as FlightObject);
    for (const object of objects) await this.#user.create(object);
    cluster.onChange((before, after) => this.#changed(before, after));
    const simulations = simulators.map((simulator) => simulator({ cluster, scheduler: this.scheduler }));
    this.#ask = this.#scenario.ask ?? simulations.find(({ ask }) => ask !== undefined)?.ask ?? silence;
    this.#fleet.launch(false);
    await this.#settle();
    if (this.#election) this.#fleet.launch(true);
    await this.#instant();
    for (const step of [...steps, { does: 'rest' } as const]) if (!this.#over) await this.#do(step);
    for (const [promise, detail] of costly(this.oracle, this.#faults.length, this.#quiet?.writes)) this.oracle.say(promise, detail);
    this.#fleet.end();
    for (const simulation of simulations) simulation.stop?.();
    return {
      faults: this.#faults,
      places: this.#places.met,
      rests: this.#rests,
      violations: this.oracle.violations,
      trace: this.trace.entries,
      writes: this.oracle.writes,
      steps: this.oracle.steps.closest,
      resources: this.#look.list(this.scheduler.resource.kind),
    };
  }

  place(sort: 'request' | 'event' | 'call', what: string, write = false): Fault | undefined {
    this.#count();
    const fault = this.#places.next(sort, `${this.#situation} ${what}`, write);
    if (fault !== undefined) this.#lastFault = this.clock.monotonic();
    return fault;
  }

  kill(process: Process): void {
    this.#fleet.kill(process);
  }

  lagOthers(process: Process, ms: number): void {
    this.#fleet.lagOthers(process, ms);
  }

  async pass(ms: number, signal?: AbortSignal): Promise<void> {
    this.#passing++;
    try {
      await sleep(this.clock, ms, signal);
    } finally {
      this.#passing--;
      this.#lastFault = this.clock.monotonic();
    }
  }

  async #do(step: Step): Promise<void> {
    if (step.does === 'rest') return this.#rest();
    if (step.does === 'wait') {
      const until = this.clock.monotonic() + parseDuration(step.for);
      while (!this.#over && (this.clock.next ?? Infinity) <= until) await this.#tick();
      this.clock.moveTo(until);
    } else {
      const act = step.does === 'react' ? await this.#awaited(step) : step;
      this.#acts++;
      const refusal = act && (await this.#user.act(act));
      if (refusal !== undefined && this.#quiet === undefined) this.#cannotBeFlown(`${step.does} is refused: ${refusal.message}`, refusal);
    }
    await this.#instant();
  }

  /** What somebody does who waits for something; undefined when it does not come, although in the flight without faults it did. */
  async #awaited({ title, to }: Extract<Step, { readonly does: 'react' }>): Promise<Act | undefined> {
    const begun = this.clock.monotonic();
    while (!this.#over) {
      const act = to(this.#look);
      if (act !== undefined) return act;
      if (this.clock.next === undefined || this.clock.next - Math.max(begun, this.#lastChange) > this.#patience) break;
      await this.#tick();
      this.#checkEndless(begun);
    }
    if (this.#quiet === undefined) this.#cannotBeFlown(`'${title}' finds nothing to do`);
    else if (!this.#isExcused()) this.#giveUp('what somebody waits for comes', `'${title}' finds nothing to do`);
    return undefined;
  }

  /** A promise that was broken before is the reason then, and found. @throws Error when there is no such reason */
  #cannotBeFlown(why: string, cause?: Error): void {
    if (this.oracle.violations.length === 0) throw new Error(`the scenario '${this.#scenario.name}' cannot be flown: ${why}`, { cause });
    this.#over = true;
    this.#fleet.end();
  }

  /** How long nothing may happen before somebody who waits for something gives up, in milliseconds. */
  get #patience(): number {
    return this.#quiet === undefined ? parseDuration(this.#scenario.patience ?? '10m') : PATIENCE_MS;
  }

  /** Until nothing changes any more; then the cluster has to be as it was in the flight without faults. */
  async #rest(): Promise<void> {
    const begun = this.clock.monotonic();
    const expected = this.#quiet?.rests[this.#rests.length];
    const patience = this.#patience;
    const calm = expected === undefined ? patience : Math.max(CALM_MS, expected.gap * 1.25 + 10_000);
    let last = (this.#lastChange = begun);
    let gap = 0;
    this.#places.mark();
    while (!this.#over) {
      const quietFor = this.clock.monotonic() - Math.max(this.#lastChange, this.#lastFault);
      if (quietFor >= calm && this.#passing === 0 && this.#isGood(expected, quietFor >= patience)) {
        this.#places.cut();
        this.#rests.push({ end: expected?.end ?? this.#end(), gap });
        return;
      }
      if (this.clock.next === undefined) this.clock.moveTo(this.clock.monotonic() + Math.max(1, calm - quietFor));
      else await this.#tick();
      if (this.#lastChange > last) {
        gap = Math.max(gap, this.#lastChange - last);
        last = this.#lastChange;
        this.#places.mark();
      }
      this.#checkEndless(begun);
    }
  }

  #checkEndless(begun: number): void {
    if (this.#changes > MOST_CHANGES || this.clock.monotonic() - begun > MOST_MS)
      this.#giveUp('the machine comes to rest', `it still changes something after ${this.#changes} changes`);
  }

  /** Is what is there now an end? When patience is over, one that is not is a finding. */
  #isGood(expected: Rest | undefined, patienceIsOver: boolean): boolean {
    if (expected === undefined) {
      // Without any fault a machine that is stuck is a mistake, unless the scenario is about that.
      const why = stalled(this.#look, this.scheduler);
      if (why !== undefined && !this.#isAccepted()) this.#giveUp('nothing stalls without a fault', why);
      return true;
    }
    const lines = differences(expected.end, this.#end());
    if (lines.length === 0 || this.#isExcused()) return true;
    if (patienceIsOver) this.#giveUp('the end is that of the flight without faults', lines.slice(0, 6).join('; '));
    return false;
  }

  /** Another end than that of the flight without faults is a good one too. */
  #isExcused(): boolean {
    return this.#isAccepted() || timedOut(this.#look, this.scheduler, this.#faults);
  }

  #isAccepted(): boolean {
    return this.#scenario.accepts?.(this.#look) === true;
  }

  #end(): End {
    return endOf(this.cluster.objects(), this.scheduler, this.#scenario.ignore);
  }

  async #tick(): Promise<void> {
    const { next } = this.clock;
    if (next !== undefined) this.clock.moveTo(next);
    await this.#instant();
  }

  /** Everything that is due now happens; if something did, this is an instant: a place for faults. */
  async #instant(): Promise<void> {
    await this.#settle();
    if (this.#activity === this.#seen) return;
    this.#seen = this.#activity;
    const fault = this.#places.next('instant', `${this.#situation} all is quiet`);
    if (fault === undefined) return;
    this.#lastFault = this.clock.monotonic();
    this.trace.add('', 'all is quiet', FAULTS[fault.kind].says);
    this.#fleet.strike(fault.kind);
    await this.#settle();
  }

  /** Everything in the sandbox answers within one turn of the event loop; workers may wait for something real. */
  async #settle(): Promise<void> {
    let waiting = 0;
    for (let turns = 0; turns < MOST_TURNS && this.#changes <= MOST_CHANGES; turns++) {
      let fired = false;
      while (this.clock.fire()) fired = true;
      this.#turn = this.#activity;
      await nextTurn();
      if (this.#over) return;
      if (fired || this.#activity !== this.#turn) waiting = 0;
      else if (this.busy === 0 || ++waiting > PATIENT_TURNS) return;
    }
    this.#giveUp('the machine comes to rest', 'it is at work without end at one instant');
  }

  /** A loop without end never comes back here: what runs in it is killed. */
  #count(): void {
    if (++this.#activity - this.#turn > MOST_ACTIVITY) this.#giveUp('the machine comes to rest', 'it is at work without end at one instant');
  }

  #giveUp(promise: string, detail: string): void {
    if (this.#over) return;
    this.oracle.say(promise, detail);
    this.#over = true;
    this.#fleet.end();
  }

  /** How many acts of people there were, and which phases the resources are in. */
  get #situation(): string {
    return `${this.#acts} ${[...this.#phases.values()].join(' ')}`;
  }

  #changed(before: KubeObject | undefined, after: KubeObject | undefined): void {
    const object = after ?? before;
    if (object === undefined || isTalk(object)) return;
    this.#count();
    this.#changes++;
    this.#lastChange = this.clock.monotonic();
    if (object.kind === this.scheduler.resource.kind) {
      const { phase = 'none' } = (after?.status ?? {}) as { readonly phase?: string };
      this.#phases.set(object.metadata.uid ?? '', after === undefined ? 'gone' : phase);
    }
    this.oracle.changed(before, after);
  }
}

const silence: Ask = async () => ({ kind: 'noData' });

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
