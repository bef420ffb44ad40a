/**
 * The processes of the operator in one run. One of them leads and another one may stand by. A
 * process that ends is started again.
 */
import type { OperatorOptions, Scheduler } from 'autopilot-runtime';
import { NOOP_LOGGER, startOperator } from 'autopilot-runtime/internal';
import { seededRandom } from '../virtual-clock.ts';
import type { PolicyRules } from '../cluster/rbac.ts';
import { observeWorkers } from './faulty-workers.ts';
import { faultyClient } from './faulty-client.ts';
import type { FaultKind } from './fault.ts';
import type { RunContext } from './run-context.ts';
import type { DeterminismGuard } from './determinism-guard.ts';
import type { RunningOperator } from './operator-process.ts';
import { OperatorProcess } from './operator-process.ts';
import type { QueryMetrics } from '../simulators/simulator.ts';
import type { Scenario } from './scenario.ts';

/** The operator that exploration runs. */
export interface OperatorUnderTest {
  /**
   * The operator's scheduler, or a function that creates it for each process. Create all state of
   * workers inside the function, so that no simulated process sees the memory of another one.
   */
  readonly scheduler: Scheduler | (() => Scheduler);
  /**
   * The CustomResourceDefinition (`src/generated/crd.json`). Default: a definition that accepts any
   * spec and status.
   */
  readonly crd?: object;
  /** CustomResourceDefinitions of the project's other kinds, as in `SandboxOptions`. */
  readonly foreignCrds?: readonly object[];
  /**
   * RBAC rules of the operator. Any other request gets the response 403 and is a finding. Default:
   * the operator may do everything.
   */
  readonly policyRules?: PolicyRules | undefined;
  /**
   * Starts one process of the operator. Default: the runtime's own start.
   *
   * @param nth number of the process in the run, from 1.
   */
  readonly start?: (options: OperatorOptions, nth: number) => RunningOperator;
}

/** Settings of {@link Replicas}. */
export interface ReplicasOptions {
  /** The operator to start. */
  readonly subject: OperatorUnderTest;
  /** The scenario, for its `config`. */
  readonly scenario: Scenario;
  /** Seed of the random sources of all processes. */
  readonly seed: number;
  /** Returns what answers metrics queries of a process. */
  readonly queryMetrics: (process: string) => QueryMetrics;
  /** Guards the calls of workers. */
  readonly guard: DeterminismGuard;
  /** True: two processes with leader election. */
  readonly hasElection: boolean;
}

/** Time until a new process starts: the minimum for a Pod. */
const RESTART_MS = 1_000;
const CLOCK_JUMP_MS = 120_000;

/** Starts, kills and stops the processes of the operator. */
export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #runContext: RunContext;
  #processes: readonly OperatorProcess[] = [];
  #started = 0;
  #clockSkewMs = 0;
  #watchDelayMs = 0;
  #isOver = false;

  constructor(options: ReplicasOptions, runContext: RunContext) {
    this.#options = options;
    this.#runContext = runContext;
  }

  /** Starts a process, unless the run is over. */
  startProcess(isStandby: boolean): void {
    if (this.#isOver) {
      return;
    }
    const { trace, clock } = this.#runContext;
    const nth = ++this.#started;
    const process = new OperatorProcess({
      name: `operator-${nth}`,
      clock,
      clockSkewMs: () => this.#clockSkewMs,
      isStandby,
    });
    process.watchDelayMs = this.#watchDelayMs;
    this.#processes = [...this.#processes, process];
    trace.add(process.name, isStandby ? 'starts as a standby' : 'starts');
    const { start = startOperator } = this.#options.subject;
    process.operator = start(this.#operatorOptions(process, nth), nth);
    void process.operator.lost.then(() => {
      if (!process.isAlive) {
        return;
      }
      trace.add(process.name, 'has lost its lease and ends');
      this.kill(process);
    });
  }

  #operatorOptions(process: OperatorProcess, nth: number): OperatorOptions {
    const { subject, scenario, seed, queryMetrics, guard, hasElection } = this.#options;
    // The run has created the scheduler of the first process.
    const scheduler =
      typeof subject.scheduler === 'function' && nth > 1
        ? subject.scheduler()
        : this.#runContext.scheduler;
    return {
      scheduler: observeWorkers(scheduler, process, this.#runContext, guard),
      api: faultyClient(process, this.#runContext),
      clock: process.clock,
      random: seededRandom(seed * 1_000 + nth),
      log: NOOP_LOGGER,
      identity: process.name,
      config: {
        ...scenario.config,
        enableLeaderElection: hasElection,
        leaderElectionNamespace: 'default',
      },
      queryMetrics: queryMetrics(process.name),
    };
  }

  /** Kills a process without any clean-up. Another one starts 1 s later. */
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

  /** Delays the watches of all other processes, and of those that start later, in milliseconds. */
  delayOtherWatches(process: OperatorProcess, ms: number): void {
    this.#watchDelayMs = ms;
    for (const other of this.#processes) {
      if (other !== process) {
        other.watchDelayMs = ms;
      }
    }
  }

  /** Injects a fault whose site is an instant. */
  injectFault(kind: FaultKind): void {
    const leader = this.#processes.find(({ isLeading }) => isLeading) ?? this.#processes[0];
    switch (kind) {
      case 'restart':
        if (leader !== undefined) {
          void this.#stopProcess(leader);
        }
        return;
      case 'crash':
        if (leader !== undefined) {
          this.kill(leader);
        }
        return;
      case 'clock-forward':
        this.#clockSkewMs += CLOCK_JUMP_MS;
        return;
      case 'clock-back':
        this.#clockSkewMs -= CLOCK_JUMP_MS;
        return;
      case 'compacted':
        this.#runContext.cluster.compact();
        this.#breakAllWatches();
        return;
      default:
    }
  }

  /** Ends the run: kills all processes, and starts no other. */
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

  #breakAllWatches(): void {
    for (const process of this.#processes) {
      for (const breakWatch of process.watches) {
        breakWatch();
      }
    }
  }
}
