/**
 * The scheduler: the generated table phase -> worker, inputs, outputs, next phases. Data only; the
 * machine runs it.
 */
import type { ConfigSchema } from './config-schema.ts';
import type { ResourceType } from '../client/object.ts';
import type { Duration } from './spec-types.ts';
import type { AnyFinalizer, AnyWorker } from './worker.ts';

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
  /** `required`: the transition into this phase waits for a person. */
  readonly approval?: 'required';
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

/** Work to do before a resource may go. */
export interface FinalizerDefinition {
  readonly inputs: readonly InputDefinition[];
  readonly outputs: readonly OutputDefinition[];
  readonly metrics?: boolean;
  /**
   * How long one call may take before its signal is aborted. Default: the worker timeout of the
   * operator.
   */
  readonly timeout?: Duration;
  /** Line in autopilot.yaml, for messages. */
  readonly line?: number;
  readonly finalize: AnyFinalizer;
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
  readonly finalizer?: FinalizerDefinition;
  /**
   * Whether resources get the runtime's finalizer. `autopilot generate` derives the value together
   * with the RBAC rules. Default: true when a finalizer is declared or an output can leave something
   * that no owner reference reaches.
   */
  readonly finalizerRequired?: boolean;
  /** What the user's `config:` must be: `<Kind>Config` of src/spec.ts. Absent: anything. */
  readonly config?: ConfigSchema;
}

/** A phase or the finalizer, as far as it reads and writes. */
export interface WorkerDefinition {
  /** For messages: `phase Syncing`, `the finalizer`. */
  readonly title: string;
  readonly inputs: readonly InputDefinition[];
  readonly outputs: readonly OutputDefinition[];
  readonly metrics?: boolean | undefined;
  readonly line?: number | undefined;
}

export function workerDefinitionOf({
  name,
  inputs,
  outputs,
  metrics,
  line,
}: PhaseDefinition): WorkerDefinition {
  return { title: `phase ${name}`, inputs, outputs, metrics, line };
}

export function finalizerWorkerDefinition({
  inputs,
  outputs,
  metrics,
  line,
}: FinalizerDefinition): WorkerDefinition {
  return { title: 'the finalizer', inputs, outputs, metrics, line };
}

/** Everything of a scheduler that reads and writes. */
export function allWorkerDefinitions({
  phases,
  finalizer,
}: Scheduler): readonly WorkerDefinition[] {
  return [
    ...phases.map(workerDefinitionOf),
    ...(finalizer === undefined ? [] : [finalizerWorkerDefinition(finalizer)]),
  ];
}

/**
 * The input through which a worker may claim fields of an output's kind. Fields can be claimed only
 * in a kind that the same worker reads, because claimed fields have to be watched.
 */
export function claimableInput(
  { inputs }: Pick<WorkerDefinition, 'inputs'>,
  { type }: OutputDefinition,
): InputDefinition | undefined {
  return inputs.find(
    (input) => input.type.group === type.group && input.type.plural === type.plural,
  );
}

/**
 * Do resources need the runtime's finalizer? The generated table says so in `finalizerRequired`. For
 * a hand-made table without that field the rule of the generator's rbac module is applied here.
 */
export function needsFinalizer(scheduler: Scheduler): boolean {
  const { finalizerRequired, finalizer, resource } = scheduler;
  if (finalizerRequired !== undefined) {
    return finalizerRequired;
  }
  const isOutOfReach = ({ type, namespace }: OutputDefinition): boolean =>
    resource.namespaced && (!type.namespaced || namespace === 'all');
  const leavesSomething = allWorkerDefinitions(scheduler).some((definition) =>
    definition.outputs.some(
      (output) => isOutOfReach(output) || claimableInput(definition, output) !== undefined,
    ),
  );
  return finalizer !== undefined || leavesSomething;
}

/**
 * Checks a scheduler and returns it. The generator has validated autopilot.yaml already; this
 * guards hand-made tables.
 * @throws Error when there is not exactly one initial phase, a phase is doubled, a non-final phase
 * has no worker, or the machine
 * itself would go to a phase that waits for a person, is not there, or would time out at once.
 */
export function defineScheduler(scheduler: Scheduler): Scheduler {
  const names = new Set<string>();
  for (const phase of scheduler.phases) {
    if (names.has(phase.name)) {
      throw new Error(`phase ${phase.name} is defined twice`);
    }
    names.add(phase.name);
    if (!phase.final && phase.worker === undefined) {
      throw new Error(`phase ${phase.name} is not final and has no worker`);
    }
  }
  const initial = scheduler.phases.filter((phase) => phase.initial);
  if (initial.length !== 1) {
    throw new Error(`exactly one phase must be initial, found ${initial.length}`);
  }
  const phasesNeedingApproval = scheduler.phases
    .filter((phase) => phase.approval === 'required')
    .map(({ name }) => name);
  if (initial.some(({ name }) => phasesNeedingApproval.includes(name))) {
    throw new Error(`phase ${initial[0]?.name} is initial, so its approval cannot be required`);
  }
  for (const { name, onTimeout, onSpecChange } of scheduler.phases) {
    for (const target of [onTimeout, onSpecChange]) {
      if (target !== undefined && phasesNeedingApproval.includes(target)) {
        throw new Error(
          `phase ${name}: onTimeout and onSpecChange wait for nobody, so they cannot name ${target}, whose approval is required`,
        );
      }
    }
  }
  for (const { name, onTimeout, onSpecChange = 'ignore' } of scheduler.phases) {
    if (onTimeout === name) {
      throw new Error(
        `phase ${name}: onTimeout names the phase itself, whose time would be up again at once`,
      );
    }
    for (const target of [onTimeout, onSpecChange]) {
      if (target !== undefined && target !== 'ignore' && !names.has(target)) {
        throw new Error(
          `phase ${name}: onTimeout and onSpecChange name ${target}, which is not a phase`,
        );
      }
    }
  }
  for (const phase of scheduler.phases) {
    for (const next of phase.next ?? []) {
      if (!names.has(next)) {
        throw new Error(`phase ${phase.name}: next names ${next}, which is not a phase`);
      }
    }
  }
  return scheduler;
}
