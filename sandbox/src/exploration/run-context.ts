/** What the doors of a flight stand on: its cluster and clock, its faults and its oracle. */
import type { OperatorOptions } from 'autopilot-runtime/internal';
import type { VirtualClock } from '../virtual-clock.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { PolicyRules } from '../cluster/rbac.ts';
import type { EventLoop } from './event-loop.ts';
import type { Fault } from './fault.ts';
import type { InvariantChecker } from './invariants.ts';
import type { OperatorProcess } from './operator-process.ts';
import type { RunTrace } from './run-trace.ts';

export interface RunContext {
  readonly cluster: Cluster;
  readonly clock: VirtualClock;
  readonly invariantChecker: InvariantChecker;
  readonly trace: RunTrace;
  readonly eventLoop: EventLoop;
  readonly scheduler: OperatorOptions['scheduler'];
  /** What the operator may do; undefined: everything. */
  readonly policyRules: PolicyRules | undefined;
  /** Counts a place and says what goes wrong there. `what` goes on there, without names. */
  visitSite(type: 'request' | 'event' | 'call', action: string, write?: boolean): Fault | undefined;
  /** The process ends without any clean-up; another one starts a second later. */
  killProcess(process: OperatorProcess): void;
  /** Whoever stands by or starts from now on hears everything so much later. */
  delayOtherWatches(process: OperatorProcess, ms: number): void;
}
