/** Flies a machine in a cluster of its own, in virtual time: for tests of all phases together. */
import type { Logger, Scheduler } from 'autopilot-runtime';
import type {
  KubeApi,
  KubeObject,
  ObjectKey,
  OperatorConfig,
  OperatorEvent,
  OperatorOptions,
  ResourceType,
} from 'autopilot-runtime/internal';
import { describeObject, hasCode, parseDuration, startOperator } from 'autopilot-runtime/internal';
import { seededRandom, VirtualClock } from '../virtual-clock.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { PolicyRules } from '../cluster/rbac.ts';
import { withPolicyRules } from '../cluster/rbac.ts';
import { settle } from './settle.ts';
import type { RunningSimulator, Simulator } from '../simulators/simulator.ts';

export interface SandboxOptions {
  /**
   * The CustomResourceDefinition (`src/generated/crd.json`): resources are defaulted and validated
   * by it. Absent: anything goes.
   */
  readonly crd?: object;
  /** What is in the cluster before the operator starts. */
  readonly objects?: readonly ObjectManifest[];
  /** Fields of autopilot-operator.yaml, over the defaults: `{ workInterval: '1m' }`. */
  readonly config?: OperatorConfig;
  /**
   * What acts in the cluster beside the operator, from before it starts until the flight stops:
   * `deployments()`, `traffic(…)`.
   */
  readonly simulators?: readonly Simulator[];
  /**
   * Answers metrics queries, before any simulator. Absent from both: no Prometheus, every question
   * fails.
   */
  readonly queryMetrics?: OperatorOptions['queryMetrics'];
  /**
   * What the operator may do; everything else is refused with 403. Absent: everything.
   * `policyRulesFrom`
   * reads them from manifests.
   */
  readonly policyRules?: PolicyRules;
  /** What the operator is given in place of the cluster's door: a place for faults. */
  readonly wrapApi?: (api: KubeApi) => KubeApi;
  /** Of the random source, for jitter. Default 1. */
  readonly seed?: number;
  /** Default: says nothing. */
  readonly log?: Logger;
}

/** An object as one writes it down; without a namespace it goes to `default`. */
export type ObjectManifest = Pick<KubeObject, 'apiVersion' | 'kind'> & {
  readonly metadata: ObjectKey & {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
};

/** What a test reads: loosely typed, a copy. */
export interface SandboxObject extends KubeObject {
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into objects of any kind
  readonly spec?: any;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  readonly status?: any;
}

const NOOP_LOGGER: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const NAMESPACE_TYPE: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

export class Sandbox {
  readonly cluster: Cluster;
  readonly clock: VirtualClock;
  /** What the operator did, in order. */
  readonly events: OperatorEvent[] = [];
  readonly #resource: ResourceType;
  /** Kinds that the machine itself uses: `Gateway` is the one it declares. */
  readonly #declaredKinds: readonly ResourceType[];
  #stop: () => Promise<void> = async () => undefined;
  #settle: () => Promise<void>;
  #runningSimulators: readonly RunningSimulator[] = [];

  private constructor(scheduler: Scheduler, clock: VirtualClock) {
    this.clock = clock;
    this.cluster = new Cluster({ clock });
    this.#resource = scheduler.resource;
    this.#declaredKinds = [
      scheduler.resource,
      ...scheduler.phases.flatMap(({ inputs, outputs }) =>
        [...inputs, ...outputs].map(({ type }) => type),
      ),
    ];
    this.#settle = () => settle(this.cluster, clock, undefined);
  }

  /** Starts the operator and lets it come to rest. */
  static async start(scheduler: Scheduler, options: SandboxOptions = {}): Promise<Sandbox> {
    const clock = new VirtualClock();
    const sandbox = new Sandbox(scheduler, clock);
    const { crd = permissiveCrd(scheduler), objects = [] } = options;
    await sandbox.create(crd as ObjectManifest);
    sandbox.#runningSimulators = (options.simulators ?? []).map((simulator) =>
      simulator({ cluster: sandbox.cluster, scheduler }),
    );
    for (const object of objects) {
      await sandbox.create(object);
    }
    await sandbox.#startOperator(scheduler, options);
    return sandbox;
  }

  async #startOperator(scheduler: Scheduler, options: SandboxOptions): Promise<void> {
    const { clock } = this;
    const {
      config,
      queryMetrics = this.#runningSimulators.find((simulator) => simulator.queryMetrics)
        ?.queryMetrics,
      policyRules,
      wrapApi = (api) => api,
      seed = 1,
      log = NOOP_LOGGER,
    } = options;
    const operator = startOperator({
      scheduler,
      api: wrapApi(
        policyRules === undefined ? this.cluster.api : withPolicyRules(this.cluster, policyRules),
      ),
      clock,
      random: seededRandom(seed),
      log,
      onEvent: (event) => void this.events.push(event),
      ...(config && { config }),
      ...(queryMetrics && { queryMetrics }),
    });
    this.#settle = () => settle(this.cluster, clock, operator);
    this.#stop = async () => {
      let stopped = false;
      const stop = operator.stop().then(() => (stopped = true));
      await this.#settle();
      // A worker that does not end holds the operator up: time passes until its patience is over.
      for (let next = clock.next; !stopped && next !== undefined; next = clock.next) {
        clock.moveTo(next);
        await this.#settle();
      }
      await stop;
      this.#settle = () => settle(this.cluster, clock, undefined);
    };
    await this.settle();
  }

  /** The operator ends and another one starts over the same cluster. */
  async restart(
    scheduler: Scheduler,
    options: Omit<SandboxOptions, 'crd' | 'objects' | 'simulators'> = {},
  ): Promise<void> {
    await this.#stop();
    await this.#startOperator(scheduler, options);
  }

  /** Creates an object (and its namespace) and lets the machine come to rest. */
  async create(object: ObjectManifest): Promise<SandboxObject> {
    const type = this.cluster.typeOf(object);
    const namespaced = {
      ...object,
      metadata: { ...(type.namespaced && { namespace: 'default' }), ...object.metadata },
    } as KubeObject;
    const { namespace } = namespaced.metadata;
    if (namespace !== undefined) {
      await this.#ensureNamespace(namespace);
    }
    await this.cluster.api.create(type, namespaced);
    await this.settle();
    return (await this.get(object.kind, object.metadata.name, namespace)) ?? copyObject(namespaced);
  }

  /**
   * Undefined when it is not there. A kind name means the one that the machine declares, if it
   * does.
   */
  async get(kind: string, name: string, namespace = 'default'): Promise<SandboxObject | undefined> {
    const type = this.#typeOf(kind);
    try {
      return copyObject(await this.cluster.api.get(type, keyInScope(type, name, namespace)));
    } catch (error) {
      if (hasCode(error, 404)) {
        return undefined;
      }
      throw error;
    }
  }

  async list(kind: string, namespace?: string): Promise<readonly SandboxObject[]> {
    const { items } = await this.cluster.api.list(
      this.#typeOf(kind),
      namespace === undefined ? {} : { namespace },
    );
    return items.map(copyObject);
  }

  /** A merge patch; `null` removes a field. */
  async patch(kind: string, name: string, change: object, namespace = 'default'): Promise<void> {
    const type = this.#typeOf(kind);
    await this.cluster.api.patch(type, keyInScope(type, name, namespace), {
      type: 'merge',
      body: change,
    });
    await this.settle();
  }

  async delete(kind: string, name: string, namespace = 'default'): Promise<void> {
    const type = this.#typeOf(kind);
    await this.cluster.api.delete(type, keyInScope(type, name, namespace));
    await this.settle();
  }

  /**
   * Lets everything happen that is due now. @throws Error when the machine does not come to rest.
   */
  async settle(): Promise<void> {
    await this.#settle();
  }

  /** Time passes: `advance('1m30s')`. Everything that falls due happens in its order. */
  async advance(duration: string): Promise<void> {
    const end = this.clock.monotonic() + parseDuration(duration);
    await this.settle();
    for (let next = this.clock.next; next !== undefined && next <= end; next = this.clock.next) {
      this.clock.moveTo(next);
      await this.settle();
    }
    this.clock.moveTo(end);
  }

  /**
   * Time passes until a condition holds.
   * @param within default `10m` of virtual time.
   * @throws Error when it does not hold by then; the message shows the resources and the last
   * events.
   */
  async until(condition: () => boolean | Promise<boolean>, within = '10m'): Promise<void> {
    const end = this.clock.monotonic() + parseDuration(within);
    await this.settle();
    while (!(await condition())) {
      const { next } = this.clock;
      if (next === undefined || next > end) {
        throw new Error(`it did not happen within ${within}:\n${await this.#describeState()}`);
      }
      this.clock.moveTo(next);
      await this.settle();
    }
  }

  async stop(): Promise<void> {
    await this.#stop();
    for (const simulator of this.#runningSimulators) {
      simulator.stop?.();
    }
  }

  async #ensureNamespace(name: string): Promise<void> {
    const exists = await this.cluster.api.get(NAMESPACE_TYPE, { name }).then(
      () => true,
      () => false,
    );
    if (!exists) {
      await this.cluster.api.create(NAMESPACE_TYPE, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
      });
    }
  }

  #typeOf(kind: string): ResourceType {
    return this.#declaredKinds.find((type) => type.kind === kind) ?? this.cluster.typeNamed(kind);
  }

  async #describeState(): Promise<string> {
    const resources = await this.list(this.#resource.kind);
    const lines = resources.map(
      (resource) => `  ${describeObject(resource)}: ${JSON.stringify(resource.status)}`,
    );
    return [...lines, ...this.events.slice(-10).map((event) => `  ${JSON.stringify(event)}`)].join(
      '\n',
    );
  }
}

/**
 * Starts an operator in an in-memory cluster and lets it come to rest. Time stands still unless
 * `advance` or `until` moves it.
 */
export function startSandbox(scheduler: Scheduler, options?: SandboxOptions): Promise<Sandbox> {
  return Sandbox.start(scheduler, options);
}

function keyInScope({ namespaced }: ResourceType, name: string, namespace: string): ObjectKey {
  return namespaced ? { namespace, name } : { name };
}

function copyObject(object: KubeObject): SandboxObject {
  return structuredClone(object) as SandboxObject;
}

/** A definition that takes any spec and status. */
export function permissiveCrd({ resource }: Scheduler): object {
  const { group, version, kind, plural, namespaced } = resource;
  const anyObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, plural },
      scope: namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: { type: 'object', properties: { spec: anyObject, status: anyObject } },
          },
          subresources: { status: {} },
        },
      ],
    },
  };
}
