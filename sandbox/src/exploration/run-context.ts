/** What the doors of a flight stand on: its cluster and clock, its faults and its oracle. */
import type { OperatorOptions } from 'autopilot-runtime/ports';
import type { VirtualClock } from '../clock.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Rights } from '../cluster/rights.ts';
import type { Course } from './course.ts';
import type { Fault } from './fault.ts';
import type { Oracle } from './oracle.ts';
import type { Process } from './process.ts';
import type { Trace } from './trace.ts';

export interface Ground {
  readonly cluster: Cluster;
  readonly clock: VirtualClock;
  readonly oracle: Oracle;
  readonly trace: Trace;
  readonly course: Course;
  readonly scheduler: OperatorOptions['scheduler'];
  /** What the operator may do; undefined: everything. */
  readonly rights: Rights | undefined;
  /** Counts a place and says what goes wrong there. `what` goes on there, without names. */
  place(sort: 'request' | 'event' | 'call', what: string, write?: boolean): Fault | undefined;
  /** The process ends without any clean-up; another one starts a second later. */
  kill(process: Process): void;
  /** Whoever stands by or starts from now on hears everything so much later. */
  lagOthers(process: Process, ms: number): void;
}
