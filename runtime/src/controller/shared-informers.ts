/**
 * The informers of an operator, shared by all phases: one for each kind, version and selector. Two
 * versions of a kind have objects of other shapes, so they share nothing.
 */
import { Informer } from '../cache/informer.ts';
import type { ReflectorDeps } from '../cache/reflector.ts';
import { MANAGED_BY_LABEL, ownerLabel } from '../client/well-known-names.ts';
import type { ResourceType } from '../client/object.ts';
import type { Observer } from '../observability/observer.ts';
import type { InputDefinition, OutputDefinition, Scheduler } from '../api/scheduler.ts';
import { allWorkerDefinitions } from '../api/scheduler.ts';
import type { InformerLookup } from '../reconciler/reconcile-deps.ts';

/** Options of the shared informers. */
export interface SharedInformersOptions {
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  /** Empty: all namespaces. */
  readonly watchNamespaces: readonly string[];
}

/** Creates the informers of a scheduler, and finds them. */
export class SharedInformers implements InformerLookup {
  readonly #options: SharedInformersOptions;
  readonly #informers = new Map<string, Informer>();
  /** Informers by kind: an object written through one is stored in the others too. */
  readonly #informersByKind = new Map<string, Informer[]>();
  readonly #outputs = new Set<Informer>();
  /** The informer of the operator's own kind. */
  readonly primary: Informer;
  /** The informer of an input. */
  readonly forInput = (input: InputDefinition): Informer =>
    this.#informer(input.type, input.selector);

  /**
   * The informer of an output. A kind that is also an input without a selector shares that
   * informer. A kind that is only written is watched by the label of the operator.
   */
  readonly forOutput = (output: OutputDefinition): Informer => {
    const unselected = this.#informers.get(`${placeOf(output.type)}?`);
    return (
      unselected ??
      this.#informer(output.type, `${MANAGED_BY_LABEL}=${this.#options.scheduler.operatorName}`)
    );
  };

  constructor(options: SharedInformersOptions) {
    const { scheduler } = options;
    this.#options = options;
    this.primary = this.#informer(scheduler.resource);
    for (const definition of allWorkerDefinitions(scheduler)) {
      definition.inputs.forEach(this.forInput);
    }
    for (const definition of allWorkerDefinitions(scheduler)) {
      definition.outputs.forEach((output) => this.#outputs.add(this.forOutput(output)));
    }
  }

  /**
   * Does this informer report the events of an output? Several informers may have the same written
   * object; only one reports its events, so that each event is handled once.
   */
  isForOutputs(informer: Informer): boolean {
    return this.#outputs.has(informer);
  }

  /** All informers. */
  get all(): Iterable<Informer> {
    return this.#informers.values();
  }

  /** Runs all informers until the signal is aborted. */
  async run(deps: ReflectorDeps, signal: AbortSignal): Promise<void> {
    await Promise.all([...this.all].map((informer) => informer.run(deps, signal)));
  }

  /**
   * Resolves when every cache is synced, or its kind known as unavailable or failing. Only the
   * operator's own kind is waited for while it fails.
   */
  async waitForSync(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.all].map((informer) => informer.waitForSync(signal)));
    if (this.primary.unreadReason !== undefined) {
      await this.primary.waitUntilRead(signal);
    }
  }

  /**
   * Resolves when every cache has the state that the API server had at `since`, for a new leader,
   * or its kind cannot be read. The operator's own kind is waited for until it is read.
   *
   * @param since monotonic time in milliseconds
   */
  async waitUntilCaughtUp(
    since: number,
    deps: Pick<ReflectorDeps, 'api'>,
    signal: AbortSignal,
  ): Promise<void> {
    await Promise.all(
      [...this.all].map((informer) => informer.waitUntilCaughtUp(since, deps, signal)),
    );
    await this.primary.waitUntilRead(signal);
  }

  /** Kinds that cannot be read now, each with the reason. */
  unavailableKinds(): readonly { readonly kind: string; readonly reason: string }[] {
    return [...this.all].flatMap(({ unavailableReason, scope }) =>
      unavailableReason === undefined ? [] : [{ kind: scope.type.kind, reason: unavailableReason }],
    );
  }

  #informer(type: ResourceType, labelSelector?: string): Informer {
    const key = `${placeOf(type)}?${labelSelector ?? ''}`;
    const known = this.#informers.get(key);
    if (known !== undefined) {
      return known;
    }
    const { watchNamespaces, observer, scheduler } = this.#options;
    const scope = { type, ...(labelSelector === undefined ? {} : { labelSelector }) };
    const place = placeOf(type);
    const sameKind = this.#informersByKind.get(place) ?? [];
    this.#informersByKind.set(place, sameKind);
    const informer = new Informer(scope, {
      namespaces: watchNamespaces,
      indexLabel: ownerLabel(scheduler.resource.group),
      observer,
      sameKind,
    });
    sameKind.push(informer);
    this.#informers.set(key, informer);
    return informer;
  }
}

function placeOf({ group, version, plural }: ResourceType): string {
  return `${group}/${version}/${plural}`;
}
