/** All that an operator watches: one informer for each kind and selector, shared by all phases. */
import { Informer } from '../cache/informer.ts';
import type { ReflectorDeps } from '../cache/reflector.ts';
import { MANAGED_BY_LABEL, ownerLabel } from '../client/well-known-names.ts';
import type { ResourceType } from '../client/object.ts';
import type { Observer } from '../observability/observer.ts';
import type { InputDefinition, OutputDefinition, Scheduler } from '../api/scheduler.ts';
import { allWorkerDefinitions } from '../api/scheduler.ts';
import type { InformerLookup } from '../reconciler/reconcile-deps.ts';

export interface SharedInformersOptions {
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  readonly watchNamespaces: readonly string[];
}

export class SharedInformers implements InformerLookup {
  readonly #options: SharedInformersOptions;
  readonly #informers = new Map<string, Informer>();
  /** Informers by kind: what one writes enters the others. */
  readonly #informersByKind = new Map<string, Informer[]>();
  readonly #outputs = new Set<Informer>();
  /** Of the operator's own kind. */
  readonly primary: Informer;
  readonly forInput = (input: InputDefinition): Informer =>
    this.#informer(input.type, input.selector);

  /**
   * A kind that is also an input without a selector shares its informer; one that is only written
   * is watched by our label.
   */
  readonly forOutput = (output: OutputDefinition): Informer => {
    const unselected = this.#informers.get(`${output.type.group}/${output.type.plural}?`);
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

  /** Of what is written of a kind, one informer tells; others may show some of it too. */
  isForOutputs(informer: Informer): boolean {
    return this.#outputs.has(informer);
  }

  get all(): Iterable<Informer> {
    return this.#informers.values();
  }

  /** Ends when the signal is aborted. */
  async run(deps: ReflectorDeps, signal: AbortSignal): Promise<void> {
    await Promise.all([...this.all].map((informer) => informer.run(deps, signal)));
  }

  /** Resolves when every cache is filled (or known to be unavailable). */
  async waitForSync(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.all].map((informer) => informer.waitForSync(signal)));
  }

  /**
   * Resolves when every cache is at least as new as the API server was at `since` (monotonic): what
   * a new leader starts from.
   */
  async waitUntilCaughtUp(
    since: number,
    deps: Pick<ReflectorDeps, 'api'>,
    signal: AbortSignal,
  ): Promise<void> {
    await Promise.all(
      [...this.all].map((informer) => informer.waitUntilCaughtUp(since, deps, signal)),
    );
  }

  /** Kinds that cannot be read now, with the reason. */
  unavailableKinds(): readonly { readonly kind: string; readonly reason: string }[] {
    return [...this.all].flatMap(({ unavailableReason, scope }) =>
      unavailableReason === undefined ? [] : [{ kind: scope.type.kind, reason: unavailableReason }],
    );
  }

  #informer(type: ResourceType, labelSelector?: string): Informer {
    const key = `${type.group}/${type.plural}?${labelSelector ?? ''}`;
    const known = this.#informers.get(key);
    if (known !== undefined) {
      return known;
    }
    const { watchNamespaces, observer, scheduler } = this.#options;
    const scope = { type, ...(labelSelector === undefined ? {} : { labelSelector }) };
    const place = `${type.group}/${type.plural}`;
    const sameKind = this.#informersByKind.get(place) ?? [];
    this.#informersByKind.set(place, sameKind);
    const informer = new Informer(
      scope,
      watchNamespaces,
      ownerLabel(scheduler.resource.group),
      observer,
      sameKind,
    );
    sameKind.push(informer);
    this.#informers.set(key, informer);
    return informer;
  }
}
