/** Says why the resources of a run never leave the first phase, so that nothing else is checked. */
import type { KubeObject, Scheduler } from 'autopilot-runtime';
import type { Cluster } from '../cluster/cluster.ts';

interface ReadyCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** The first phase of the resources of one run. */
export class FirstPhase {
  readonly #scheduler: Scheduler;
  #lastReady: ReadyCondition | undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Records the condition Ready of a resource. Undefined: the resource was deleted. */
  observe(resource: KubeObject | undefined): void {
    if (resource?.metadata.deletionTimestamp !== undefined) {
      return;
    }
    const { conditions = [] } = (resource?.status ?? {}) as {
      readonly conditions?: readonly ReadyCondition[];
    };
    this.#lastReady = conditions.find(({ type }) => type === 'Ready') ?? this.#lastReady;
  }

  /**
   * @param entered the phases that a resource was in.
   * @returns what holds the resources in the first phase. Empty: they have left it, it is a resting
   * phase, or there is no other phase.
   */
  describe(entered: ReadonlySet<string>, cluster: Cluster): readonly string[] {
    const { phases, resource } = this.#scheduler;
    const first = phases.find(({ initial }) => initial === true);
    if (first === undefined || phases.length === 1) {
      return [];
    }
    if (entered.size === 0) {
      return [`no ${resource.kind} enters the first phase ${first.name}`];
    }
    if (entered.size > 1 || first.resting === true) {
      return [];
    }
    const kinds = new Set(cluster.objects().map(({ kind }) => kind));
    const missing = first.inputs
      .filter(({ optional, type }) => optional !== true && !kinds.has(type.kind))
      .map(({ type }) => type.kind);
    const { status, reason, message } = this.#lastReady ?? {};
    return [
      `no ${resource.kind} leaves the first phase ${first.name}`,
      ...(reason === undefined ? [] : [`Ready=${status}, ${reason}: ${message}`]),
      ...(missing.length === 0
        ? []
        : [
            `there is no ${missing.join(', no ')}: add what the phase waits for to a file in examples/, or to the objects of the scenario`,
          ]),
    ];
  }
}
