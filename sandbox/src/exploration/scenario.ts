/**
 * Scenarios: what happens around an operator while it is watched, and what must hold. Data, written
 * by hand or derived from samples.
 */
import type { Duration } from 'autopilot-runtime';
import type { OperatorConfig } from 'autopilot-runtime/internal';
import type { ObjectManifest, SandboxObject } from '../testing/sandbox.ts';
import type { QueryMetrics, Simulator } from '../simulators/simulator.ts';

/** A change of the cluster by somebody. */
export type ClusterChange =
  | { readonly type: 'create'; readonly object: ObjectManifest }
  | {
      readonly type: 'patch';
      readonly kind: string;
      readonly name: string;
      readonly namespace: string;
      readonly body: object;
    }
  | {
      readonly type: 'remove';
      readonly kind: string;
      readonly name: string;
      readonly namespace: string;
    };

/**
 * What users and other controllers do, in order. Made by `create`, `patch`, `remove`, `actWhen`,
 * `approve`, `wait` and `quiesce`.
 */
export type ScenarioStep =
  | ClusterChange
  | {
      readonly type: 'actWhen';
      readonly title: string;
      readonly choose: (snapshot: ClusterSnapshot) => ClusterChange | undefined;
    }
  | { readonly type: 'wait'; readonly for: Duration }
  | { readonly type: 'quiesce' };

/**
 * The cluster at one instant. A kind name means the one that the machine declares, if it does. Do
 * not change what it returns.
 */
export interface ClusterSnapshot {
  /** Undefined when it is not there. `namespace` is `default` unless said. */
  get(kind: string, name: string, namespace?: string): SandboxObject | undefined;
  /** All of a kind; of all namespaces unless one is said. */
  list(kind: string, namespace?: string): readonly SandboxObject[];
}

export interface Scenario {
  /** In reports and on the command line. */
  readonly name: string;
  /**
   * What is in the cluster before the operator starts; without a namespace it goes to `default`.
   */
  readonly objects?: readonly ObjectManifest[];
  /** After the last one the operator reaches quiescence. */
  readonly steps: readonly ScenarioStep[];
  /**
   * An end other than that of the flight without faults: is it good as well? Asked whenever the
   * machine rests.
   */
  readonly accepts?: (snapshot: ClusterSnapshot) => boolean;
  /** Sentences that hold after each write of anybody. False: broken. */
  readonly invariants?: Readonly<Record<string, (snapshot: ClusterSnapshot) => boolean>>;
  /** What acts in the cluster beside the operator; one may answer metrics queries. */
  readonly simulators?: readonly Simulator[];
  /** Answers metrics queries, before any simulator. Absent from both: no series has any data. */
  readonly queryMetrics?: QueryMetrics;
  /** Settings of the operator, over its defaults. */
  readonly config?: OperatorConfig;
  /**
   * Two steps (`step: true`) in a phase are never closer than this. Default: half of the closest in
   * the flight without faults.
   */
  readonly minStepInterval?: Readonly<Record<string, Duration>>;
  /** Fields that may differ in the end: `Canary.status.checks`. */
  readonly ignoredFields?: readonly string[];
  /** The machine rests when nothing has changed for so long. Default `10m`. */
  readonly quietPeriod?: Duration;
}

/** Checks nothing, but for the types: `export const promote = scenario({ … })`. */
export function scenario(one: Scenario): Scenario {
  return one;
}

export function create(object: ObjectManifest): ClusterChange {
  return { type: 'create', object };
}

/** A merge patch; `null` removes a field. */
export function patch(
  kind: string,
  name: string,
  body: object,
  namespace = 'default',
): ClusterChange {
  return { type: 'patch', kind, name, namespace, body };
}

export function remove(kind: string, name: string, namespace = 'default'): ClusterChange {
  return { type: 'remove', kind, name, namespace };
}

/**
 * Somebody looks at the cluster whenever something happens, until there is something to do: the
 * first act that `to` returns is done, then
 * the next step comes. When nothing has changed for the scenario's patience, it does not come: the
 * flight without faults cannot be flown
 * then, and one with faults has broken a promise.
 * @param title what somebody does: `the team scales the canary`
 */
export function actWhen(
  title: string,
  choose: (snapshot: ClusterSnapshot) => ClusterChange | undefined,
): ScenarioStep {
  return { type: 'actWhen', title, choose };
}

/**
 * A person waits until the resource asks for an approval, and gives it as the condition
 * AwaitingApproval says.
 */
export function approve(kind: string, name: string, namespace = 'default'): ScenarioStep {
  return actWhen(`approves ${kind} ${name}`, (snapshot) => {
    const { conditions = [] } = (snapshot.get(kind, name, namespace)?.status ?? {}) as {
      readonly conditions?: readonly { type: string; message: string }[];
    };
    const message = conditions.find(({ type }) => type === 'AwaitingApproval')?.message ?? '';
    const [, annotation, value] = / ([^ =]+)=([^ =]+)$/.exec(message) ?? [];
    if (annotation === undefined || value === undefined) {
      return undefined;
    }
    return {
      type: 'patch',
      kind,
      name,
      namespace,
      body: { metadata: { annotations: { [annotation]: value } } },
    };
  });
}

/** Time passes, whether the machine rests or not. */
export function wait(duration: Duration): ScenarioStep {
  return { type: 'wait', for: duration };
}

/**
 * Until the machine rests; what is in the cluster then is compared with the flight without faults.
 */
export function quiesce(): ScenarioStep {
  return { type: 'quiesce' };
}

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
