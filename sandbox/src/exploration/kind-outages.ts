/** Outages of single kinds: the API server answers 500 or does not serve the kind for a while. */
import type { KubeObject, ResourceType } from 'autopilot-runtime';
import { ApiError, hasCode, keyOf } from 'autopilot-runtime/internal';
import { notServed } from '../cluster/api-errors.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { EventLoop } from './event-loop.ts';
import type { FaultKind } from './fault.ts';
import type { InvariantChecker } from './invariants.ts';
import type { OwnersManifests } from './owners.ts';
import { OWNER_MANAGER } from './owners.ts';

/** How long an outage lasts. */
const OUTAGE_MS = 120_000;

/** What {@link KindOutages} uses. */
export interface KindOutagesOptions {
  /** The cluster. */
  readonly cluster: Cluster;
  /** What the owners of objects want. They create their objects again with the kind. */
  readonly owners: OwnersManifests;
  /** Moves virtual time. */
  readonly eventLoop: EventLoop;
  /** Does not blame the operator for deleted objects. */
  readonly invariantChecker: InvariantChecker;
}

/** The outages of one run. */
export class KindOutages {
  readonly #options: KindOutagesOptions;
  /** Creates the error of all requests, by kind. */
  readonly #errors = new Map<string, () => Error>();
  /** Functions that break a watch, by kind. */
  readonly #watches = new Map<string, Set<(error: Error) => void>>();

  constructor(options: KindOutagesOptions) {
    this.#options = options;
  }

  /** @returns true if the kind is that of a CustomResourceDefinition, so that it can go away. */
  canGoAway(type: ResourceType): boolean {
    for (const kind of this.#options.cluster.kinds()) {
      if (pathOf(kind) === pathOf(type)) {
        return kind.custom === true || kind.schema !== undefined;
      }
    }
    return false;
  }

  /** Begins the outage of a fault. */
  begin(fault: FaultKind, type: ResourceType): void {
    void this.#run(fault, type);
  }

  /** @throws ApiError during an outage of the kind */
  check(type: ResourceType): void {
    const createError = this.#errors.get(pathOf(type));
    if (createError !== undefined) {
      throw createError();
    }
  }

  /**
   * Registers an open watch, which breaks when an outage begins.
   *
   * @returns a function that removes the watch.
   */
  addWatch(type: ResourceType, breakWatch: (error: Error) => void): () => void {
    const watches = this.#watches.get(pathOf(type)) ?? new Set();
    this.#watches.set(pathOf(type), watches.add(breakWatch));
    return () => void watches.delete(breakWatch);
  }

  async #run(fault: FaultKind, type: ResourceType): Promise<void> {
    const { eventLoop } = this.#options;
    const isGone = fault === 'kind-gone';
    if (isGone) {
      await this.#deleteObjects(type);
    }
    const createError = isGone ? notServed : internalError;
    this.#errors.set(pathOf(type), createError);
    for (const breakWatch of this.#watches.get(pathOf(type)) ?? []) {
      breakWatch(createError());
    }
    await eventLoop.delayForFault(OUTAGE_MS);
    if (isGone) {
      await this.#installAgain(type);
    }
    this.#errors.delete(pathOf(type));
  }

  async #deleteObjects(type: ResourceType): Promise<void> {
    const { cluster, invariantChecker } = this.#options;
    invariantChecker.hasForeignFaults = true;
    const { items } = await cluster.api.list(type);
    for (const object of items) {
      // Garbage collection may have deleted it together with its owner.
      await cluster.api.delete(type, keyOf(object)).catch((error: unknown) => {
        if (!hasCode(error, 404)) {
          throw error;
        }
      });
    }
  }

  async #installAgain(type: ResourceType): Promise<void> {
    const { cluster, owners } = this.#options;
    for (const manifest of owners.ofKind(type.kind)) {
      await cluster.api.apply(type, manifest as KubeObject, {
        fieldManager: OWNER_MANAGER,
        force: true,
      });
    }
  }
}

function pathOf({ group, version, plural }: ResourceType): string {
  return `${group}/${version}/${plural}`;
}

function internalError(): Error {
  return new ApiError({
    code: 500,
    reason: 'InternalError',
    message: 'Internal error occurred: conversion webhook failed',
  });
}
