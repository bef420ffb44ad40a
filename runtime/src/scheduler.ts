/**
 * The scheduler: the generated table phase -> worker, inputs, outputs, next phases. Data only; the machine runs it.
 */
import type { ResourceType } from './kube/object.ts';
import type { AnyWorker } from './worker.ts';

/** `10s`, `1m30s`, `500ms`, `1h`. */
export type Duration = string;

export interface InputDefinition {
  /** Name in autopilot.yaml, the key of `context.inputs`. `metrics` is not listed here. */
  readonly name: string;
  readonly type: ResourceType;
  /** `own`: the resource's namespace. */
  readonly namespace: 'own' | 'all';
  /** Label selector in the wire form. */
  readonly selector?: string;
  readonly optional?: boolean;
}

export interface OutputDefinition {
  readonly name: string;
  readonly type: ResourceType;
  readonly namespace: 'own' | 'all';
  /** What the worker returns is the complete set of this kind: what it leaves out is deleted. */
  readonly prune?: boolean;
  readonly optional?: boolean;
}

export interface PhaseDefinition {
  readonly name: string;
  readonly description?: string;
  readonly initial?: boolean;
  readonly final?: boolean;
  /** Default: true on a final phase, false elsewhere. */
  readonly ready?: boolean;
  /** Phases this one may go to besides itself. Absent: any. */
  readonly next?: readonly string[];
  readonly interval?: Duration;
  readonly timeout?: Duration;
  readonly onTimeout?: string;
  /** A phase name, or `ignore`. Default: the initial phase on final phases, `ignore` elsewhere. */
  readonly onSpecChange?: string;
  readonly formerly?: readonly string[];
  readonly metrics?: boolean;
  readonly inputs: readonly InputDefinition[];
  readonly outputs: readonly OutputDefinition[];
  /** File of the worker, for messages: `src/workers/processing.ts`. */
  readonly file?: string;
  /** Line of the phase in autopilot.yaml, for messages. */
  readonly line?: number;
  /** Absent on final phases. */
  readonly worker?: AnyWorker;
}

export interface QueryDefinition {
  /** Method name on `context.metrics`. */
  readonly name: string;
  /** PromQL with `{{ .Param }}` placeholders. */
  readonly template: string;
  readonly parameters: readonly string[];
  /** Of parameters that may be left out. */
  readonly defaults?: Readonly<Record<string, string>>;
}

export interface Scheduler {
  readonly operatorName: string;
  readonly resource: ResourceType;
  readonly phases: readonly PhaseDefinition[];
  readonly queries: readonly QueryDefinition[];
  /** Kinds of all outputs that some phase may write, for watching. Derived by `defineScheduler`. */
}

/**
 * Checks a scheduler and returns it. The generator has validated autopilot.yaml already; this guards hand-made tables.
 * @throws Error when there is not exactly one initial phase, a phase is doubled, or a non-final phase has no worker.
 */
export function defineScheduler(scheduler: Scheduler): Scheduler {
  const names = new Set<string>();
  for (const phase of scheduler.phases) {
    if (names.has(phase.name)) throw new Error(`phase ${phase.name} is defined twice`);
    names.add(phase.name);
    if (!phase.final && phase.worker === undefined) throw new Error(`phase ${phase.name} is not final and has no worker`);
  }
  const initial = scheduler.phases.filter((phase) => phase.initial);
  if (initial.length !== 1) throw new Error(`exactly one phase must be initial, found ${initial.length}`);
  for (const phase of scheduler.phases)
    for (const next of phase.next ?? []) if (!names.has(next)) throw new Error(`phase ${phase.name}: next names ${next}, which is not a phase`);
  return scheduler;
}
