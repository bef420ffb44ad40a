/**
 * The scheduler: the dispatch table from phases to workers, inputs, outputs and next phases.
 * `autopilot generate` writes it from autopilot.yaml. The table is data only; the controller
 * executes it.
 */
import type { ConfigSchema } from './config-schema.ts';
import type { ResourceType } from '../client/object.ts';
import type { Duration } from './spec-types.ts';
import type { AnyFinalizer, AnyWorker } from './worker.ts';

/** A kind that a worker reads. */
export interface InputDefinition {
  /** Name in autopilot.yaml, and the key in `context.inputs`. */
  readonly name: string;
  /** The kind and its path in the API. */
  readonly type: ResourceType;
  /** `own`: the resource's namespace. `all`: every namespace that the operator watches. */
  readonly namespace: 'own' | 'all';
  /** Label selector of the objects, in the form of a query parameter: `app=web`. Default: none. */
  readonly selector?: string;
  /** Whether the API server may lack the kind. Default: false. */
  readonly optional?: boolean;
}

/** A kind that a worker writes. */
export interface OutputDefinition {
  /** Name in autopilot.yaml, and the key in `outputs` of a result. */
  readonly name: string;
  /** The kind and its path in the API. */
  readonly type: ResourceType;
  /** `own`: the resource's namespace. `all`: every namespace that the operator watches. */
  readonly namespace: 'own' | 'all';
  /**
   * Whether a returned list is complete: objects of the resource that the list does not contain are
   * deleted. Without a returned list nothing is deleted. Default: false.
   */
  readonly prune?: boolean;
  /**
   * What happens when another client changes or deletes an object of the output, or changes a field
   * that was claimed in it: `repair` sets it again, at first at once, then after growing delays;
   * `giveUp` leaves it until the worker wants something else; the name of a phase moves the
   * resource there without calling the worker. Default: `repair`.
   */
  readonly whenUndone?: string;
  /** Whether the API server may lack the kind. Default: false. */
  readonly optional?: boolean;
}

/** One phase. */
export interface PhaseDefinition {
  /** Value of `status.phase`. */
  readonly name: string;
  /** What happens in the phase: the default message of the Ready condition. */
  readonly description?: string;
  /** Whether new resources start here. Exactly one phase is initial. Default: false. */
  readonly initial?: boolean;
  /** Whether the phase is an end: it has no worker and watches nothing. Default: false. */
  readonly final?: boolean;
  /**
   * Whether the phase is an end with a worker: it is ready by default, a changed spec leads to the
   * initial phase, and without an `interval` only changes of what it reads and writes call the
   * worker. Default: false.
   */
  readonly resting?: boolean;
  /**
   * Whether a resource in this phase is ready. A phase with outputs becomes ready after its first
   * successful reconcile. `false` on a final phase marks a failed end: Ready=False and
   * Stalled=True. Default: true on a final phase, false on others.
   */
  readonly ready?: boolean;
  /** Phases that the worker may return besides this one. Default: all phases. */
  readonly next?: readonly string[];
  /**
   * Longest time between two reconciles while the resource stays in the phase. Less than 100 ms
   * counts as 100 ms. Default: `workInterval` of autopilot-operator.yaml.
   */
  readonly interval?: Duration;
  /**
   * Longest time that a resource may stay in the phase, not counting pauses. Takes effect only with
   * `onTimeout`. Default: no limit.
   */
  readonly timeout?: Duration;
  /**
   * The phase for resources whose `timeout` is over. The transition needs no worker, and happens
   * even while the worker fails. Default: none.
   */
  readonly onTimeout?: string;
  /**
   * The phase for resources whose spec has changed, or `ignore` to stay; the worker then sees the
   * new spec. Default: the initial phase on a final phase, `ignore` on others.
   */
  readonly onSpecChange?: string;
  /**
   * `required`: a transition into this phase is a pending approval until a person sets the
   * annotation that the condition AwaitingApproval names. Default: no approval.
   */
  readonly approval?: 'required';
  /** Earlier names of the phase: resources in them are taken as being in this phase. */
  readonly formerly?: readonly string[];
  /** Whether the worker gets `context.metrics`. Default: false. */
  readonly metrics?: boolean;
  /**
   * What a pause does with the field claims and the outputs with `prune` of the phase. `keep`
   * leaves them as they are. `release` gives the claims back and deletes those outputs; the worker
   * makes them again when the resource is resumed. Default: `keep`.
   */
  readonly whilePaused?: 'keep' | 'release';
  /** Kinds that the worker reads. */
  readonly inputs: readonly InputDefinition[];
  /** Kinds that the worker writes, in the order in which they are applied. */
  readonly outputs: readonly OutputDefinition[];
  /** File of the worker, for messages: `src/workers/processing.ts`. */
  readonly file?: string;
  /** Line of the phase in autopilot.yaml, for messages. */
  readonly line?: number;
  /** The function that reconciles a resource in this phase. Absent on final phases. */
  readonly worker?: AnyWorker;
}

/** The user's clean-up before a resource is deleted. */
export interface FinalizerDefinition {
  /** Kinds that the finalizer reads. */
  readonly inputs: readonly InputDefinition[];
  /** Kinds that the finalizer writes. */
  readonly outputs: readonly OutputDefinition[];
  /** Whether the finalizer gets `context.metrics`. Default: false. */
  readonly metrics?: boolean;
  /**
   * Time that one call may take before its signal is aborted. Default: `workerTimeout` of
   * autopilot-operator.yaml.
   */
  readonly timeout?: Duration;
  /** Line in autopilot.yaml, for messages. */
  readonly line?: number;
  /** The function that is called until it returns `done: true`. */
  readonly finalize: AnyFinalizer;
}

/** A query to Prometheus. */
export interface QueryDefinition {
  /** Method name on `context.metrics`. */
  readonly name: string;
  /** PromQL with `{{ .Param }}` placeholders. */
  readonly template: string;
  /** Names of the placeholders. */
  readonly parameters: readonly string[];
  /**
   * Values of parameters that a worker may leave out. `namespace` defaults to the resource's own.
   */
  readonly defaults?: Readonly<Record<string, string>>;
}

/** Dispatch table of an operator, made by `defineScheduler`. */
export interface Scheduler {
  /** Name of the operator: part of its Lease, finalizer and field managers. */
  readonly operatorName: string;
  /** The operator's own kind. */
  readonly resource: ResourceType;
  /** All phases. */
  readonly phases: readonly PhaseDefinition[];
  /** Queries of `context.metrics`. */
  readonly queries: readonly QueryDefinition[];
  /** The user's clean-up. Default: none. */
  readonly finalizer?: FinalizerDefinition;
  /**
   * Whether resources get the runtime's finalizer. `autopilot generate` derives the value together
   * with the RBAC rules. Default: true when a finalizer is declared or an output can leave
   * something that no owner reference reaches.
   */
  readonly finalizerRequired?: boolean;
  /**
   * Schema of the section `config` in autopilot-operator.yaml, from `<Kind>Config` of src/spec.ts.
   * Default: every value is valid.
   */
  readonly config?: ConfigSchema;
}

/** What a phase or the finalizer reads and writes. */
export interface WorkerDefinition {
  /** Name in messages: `phase Syncing`, `the finalizer`. */
  readonly title: string;
  /** Kinds that are read. */
  readonly inputs: readonly InputDefinition[];
  /** Kinds that are written. */
  readonly outputs: readonly OutputDefinition[];
  /** Whether `context.metrics` is given. */
  readonly metrics?: boolean | undefined;
  /** Line in autopilot.yaml, for messages. */
  readonly line?: number | undefined;
}

/** @returns what the worker of a phase reads and writes. */
export function workerDefinitionOf(phase: PhaseDefinition): WorkerDefinition {
  const { name, inputs, outputs, metrics, line } = phase;
  return { title: `phase ${name}`, inputs, outputs, metrics, line };
}

/** @returns what the finalizer reads and writes. */
export function finalizerWorkerDefinition(finalizer: FinalizerDefinition): WorkerDefinition {
  const { inputs, outputs, metrics, line } = finalizer;
  return { title: 'the finalizer', inputs, outputs, metrics, line };
}

/** @returns what each phase and the finalizer read and write. */
export function allWorkerDefinitions(scheduler: Scheduler): readonly WorkerDefinition[] {
  const { phases, finalizer } = scheduler;
  return [
    ...phases.map(workerDefinitionOf),
    ...(finalizer === undefined ? [] : [finalizerWorkerDefinition(finalizer)]),
  ];
}

/**
 * Returns the input through which a worker may claim fields of an output's kind. Fields can be
 * claimed only in a kind that the same worker reads, because claimed fields have to be watched.
 */
export function claimableInput(
  { inputs }: Pick<WorkerDefinition, 'inputs'>,
  { type }: OutputDefinition,
): InputDefinition | undefined {
  return inputs.find(
    (input) =>
      input.type.group === type.group &&
      input.type.version === type.version &&
      input.type.plural === type.plural,
  );
}

/**
 * Whether resources need the runtime's finalizer. The generated table says so in
 * `finalizerRequired`. For a table made by hand without that field, the rule of the generator's
 * rbac module is applied here.
 */
export function needsFinalizer(scheduler: Scheduler): boolean {
  const { finalizerRequired, finalizer, resource } = scheduler;
  if (finalizerRequired !== undefined) {
    return finalizerRequired;
  }
  const leavesSomething = allWorkerDefinitions(scheduler).some((definition) =>
    definition.outputs.some(
      (output) =>
        isOutOfReach(resource, output) || claimableInput(definition, output) !== undefined,
    ),
  );
  return finalizer !== undefined || leavesSomething;
}

/** Whether the garbage collector cannot delete an output, because owner references end there. */
export function isOutOfReach(
  resource: ResourceType,
  { type, namespace }: Pick<OutputDefinition, 'type' | 'namespace'>,
): boolean {
  return resource.namespaced && (!type.namespaced || namespace === 'all');
}

/**
 * Checks a scheduler and returns it. For generated tables the generator has checked autopilot.yaml;
 * this check is for tables made by hand.
 *
 * @throws Error when two phases have one name, a phase that is not final has no worker, there is
 * not exactly one initial phase, or a phase names another phase that is not allowed there.
 */
export function defineScheduler(scheduler: Scheduler): Scheduler {
  checkPhaseNames(scheduler.phases);
  checkInitialPhase(scheduler.phases);
  for (const phase of scheduler.phases) {
    checkAutomaticTransitions(phase, scheduler.phases);
    checkWhenUndone(phase, scheduler.phases);
    checkNextPhases(phase, scheduler.phases);
  }
  return scheduler;
}

function checkPhaseNames(phases: readonly PhaseDefinition[]): void {
  const names = new Set<string>();
  for (const { name, final, worker } of phases) {
    if (names.has(name)) {
      throw new Error(`phase ${name} is defined twice`);
    }
    names.add(name);
    if (!final && worker === undefined) {
      throw new Error(`phase ${name} is not final and has no worker`);
    }
  }
}

function checkInitialPhase(phases: readonly PhaseDefinition[]): void {
  const [initial, ...others] = phases.filter((phase) => phase.initial);
  if (initial === undefined || others.length > 0) {
    const count = initial === undefined ? 0 : 1 + others.length;
    throw new Error(`exactly one phase must be initial, found ${count}`);
  }
  if (initial.approval === 'required') {
    throw new Error(`phase ${initial.name} is initial, so its approval cannot be required`);
  }
}

/** Checks the transitions that happen without a worker. */
function checkAutomaticTransitions(
  { name, onTimeout, onSpecChange }: PhaseDefinition,
  phases: readonly PhaseDefinition[],
): void {
  if (onTimeout === name) {
    throw new Error(`phase ${name}: onTimeout names the phase itself, which times out again`);
  }
  for (const [field, target] of Object.entries({ onTimeout, onSpecChange })) {
    if (target === undefined || target === 'ignore') {
      continue;
    }
    const phase = phases.find((candidate) => candidate.name === target);
    if (phase === undefined) {
      throw new Error(`phase ${name}: ${field} names ${target}, which is not a phase`);
    }
    if (phase.approval === 'required') {
      throw new Error(
        `phase ${name}: ${field} names ${target}, whose approval is required; only a worker's transition can wait for an approval`,
      );
    }
  }
}

function checkWhenUndone(
  { name, outputs }: PhaseDefinition,
  phases: readonly PhaseDefinition[],
): void {
  for (const { name: output, whenUndone = 'repair' } of outputs) {
    if (whenUndone === 'repair' || whenUndone === 'giveUp') {
      continue;
    }
    const place = `phase ${name}: whenUndone of the output ${output} names ${whenUndone}`;
    const phase = phases.find((candidate) => candidate.name === whenUndone);
    if (phase === undefined) {
      throw new Error(`${place}, which is neither repair, giveUp nor a phase`);
    }
    if (whenUndone === name) {
      throw new Error(`${place}, which is the phase itself`);
    }
    if (phase.approval === 'required') {
      throw new Error(
        `${place}, whose approval is required; only a worker's transition can wait for an approval`,
      );
    }
  }
}

function checkNextPhases(
  { name, next = [] }: PhaseDefinition,
  phases: readonly PhaseDefinition[],
): void {
  for (const target of next) {
    if (!phases.some((phase) => phase.name === target)) {
      throw new Error(`phase ${name}: next names ${target}, which is not a phase`);
    }
  }
}
