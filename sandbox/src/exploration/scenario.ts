/**
 * Scenarios: what happens around an operator while it is watched, and what must hold. Data, written
 * by hand or derived from samples.
 */
import type { Duration } from 'autopilot-runtime';
import type { OperatorConfig } from 'autopilot-runtime/ports';
import type { FlightObject, FlownObject } from '../kit/fly.ts';
import type { Ask, Simulator } from '../simulators/simulator.ts';

/** A change of the cluster by somebody. */
export type Act =
  | { readonly does: 'create'; readonly object: FlightObject }
  | {
      readonly does: 'patch';
      readonly kind: string;
      readonly name: string;
      readonly namespace: string;
      readonly change: object;
    }
  | {
      readonly does: 'remove';
      readonly kind: string;
      readonly name: string;
      readonly namespace: string;
    };

/**
 * What users and other controllers do, in order. Made by `create`, `patch`, `remove`, `react`,
 * `approve`, `wait` and `rest`.
 */
export type Step =
  | Act
  | { readonly does: 'react'; readonly title: string; readonly to: (look: Look) => Act | undefined }
  | { readonly does: 'wait'; readonly for: Duration }
  | { readonly does: 'rest' };

/**
 * The cluster at one instant. A kind name means the one that the machine declares, if it does. Do
 * not change what it returns.
 */
export interface Look {
  /** Undefined when it is not there. `namespace` is `default` unless said. */
  get(kind: string, name: string, namespace?: string): FlownObject | undefined;
  /** All of a kind; of all namespaces unless one is said. */
  list(kind: string, namespace?: string): readonly FlownObject[];
}

export interface Scenario {
  /** In reports and on the command line. */
  readonly name: string;
  /**
   * What is in the cluster before the operator starts; without a namespace it goes to `default`.
   */
  readonly objects?: readonly FlightObject[];
  /** After the last one the machine comes to rest. */
  readonly steps: readonly Step[];
  /**
   * An end other than that of the flight without faults: is it good as well? Asked whenever the
   * machine rests.
   */
  readonly accepts?: (look: Look) => boolean;
  /** Sentences that hold after each write of anybody. False: broken. */
  readonly invariants?: Readonly<Record<string, (look: Look) => boolean>>;
  /** What acts in the cluster beside the operator; one may answer metrics queries. */
  readonly simulators?: readonly Simulator[];
  /** Answers metrics queries, before any simulator. Absent from both: no series has any data. */
  readonly ask?: Ask;
  /** Settings of the operator, over its defaults. */
  readonly config?: Partial<OperatorConfig>;
  /**
   * Two steps (`step: true`) in a phase are never closer than this. Default: half of the closest in
   * the flight without faults.
   */
  readonly pace?: Readonly<Record<string, Duration>>;
  /** Fields that may differ in the end: `Canary.status.checks`. */
  readonly ignore?: readonly string[];
  /** The machine rests when nothing has changed for so long. Default `10m`. */
  readonly patience?: Duration;
}

/** Checks nothing, but for the types: `export const promote = scenario({ … })`. */
export function scenario(one: Scenario): Scenario {
  return one;
}

export function create(object: FlightObject): Act {
  return { does: 'create', object };
}

/** A merge patch; `null` removes a field. */
export function patch(kind: string, name: string, change: object, namespace = 'default'): Act {
  return { does: 'patch', kind, name, namespace, change };
}

export function remove(kind: string, name: string, namespace = 'default'): Act {
  return { does: 'remove', kind, name, namespace };
}

/**
 * Somebody looks at the cluster whenever something happens, until there is something to do: the
 * first act that `to` returns is done, then
 * the next step comes. When nothing has changed for the scenario's patience, it does not come: the
 * flight without faults cannot be flown
 * then, and one with faults has broken a promise.
 * @param title what somebody does: `the team scales the canary`
 */
export function react(title: string, to: (look: Look) => Act | undefined): Step {
  return { does: 'react', title, to };
}

/**
 * A person waits until the resource asks for an approval, and gives it as the condition
 * AwaitingApproval says.
 */
export function approve(kind: string, name: string, namespace = 'default'): Step {
  return react(`approves ${kind} ${name}`, (look) => {
    const { conditions = [] } = (look.get(kind, name, namespace)?.status ?? {}) as {
      readonly conditions?: readonly { type: string; message: string }[];
    };
    const asked = conditions.find(({ type }) => type === 'AwaitingApproval')?.message ?? '';
    const [, annotation, value] = / ([^ =]+)=([^ =]+)$/.exec(asked) ?? [];
    if (annotation === undefined || value === undefined) {
      return undefined;
    }
    return {
      does: 'patch',
      kind,
      name,
      namespace,
      change: { metadata: { annotations: { [annotation]: value } } },
    };
  });
}

/** Time passes, whether the machine rests or not. */
export function wait(duration: Duration): Step {
  return { does: 'wait', for: duration };
}

/**
 * Until the machine rests; what is in the cluster then is compared with the flight without faults.
 */
export function rest(): Step {
  return { does: 'rest' };
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
