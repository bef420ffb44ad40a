/**
 * The processes of an operator in one flight: one leads, another may stand by, and whoever ends is
 * started again.
 */
import type { Logger, Operator, OperatorOptions, Scheduler } from 'autopilot-runtime/internal';
import { startOperator } from 'autopilot-runtime/internal';
import { seededRandom } from '../virtual-clock.ts';
import type { PolicyRules } from '../cluster/rbac.ts';
import { observeWorkers } from './observe-workers.ts';
import { faultyClient } from './faulty-client.ts';
import type { FaultKind } from './fault.ts';
import type { RunContext } from './run-context.ts';
import type { DeterminismGuard } from './determinism-guard.ts';
import { OperatorProcess } from './operator-process.ts';
import type { QueryMetrics } from '../simulators/simulator.ts';
import type { Scenario } from './scenario.ts';

export interface OperatorUnderTest {
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
  readonly policyRules?: PolicyRules | undefined;
  /** Starts one process of the operator, the nth of the flight. Default: `startOperator`. */
  readonly start?: (options: OperatorOptions, nth: number) => Operator;
}

export interface ReplicasOptions {
  readonly subject: OperatorUnderTest;
  readonly scenario: Scenario;
  readonly seed: number;
  /** Answers metrics queries. */
  readonly queryMetrics: () => QueryMetrics;
  readonly guard: DeterminismGuard;
  /** Two processes and a lease. */
  readonly hasElection: boolean;
}

const NOOP_LOGGER: Logger = { debug() {}, info() {}, warn() {}, error() {} };
/** As long as a Pod takes to start, at the least. */
const RESTART_MS = 1_000;
const CLOCK_JUMP_MS = 120_000;

export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #runContext: RunContext;
  #processes: readonly OperatorProcess[] = [];
  #started = 0;
  /** How wrong the wall clock is. */
  #clockSkewMs = 0;
  #watchDelayMs = 0;
  #isOver = false;

  constructor(options: ReplicasOptions, runContext: RunContext) {
    this.#options = options;
    this.#runContext = runContext;
  }

  startProcess(isStandby: boolean): void {
    if (this.#isOver) {
      return;
    }
    const { subject, scenario, seed, queryMetrics, guard, hasElection } = this.#options;
    const { clock, trace } = this.#runContext;
    const nth = ++this.#started;
    const process = new OperatorProcess(
      `operator-${nth}`,
      clock,
      () => this.#clockSkewMs,
      isStandby,
    );
    process.watchDelayMs = this.#watchDelayMs;
    this.#processes = [...this.#processes, process];
    trace.add(process.name, isStandby ? 'starts, and stands by' : 'starts');
    // The first process has the one that the flight itself reads.
    const scheduler =
      typeof subject.scheduler === 'function' && nth > 1
        ? subject.scheduler()
        : this.#runContext.scheduler;
    const { config = {} } = scenario;
    const options: OperatorOptions = {
      scheduler: observeWorkers(scheduler, process, this.#runContext, guard),
      api: faultyClient(process, this.#runContext),
      clock: process.clock,
      random: seededRandom(seed * 1_000 + nth),
      log: NOOP_LOGGER,
      identity: process.name,
      config: { ...config, enableLeaderElection: hasElection, leaderElectionNamespace: 'default' },
      queryMetrics: queryMetrics(),
    };
    process.operator = (subject.start ?? startOperator)(options, nth);
    void process.operator.lost.then(() => {
      if (!process.isAlive) {
        return;
      }
      trace.add(process.name, 'has lost its lease and ends');
      this.kill(process);
    });
  }

  /** It ends without any clean-up, and another one starts. */
  kill(process: OperatorProcess): void {
    if (!process.isAlive) {
      return;
    }
    process.kill();
    this.#processes = this.#processes.filter((other) => other !== process);
    this.#runContext.clock.after(RESTART_MS, () =>
      this.startProcess(this.#options.hasElection && this.#processes.length > 0),
    );
  }

  /** All processes but one, and those that start from now on, hear everything later. */
  delayOtherWatches(process: OperatorProcess, ms: number): void {
    this.#watchDelayMs = ms;
    for (const other of this.#processes) {
      if (other !== process) {
        other.watchDelayMs = ms;
      }
    }
  }

  /** What goes wrong at a quiet moment. */
  injectFault(kind: FaultKind): void {
    const leader = this.#processes.find(({ isLeading }) => isLeading) ?? this.#processes[0];
    if (kind === 'restart' && leader !== undefined) {
      void this.#stopProcess(leader);
    }
    if (kind === 'crash' && leader !== undefined) {
      this.kill(leader);
    }
    if (kind === 'clock-forward') {
      this.#clockSkewMs += CLOCK_JUMP_MS;
    }
    if (kind === 'clock-back') {
      this.#clockSkewMs -= CLOCK_JUMP_MS;
    }
    if (kind === 'compacted') {
      this.#runContext.cluster.compact();
      for (const process of this.#processes) {
        for (const breakWatch of process.watches) {
          breakWatch();
        }
      }
    }
  }

  killAll(): void {
    this.#isOver = true;
    for (const process of this.#processes) {
      process.kill();
    }
  }

  async #stopProcess(process: OperatorProcess): Promise<void> {
    this.#runContext.trace.add(process.name, 'is told to stop');
    await process.operator?.stop();
    this.kill(process);
  }
}
