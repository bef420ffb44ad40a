/** The parts of a run that its processes, clients, watches and workers share. */
import type { Scheduler } from 'autopilot-runtime';
import type { VirtualClock } from '../virtual-clock.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { PolicyRules } from '../cluster/rbac.ts';
import type { EventLoop } from './event-loop.ts';
import type { Fault } from './fault.ts';
import type { SiteType } from './fault-sites.ts';
import type { KindOutages } from './kind-outages.ts';
import type { InvariantChecker } from './invariants.ts';
import type { OperatorProcess } from './operator-process.ts';
import type { People } from './people.ts';
import type { RunTrace } from './run-trace.ts';

/** The shared parts of one run. */
export interface RunContext {
  /** The cluster of the run. */
  readonly cluster: Cluster;
  /** Virtual time of the run. */
  readonly clock: VirtualClock;
  /** Checks the invariants. */
  readonly invariantChecker: InvariantChecker;
  /** Records what happens. */
  readonly trace: RunTrace;
  /** Moves virtual time. */
  readonly eventLoop: EventLoop;
  /** Acts of people. */
  readonly people: People;
  /** Outages of single kinds. */
  readonly kindOutages: KindOutages;
  /** The scheduler of the first process. */
  readonly scheduler: Scheduler;
  /** RBAC rules of the operator. Undefined: the operator may do everything. */
  readonly policyRules: PolicyRules | undefined;
  /**
   * Counts a fault site.
   *
   * @param action what happens at the site, without object names.
   * @param isWrite true for a request that changes an object. Default: false.
   * @returns the fault to inject there, if there is one.
   */
  visitSite(
    type: 'request' | 'event' | 'call',
    action: string,
    isWrite?: boolean,
  ): Fault | undefined;
  /**
   * Counts a fault site, once in each situation.
   *
   * @param action what happens at the site. May be empty.
   * @param objectKind kind of the object at the site, or name of the query.
   * @returns the fault to inject there, if there is one.
   */
  visitOnce(type: SiteType, action: string, objectKind: string): Fault | undefined;
  /** Kills a process without any clean-up. Another one starts 1 s later. */
  killProcess(process: OperatorProcess): void;
  /** Delays the watches of all other processes, and of those that start later, in milliseconds. */
  delayOtherWatches(process: OperatorProcess, ms: number): void;
}
