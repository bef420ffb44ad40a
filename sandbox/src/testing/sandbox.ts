/** Runs an operator in an in-memory cluster and in virtual time, to test its phases together. */
import type {
  KubeApi,
  KubeObject,
  Logger,
  OperatorConfig,
  OperatorEvent,
  OperatorOptions,
  ResourceType,
  Scheduler,
} from 'autopilot-runtime';
import type { ObjectKey } from 'autopilot-runtime/internal';
import {
  describeObject,
  hasCode,
  NOOP_LOGGER,
  parseDuration,
  startOperator,
} from 'autopilot-runtime/internal';
import { seededRandom, VirtualClock } from '../virtual-clock.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { PolicyRules } from '../cluster/rbac.ts';
import { withPolicyRules } from '../cluster/rbac.ts';
import { definitionsFor } from './definitions.ts';
import { settle } from './settle.ts';
import type { RunningSimulator, Simulator } from '../simulators/simulator.ts';

/** Settings of {@link startSandbox}. */
export interface SandboxOptions {
  /**
   * The CustomResourceDefinition (`src/generated/crd.json`), by which resources are defaulted and
   * validated. Default: a definition that accepts any spec and status.
   */
  readonly crd?: object;
  /**
   * CustomResourceDefinitions of the project's other kinds (`src/generated/foreign-crds.json`).
   * Default: none. A declared kind that neither the cluster nor this list has gets a definition
   * that accepts every object, unless the kind is optional.
   */
  readonly foreignCrds?: readonly object[];
  /** Objects in the cluster before the operator starts. Default: none. */
  readonly objects?: readonly ObjectManifest[];
  /** Fields of autopilot-operator.yaml, over the defaults: `{ workInterval: '1m' }`. */
  readonly config?: OperatorConfig;
  /**
   * Controllers and services beside the operator: `deployments()`, `traffic(…)`. They start before
   * the operator and stop with the sandbox. Default: none.
   */
  readonly simulators?: readonly Simulator[];
  /**
   * Answers metrics queries, before any simulator. Default: the first simulator that does; if there
   * is none, every query fails because no Prometheus is configured.
   */
  readonly queryMetrics?: OperatorOptions['queryMetrics'];
  /**
   * RBAC rules of the operator. Any other request gets the response 403. `policyRulesFrom` reads
   * them from manifests. Default: the operator may do everything.
   */
  readonly policyRules?: PolicyRules;
  /**
   * Wraps the operator's client, for example to fail requests. Default: the operator's client is
   * the cluster.
   */
  readonly wrapApi?: (api: KubeApi) => KubeApi;
  /** Seed of the random source, which is used for jitter. Default: 1. */
  readonly seed?: number;
  /** Receives the operator's log. Default: the log is discarded. */
  readonly log?: Logger;
}

/** An object to create, as in a YAML file. Namespace: `default` unless it names one. */
export type ObjectManifest = Pick<KubeObject, 'apiVersion' | 'kind'> & {
  /** Name, namespace, labels and annotations. */
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  /** All other fields, such as `spec`. */
  readonly [field: string]: unknown;
};

/**
 * An object as a test reads it, with untyped `spec` and `status`. For typed objects pass the type:
 * `sandbox.get<Canary>('Canary', 'web')`.
 */
export interface SandboxObject extends KubeObject {
  /** Desired state, untyped. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the fields depend on the kind
  readonly spec?: any;
  /** Observed state, untyped. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the fields depend on the kind
  readonly status?: any;
}

const NAMESPACE_TYPE: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};
/** Events that the message of a failed `until` shows. */
const SHOWN_EVENTS = 10;

/**
 * An operator in an in-memory cluster, made by {@link startSandbox}. Only {@link Sandbox.advance}
 * and {@link Sandbox.until} move time.
 *
 * If the operator declares a kind of a name, the name means that kind in all methods: `Gateway` is
 * the one of Istio or of the Gateway API.
 */
export class Sandbox {
  /** The in-memory cluster. */
  readonly cluster: Cluster;
  /** Virtual time. It starts at 2026-01-01T00:00:00Z. */
  readonly clock: VirtualClock;
  /** What the operator did, in order. */
  readonly events: OperatorEvent[] = [];
  readonly #resource: ResourceType;
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

  /** Use {@link startSandbox}. */
  static async start(scheduler: Scheduler, options: SandboxOptions = {}): Promise<Sandbox> {
    const clock = new VirtualClock();
    const sandbox = new Sandbox(scheduler, clock);
    const { objects = [] } = options;
    for (const definition of definitionsFor(sandbox.cluster, scheduler, options)) {
      await sandbox.create(definition as ObjectManifest);
    }
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
      // The operator waits for a worker that does not return until its drain timeout.
      for (let next = clock.next; !stopped && next !== undefined; next = clock.next) {
        clock.moveTo(next);
        await this.#settle();
      }
      await stop;
      this.#settle = () => settle(this.cluster, clock, undefined);
    };
    await this.settle();
  }

  /**
   * Stops the operator and starts another one in the same cluster, as an upgrade does.
   *
   * @param scheduler the scheduler of the new operator.
   * @param options its settings. Settings of the first operator do not apply. The simulators keep
   * running.
   */
  async restart(
    scheduler: Scheduler,
    options: Omit<SandboxOptions, 'crd' | 'foreignCrds' | 'objects' | 'simulators'> = {},
  ): Promise<void> {
    await this.#stop();
    await this.#startOperator(scheduler, options);
  }

  /**
   * Creates an object, and its namespace if that does not exist. Then waits until nothing is due.
   *
   * @returns the object as it is in the cluster then. If it was deleted meanwhile, the object that
   * was sent.
   * @throws ApiError when the cluster refuses the object.
   */
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
    return (await this.get(object.kind, object.metadata.name, namespace)) ?? copyOf(namespaced);
  }

  /**
   * Reads an object.
   *
   * @typeParam T type of the object. Default: `spec` and `status` are untyped.
   * @param namespace default: `default`. Ignored for cluster-scoped kinds.
   * @returns a copy; undefined if the object does not exist.
   * @throws Error when no kind has this name.
   *
   * @example
   * const canary = await sandbox.get<CanaryDeployment>('CanaryDeployment', 'web');
   * expect(canary?.status?.phase).to.equal('Ready');
   */
  async get<T extends object = SandboxObject>(
    kind: string,
    name: string,
    namespace = 'default',
  ): Promise<T | undefined> {
    const type = this.#typeOf(kind);
    try {
      return copyOf<T>(await this.cluster.api.get(type, keyInScope(type, name, namespace)));
    } catch (error) {
      if (hasCode(error, 404)) {
        return undefined;
      }
      throw error;
    }
  }

  /**
   * Lists the objects of a kind.
   *
   * @typeParam T type of the objects. Default: `spec` and `status` are untyped.
   * @param namespace default: all namespaces.
   * @returns copies, sorted by namespace and name.
   * @throws Error when no kind has this name.
   */
  async list<T extends object = SandboxObject>(
    kind: string,
    namespace?: string,
  ): Promise<readonly T[]> {
    const { items } = await this.cluster.api.list(
      this.#typeOf(kind),
      namespace === undefined ? {} : { namespace },
    );
    return items.map((item) => copyOf<T>(item));
  }

  /**
   * Patches an object with a JSON merge patch. Then waits until nothing is due.
   *
   * @param change the patch. `null` removes a field.
   * @param namespace default: `default`. Ignored for cluster-scoped kinds.
   * @throws ApiError when the object does not exist or the cluster refuses the change.
   */
  async patch(kind: string, name: string, change: object, namespace = 'default'): Promise<void> {
    const type = this.#typeOf(kind);
    await this.cluster.api.patch(type, keyInScope(type, name, namespace), {
      type: 'merge',
      body: change,
    });
    await this.settle();
  }

  /**
   * Deletes an object. Then waits until nothing is due. An object with finalizers may remain.
   *
   * @param namespace default: `default`. Ignored for cluster-scoped kinds.
   * @throws ApiError when the object does not exist.
   */
  async delete(kind: string, name: string, namespace = 'default'): Promise<void> {
    const type = this.#typeOf(kind);
    await this.cluster.api.delete(type, keyInScope(type, name, namespace));
    await this.settle();
  }

  /**
   * Waits until nothing is due at the present instant. Time does not move.
   *
   * @throws Error when the operator does not reach quiescence because each reconcile changes
   * something.
   */
  async settle(): Promise<void> {
    await this.#settle();
  }

  /**
   * Moves time forward. Everything that is due on the way happens in its order.
   *
   * @param duration `advance('1m30s')`.
   * @throws Error as {@link Sandbox.settle} does.
   */
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
   * Moves time forward until a condition holds.
   *
   * @param within maximum of virtual time. Default: `10m`.
   * @throws Error when the condition does not hold within that time. The message shows the
   * resources and the operator's last events.
   *
   * @example
   * await sandbox.until(() => sandbox.events.some(({ type }) => type === 'transition'));
   */
  async until(condition: () => boolean | Promise<boolean>, within = '10m'): Promise<void> {
    const end = this.clock.monotonic() + parseDuration(within);
    await this.settle();
    while (!(await condition())) {
      const { next } = this.clock;
      if (next === undefined || next > end) {
        const state = await this.#describeState();
        throw new Error(`the condition of until() did not hold within ${within}:\n${state}`);
      }
      this.clock.moveTo(next);
      await this.settle();
    }
  }

  /** Stops the operator and the simulators. Moves time if a worker does not return at once. */
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
    return [
      ...resources.map(
        (resource) => `  ${describeObject(resource)}: ${JSON.stringify(resource.status)}`,
      ),
      ...this.events.slice(-SHOWN_EVENTS).map((event) => `  ${JSON.stringify(event)}`),
    ].join('\n');
  }
}

/**
 * Starts an operator in an in-memory cluster and waits until nothing is due. Only `advance` and
 * `until` move time.
 *
 * @param scheduler the operator's scheduler (`src/generated/scheduler.ts`).
 * @param options definition, objects, simulators and settings.
 * @throws ApiError when the cluster refuses one of the objects.
 *
 * @example
 * const sandbox = await startSandbox(scheduler, { crd, objects: [deployment('web')] });
 * await sandbox.create({
 *   apiVersion: 'examples.io/v1',
 *   kind: 'AutoRoute',
 *   metadata: { name: 'example' },
 *   spec: { deploymentSelector: { matchLabels: { app: 'web' } } },
 * });
 * await sandbox.advance('1m');
 * expect((await sandbox.get('AutoRoute', 'example'))?.status.phase).to.equal('Routing');
 * await sandbox.stop();
 */
export function startSandbox(scheduler: Scheduler, options?: SandboxOptions): Promise<Sandbox> {
  return Sandbox.start(scheduler, options);
}

function keyInScope({ namespaced }: ResourceType, name: string, namespace: string): ObjectKey {
  return namespaced ? { namespace, name } : { name };
}

function copyOf<T extends object = SandboxObject>(object: KubeObject): T {
  return structuredClone(object) as object as T;
}
