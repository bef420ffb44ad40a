/** All that an operator watches: one informer for each kind and selector, shared by all phases. */
import { Informer } from '../cache/informer.ts';
import type { Ports } from '../cache/reflector.ts';
import { MANAGED_BY_LABEL, ownerLabel } from '../kube/names.ts';
import type { ResourceType } from '../kube/object.ts';
import type { Observer } from '../observe/observer.ts';
import type { InputDefinition, OutputDefinition, Scheduler } from '../scheduler.ts';
import { allUses } from '../scheduler.ts';
import type { Informers } from './ports.ts';

export interface CacheOptions {
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  readonly watchNamespaces: readonly string[];
}

export class Caches implements Informers {
  readonly #options: CacheOptions;
  readonly #informers = new Map<string, Informer>();
  /** Informers by kind: what one writes enters the others. */
  readonly #families = new Map<string, Informer[]>();
  readonly #outputs = new Set<Informer>();
  /** Of the operator's own kind. */
  readonly primary: Informer;
  readonly ofInput = (input: InputDefinition): Informer =>
    this.#informer(input.type, input.selector);

  /**
   * A kind that is also an input without a selector shares its informer; one that is only written
   * is watched by our label.
   */
  readonly ofOutput = (output: OutputDefinition): Informer => {
    const whole = this.#informers.get(`${output.type.group}/${output.type.plural}?`);
    return (
      whole ??
      this.#informer(output.type, `${MANAGED_BY_LABEL}=${this.#options.scheduler.operatorName}`)
    );
  };

  constructor(options: CacheOptions) {
    const { scheduler } = options;
    this.#options = options;
    this.primary = this.#informer(scheduler.resource);
    for (const uses of allUses(scheduler)) {
      uses.inputs.forEach(this.ofInput);
    }
    for (const uses of allUses(scheduler)) {
      uses.outputs.forEach((output) => this.#outputs.add(this.ofOutput(output)));
    }
  }

  /** Of what is written of a kind, one informer tells; others may show some of it too. */
  holdsOutputs(informer: Informer): boolean {
    return this.#outputs.has(informer);
  }

  get all(): Iterable<Informer> {
    return this.#informers.values();
  }

  /** Ends when the signal is aborted. */
  async run(ports: Ports, signal: AbortSignal): Promise<void> {
    await Promise.all([...this.all].map((informer) => informer.run(ports, signal)));
  }

  /** Resolves when every cache is filled (or known to be unavailable). */
  async filled(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.all].map((informer) => informer.filled(signal)));
  }

  /**
   * Resolves when every cache is at least as new as the API server was at `since` (monotonic): what
   * a new leader starts from.
   */
  async caughtUp(since: number, ports: Pick<Ports, 'api'>, signal: AbortSignal): Promise<void> {
    await Promise.all([...this.all].map((informer) => informer.caughtUp(since, ports, signal)));
  }

  /** Kinds that cannot be read now, with the reason. */
  unavailable(): readonly { readonly kind: string; readonly reason: string }[] {
    return [...this.all].flatMap(({ unavailable, scope }) =>
      unavailable === undefined ? [] : [{ kind: scope.type.kind, reason: unavailable }],
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
    const family = this.#families.get(place) ?? [];
    this.#families.set(place, family);
    const informer = new Informer(
      scope,
      watchNamespaces,
      ownerLabel(scheduler.resource.group),
      observer,
      family,
    );
    family.push(informer);
    this.#informers.set(key, informer);
    return informer;
  }
}
