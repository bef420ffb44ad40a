/**
 * Scenarios: what users and other controllers do around an operator, and what must hold meanwhile.
 * A scenario is plain data, made by the functions of this module.
 */
import type { Duration, OperatorConfig } from 'autopilot-runtime';
import type { ObjectManifest, SandboxObject } from '../testing/sandbox.ts';
import type { QueryMetrics, Simulator } from '../simulators/simulator.ts';
import type { FaultKind, IgnoredFault } from './fault.ts';

/** A change of the cluster by a user or another controller. */
export type ClusterChange =
  | {
      /** Creates an object. */
      readonly type: 'create';
      /** The object. Namespace: `default` unless it names one. */
      readonly object: ObjectManifest;
    }
  | {
      /** Patches an object with a JSON merge patch. */
      readonly type: 'patch';
      /** Kind of the object: `Deployment`. */
      readonly kind: string;
      /** Name of the object. */
      readonly name: string;
      /** Namespace of the object. Ignored for cluster-scoped kinds. */
      readonly namespace: string;
      /** The merge patch. `null` removes a field. */
      readonly body: object;
    }
  | {
      /** Deletes an object. */
      readonly type: 'remove';
      /** Kind of the object: `Deployment`. */
      readonly kind: string;
      /** Name of the object. */
      readonly name: string;
      /** Namespace of the object. Ignored for cluster-scoped kinds. */
      readonly namespace: string;
    };

/**
 * One step of a scenario, made by {@link create}, {@link patch}, {@link remove}, {@link actWhen},
 * {@link approve}, {@link wait} or {@link quiesce}.
 */
export type ScenarioStep =
  | ClusterChange
  | {
      /** Waits until there is something to do. */
      readonly type: 'actWhen';
      /** What the user does, for traces and errors. */
      readonly title: string;
      /** Chooses the change. Undefined: there is nothing to do yet. */
      readonly choose: (snapshot: ClusterSnapshot) => ClusterChange | undefined;
    }
  | {
      /** Waits for a time. */
      readonly type: 'wait';
      /** Virtual time to wait. */
      readonly for: Duration;
    }
  | {
      /** Waits for quiescence. */
      readonly type: 'quiesce';
    };

/**
 * The cluster at one instant. If the operator declares a kind of a name, the name means that kind.
 * Do not modify the objects that are returned.
 */
export interface ClusterSnapshot {
  /**
   * Reads an object.
   *
   * @typeParam T type of the object. Default: `spec` and `status` are untyped.
   * @param namespace default: `default`.
   * @returns the object; undefined if it does not exist.
   * @throws Error when no kind has this name.
   */
  get<T extends object = SandboxObject>(
    kind: string,
    name: string,
    namespace?: string,
  ): T | undefined;
  /**
   * Lists the objects of a kind.
   *
   * @typeParam T type of the objects. Default: `spec` and `status` are untyped.
   * @param namespace default: all namespaces.
   * @throws Error when no kind has this name.
   */
  list<T extends object = SandboxObject>(kind: string, namespace?: string): readonly T[];
}

/**
 * What happens around the operator in a run, and what must hold.
 *
 * @example
 * export const life = scenario({
 *   name: 'life',
 *   steps: [
 *     create({ apiVersion: 'examples.io/v1', kind: 'Kite', metadata: { name: 'one' }, spec: {} }),
 *     quiesce(),
 *     remove('Kite', 'one'),
 *   ],
 * });
 */
export interface Scenario {
  /** Name in reports and on the command line. */
  readonly name: string;
  /**
   * Objects in the cluster before the operator starts. Namespace of an object: `default` unless it
   * names one.
   */
  readonly objects?: readonly ObjectManifest[];
  /** Steps, run one after the other. After the last one the run waits for quiescence. */
  readonly steps: readonly ScenarioStep[];
  /**
   * Accepts a state other than that of the baseline run, at each quiescence. `faults` are the kinds
   * of the faults in the run, none in the baseline run. Default: only the baseline state is right.
   */
  readonly accepts?: (snapshot: ClusterSnapshot, faults: readonly FaultKind[]) => boolean;
  /**
   * Invariants by sentence, checked after each change in the cluster. An invariant is violated when
   * its function returns false or throws.
   */
  readonly invariants?: Readonly<Record<string, (snapshot: ClusterSnapshot) => boolean>>;
  /** Controllers and services beside the operator. One of them may answer metrics queries. */
  readonly simulators?: readonly Simulator[];
  /**
   * Answers metrics queries, before any simulator. Default: the first simulator that does; if there
   * is none, every query returns no data.
   */
  readonly queryMetrics?: QueryMetrics;
  /** Fields of autopilot-operator.yaml, over the defaults: `{ workInterval: '1m' }`. */
  readonly config?: OperatorConfig;
  /**
   * Minimum time between two steps (`step: true`) in a phase, by phase. Default: half of the
   * shortest interval in the baseline run.
   */
  readonly minStepInterval?: Readonly<Record<string, Duration>>;
  /**
   * Fields that are not compared at quiescence: `Canary.status.checks`. A change of such
   * fields alone is no change, so that an operator which notes each measurement can rest.
   */
  readonly ignoredFields?: readonly string[];
  /**
   * Faults that make no sense in this scenario, such as an act that no person would do:
   * `claim-recreated`, or `output-deleted Service` for objects of one kind. Default: none.
   */
  readonly ignoredFaults?: readonly IgnoredFault[];
  /** Time without a change after which the baseline run counts as quiescent. Default: `10m`. */
  readonly quietPeriod?: Duration;
}

/** Checks the types of a scenario and returns it: `export const promote = scenario({ … })`. */
export function scenario(one: Scenario): Scenario {
  return one;
}

/**
 * A step that creates an object. Its namespace is created if it does not exist.
 *
 * @example create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' } })
 */
export function create(object: ObjectManifest): ClusterChange {
  return { type: 'create', object };
}

/**
 * A step that patches an object with a JSON merge patch. `null` removes a field.
 *
 * @example patch('Deployment', 'web', { spec: { replicas: 3 } })
 */
export function patch(
  kind: string,
  name: string,
  body: object,
  namespace = 'default',
): ClusterChange {
  return { type: 'patch', kind, name, namespace, body };
}

/**
 * A step that deletes an object, as `kubectl delete --wait=false` does.
 *
 * @example remove('Deployment', 'web')
 */
export function remove(kind: string, name: string, namespace = 'default'): ClusterChange {
  return { type: 'remove', kind, name, namespace };
}

/**
 * A step that waits until there is something to do. `choose` is called whenever something has
 * happened. The first change that it returns is made, and the next step follows.
 *
 * If nothing has changed for the scenario's `quietPeriod` and `choose` has returned nothing, the
 * baseline run fails with an error, and a run with faults has violated an invariant.
 *
 * @param title what the user does: `the team scales the canary`.
 */
export function actWhen(
  title: string,
  choose: (snapshot: ClusterSnapshot) => ClusterChange | undefined,
): ScenarioStep {
  return { type: 'actWhen', title, choose };
}

/** What {@link approve} approves. */
export interface ApprovedPhase {
  /** The phase that the resource asks to enter. */
  readonly phase: string;
  /** Namespace of the resource. Default: `default`. */
  readonly namespace?: string;
}

/**
 * A step that waits until a resource asks for the approval of a phase, and sets the annotation that
 * its condition AwaitingApproval names. A request that was approved before does not count, so that
 * two steps approve two requests.
 *
 * @example approve('Canary', 'web', { phase: 'Promoting' })
 */
export function approve(
  kind: string,
  name: string,
  { phase, namespace = 'default' }: ApprovedPhase,
): ScenarioStep {
  return actWhen(`approves ${phase} of ${kind} ${name}`, (snapshot) => {
    const { metadata, status } = snapshot.get(kind, name, namespace) ?? {};
    const { conditions = [] } = (status ?? {}) as {
      readonly conditions?: readonly { type: string; message: string }[];
    };
    const message = conditions.find(({ type }) => type === 'AwaitingApproval')?.message ?? '';
    const [, annotation = '', value = ''] = / ([^ =]+)=([^ =]+)$/.exec(message) ?? [];
    const isApproved = metadata?.annotations?.[annotation] === value;
    if (value.split('@')[0] !== phase || isApproved) {
      return undefined;
    }
    const body = { metadata: { annotations: { [annotation]: value } } };
    return patch(kind, name, body, namespace);
  });
}

/** A step that waits for a time, whether the operator is quiescent or not: `wait('90s')`. */
export function wait(duration: Duration): ScenarioStep {
  return { type: 'wait', for: duration };
}

/**
 * A step that waits for quiescence. The state of the cluster is then compared with that of the
 * baseline run at the same step.
 */
export function quiesce(): ScenarioStep {
  return { type: 'quiesce' };
}

/** Tests whether a value is a {@link Scenario}: an object with a name and steps. */
export function isScenario(value: unknown): value is Scenario {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'steps' in value &&
    Array.isArray(value.steps)
  );
}
