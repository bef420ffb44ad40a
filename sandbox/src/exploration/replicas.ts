/**
 * The processes of an operator in one flight: one leads, another may stand by, and whoever ends is
 * started again.
 */
import type { Log, Operator, OperatorOptions, Scheduler } from 'autopilot-runtime/ports';
import { startOperator } from 'autopilot-runtime/ports';
import { seeded } from '../clock.ts';
import type { Rights } from '../cluster/rights.ts';
import { observed } from './calls.ts';
import { door } from './door.ts';
import type { FaultKind } from './fault.ts';
import type { Ground } from './ground.ts';
import type { Outside } from './outside.ts';
import { Process } from './process.ts';
import type { Ask } from '../simulators/simulator.ts';
import type { Scenario } from './scenario.ts';

export interface Subject {
  /**
   * A function makes it anew for each process, so that nothing a worker keeps in memory survives a
   * crash.
   */
  readonly scheduler: Scheduler | (() => Scheduler);
  /** The CustomResourceDefinition; absent: anything goes. */
  readonly crd?: object;
  /**
   * What the operator may do; whatever else it asks for is refused with 403, and a finding. Absent:
   * everything.
   */
  readonly rights?: Rights | undefined;
  /** Starts one process of the operator, the nth of the flight. Default: `startOperator`. */
  readonly start?: (options: OperatorOptions, nth: number) => Operator;
}

export interface FleetOptions {
  readonly subject: Subject;
  readonly scenario: Scenario;
  readonly seed: number;
  /** Answers metrics queries. */
  readonly ask: () => Ask;
  readonly outside: Outside;
  /** Two processes and a lease. */
  readonly election: boolean;
}

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };
/** As long as a Pod takes to start, at the least. */
const RESTART_MS = 1_000;
const JUMP_MS = 120_000;

export class Fleet {
  readonly #options: FleetOptions;
  readonly #ground: Ground;
  #processes: readonly Process[] = [];
  #started = 0;
  /** How wrong the wall clock is. */
  #skew = 0;
  #lag = 0;
  #ended = false;

  constructor(options: FleetOptions, ground: Ground) {
    this.#options = options;
    this.#ground = ground;
  }

  launch(standsBy: boolean): void {
    if (this.#ended) {
      return;
    }
    const { subject, scenario, seed, ask, outside, election } = this.#options;
    const { clock, trace } = this.#ground;
    const nth = ++this.#started;
    const process = new Process(`operator-${nth}`, clock, () => this.#skew, standsBy);
    process.lag = this.#lag;
    this.#processes = [...this.#processes, process];
    trace.add(process.name, standsBy ? 'starts, and stands by' : 'starts');
    // The first process has the one that the flight itself reads.
    const scheduler =
      typeof subject.scheduler === 'function' && nth > 1
        ? subject.scheduler()
        : this.#ground.scheduler;
    const { config = {} } = scenario;
    const options: OperatorOptions = {
      scheduler: observed(scheduler, process, this.#ground, outside),
      api: door(process, this.#ground),
      clock: process.clock,
      random: seeded(seed * 1_000 + nth),
      log: SILENT,
      identity: process.name,
      config: { ...config, leaderElection: election, leaderElectionNamespace: 'default' },
      ask: ask(),
    };
    process.operator = (subject.start ?? startOperator)(options, nth);
    void process.operator.lost.then(() => {
      if (!process.alive) {
        return;
      }
      trace.add(process.name, 'has lost its lease and ends');
      this.kill(process);
    });
  }

  /** It ends without any clean-up, and another one starts. */
  kill(process: Process): void {
    if (!process.alive) {
      return;
    }
    process.kill();
    this.#processes = this.#processes.filter((other) => other !== process);
    this.#ground.clock.after(RESTART_MS, () =>
      this.launch(this.#options.election && this.#processes.length > 0),
    );
  }

  /** All processes but one, and those that start from now on, hear everything later. */
  lagOthers(process: Process, ms: number): void {
    this.#lag = ms;
    for (const other of this.#processes) {
      if (other !== process) {
        other.lag = ms;
      }
    }
  }

  /** What goes wrong at a quiet moment. */
  strike(kind: FaultKind): void {
    const leader = this.#processes.find(({ leading }) => leading) ?? this.#processes[0];
    if (kind === 'restart' && leader !== undefined) {
      void this.#stop(leader);
    }
    if (kind === 'crash' && leader !== undefined) {
      this.kill(leader);
    }
    if (kind === 'clock-forward') {
      this.#skew += JUMP_MS;
    }
    if (kind === 'clock-back') {
      this.#skew -= JUMP_MS;
    }
    if (kind === 'compacted') {
      this.#ground.cluster.compact();
      for (const process of this.#processes) {
        for (const cut of process.watches) {
          cut();
        }
      }
    }
  }

  end(): void {
    this.#ended = true;
    for (const process of this.#processes) {
      process.kill();
    }
  }

  async #stop(process: Process): Promise<void> {
    this.#ground.trace.add(process.name, 'is told to stop');
    await process.operator?.stop();
    this.kill(process);
  }
}
