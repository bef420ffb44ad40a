/**
 * Acts of people and of their tools: on the resource, on its outputs and on the objects in which it
 * claims fields. Each act ends within minutes, so that the run must end as the baseline run does.
 */
import type { KubeObject, Scheduler } from 'autopilot-runtime';
import type { JsonPatchOperation } from 'autopilot-runtime/internal';
import {
  approveAnnotation,
  hasCode,
  keyOf,
  ownerLabel,
  pausedAnnotation,
} from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { EventLoop } from './event-loop.ts';
import type { Fault, FaultKind } from './fault.ts';
import { FAULTS } from './fault.ts';
import type { SiteType } from './fault-sites.ts';
import type { InvariantChecker } from './invariants.ts';
import { claimsIn } from './claim-traces.ts';
import type { OwnersEdit } from './object-edits.ts';
import { chooseEdit, editClaimedField, renameClaimedElement } from './object-edits.ts';
import { reportApplyConflict } from './foreign-objects.ts';
import type { OwnersManifests } from './owners.ts';
import { OWNER_MANAGER } from './owners.ts';
import type { RunTrace } from './run-trace.ts';
import { objectName } from './run-trace.ts';

/** Field manager of people who change objects by hand. */
const PERSON = 'kubectl-edit';
/** Time after which a temporary act is undone. */
const UNDO_MS = 120_000;
/** Time for which another controller undoes what the operator does. */
const CONTEST_MS = 180_000;
/** Time that the other controller needs. */
const CONTEST_DELAY_MS = 1_000;
/** Time until an owner creates an object again. */
const RECREATE_MS = 10_000;

/** An object on which a person may act. */
export interface ActSite {
  /** Type of the fault site. */
  readonly type: SiteType;
  /** The object as it is; for `former` the copy from the time of the claim. */
  readonly object: KubeObject;
}

/** What {@link People} uses. */
export interface PeopleOptions {
  /** The cluster. */
  readonly cluster: Cluster;
  /** The operator's scheduler. */
  readonly scheduler: Scheduler;
  /** What the owners of objects want. */
  readonly owners: OwnersManifests;
  /** Moves virtual time. */
  readonly eventLoop: EventLoop;
  /** Records what happens. */
  readonly trace: RunTrace;
  /** Knows the writes of the operator. */
  readonly invariantChecker: InvariantChecker;
}

/** An object that the operator has changed. */
interface TouchedObject {
  /** The newest state in which it was an output or had claims. */
  readonly copy: KubeObject;
  /** uids of the resources that it belongs to. */
  readonly uids: readonly string[];
  /** True while it is an output or has claims. */
  readonly isCurrent: boolean;
}

/** People who act on what the operator has a hand in. */
export class People {
  /** True after a person has deleted a resource. */
  hasDeletedResource = false;
  readonly #options: PeopleOptions;
  /** Objects that the operator has changed, by kind and key. */
  readonly #touched = new Map<string, TouchedObject>();
  /** Fields of the newest apply of each output, by kind and key. */
  readonly #applied = new Map<string, KubeObject>();
  /** Called with each change that the operator makes to an object, by kind and key. */
  readonly #contests = new Map<string, (object: KubeObject) => void>();

  constructor(options: PeopleOptions) {
    this.#options = options;
  }

  /** Records an output that the operator applies, so that people edit fields that it has set. */
  recordApply(object: KubeObject): void {
    this.#applied.set(objectName(object), object);
  }

  /** Records a change in the cluster. */
  observe(before: KubeObject | undefined, after: KubeObject | undefined): void {
    const object = after ?? before;
    if (object === undefined) {
      return;
    }
    const name = objectName(object);
    const uids = this.#uidsOf(after);
    const known = this.#touched.get(name);
    if (after !== undefined && uids.length > 0) {
      this.#touched.set(name, { copy: after, uids, isCurrent: true });
    } else if (known !== undefined) {
      this.#touched.set(name, { ...known, isCurrent: false });
    }
    if (after !== undefined && this.#options.invariantChecker.isOperatorWriting) {
      this.#contests.get(name)?.(after);
    }
  }

  /** The objects on which people may act now, in a fixed order. */
  sites(): readonly ActSite[] {
    const { cluster, scheduler } = this.#options;
    const resources = cluster
      .objects()
      .filter(
        ({ kind, metadata }) =>
          kind === scheduler.resource.kind && metadata.deletionTimestamp === undefined,
      );
    const uids = new Set(resources.map(({ metadata }) => metadata.uid ?? ''));
    const touched = [...this.#touched.values()].filter((one) =>
      one.uids.some((uid) => uids.has(uid)),
    );
    return [
      ...resources.map((object): ActSite => ({ type: 'resource', object })),
      ...resources
        .filter(isAwaitingApproval)
        .map((object): ActSite => ({ type: 'approval', object })),
      ...touched.map(({ copy, isCurrent }): ActSite => {
        const current = this.#isOutput(copy) ? 'output' : 'claim';
        return { type: isCurrent ? current : 'former', object: copy };
      }),
    ];
  }

  /** Begins an act. It never rejects: what the API server refuses has no effect. */
  act({ kind, nth }: Fault, { object }: ActSite): void {
    const { trace } = this.#options;
    trace.add('person', `acts on ${objectName(object)}`, FAULTS[kind].description);
    void this.#run(kind, object, nth).catch((error: unknown) => {
      trace.add('person', `is refused: ${(error as Error).message}`);
    });
  }

  async #run(kind: FaultKind, object: KubeObject, nth: number): Promise<void> {
    switch (kind) {
      case 'resource-deleted':
        this.hasDeletedResource = true;
        return this.#delete(object);
      case 'output-deleted':
        return this.#delete(object);
      case 'resource-replaced':
      case 'claim-replaced':
        return this.#replaceByManifest(object);
      case 'resource-paused':
        return this.#annotateForAWhile(object, pausedAnnotation(this.#group), 'true');
      case 'wrong-approval':
        return this.#approveWrongly(object);
      case 'output-edited':
        return void (await this.#editOutput(object, nth));
      case 'output-contested':
        return this.#contestOutput(object, nth);
      case 'claim-edited':
        return this.#editForAWhile(object, (manifest) =>
          editClaimedField(object, manifest, this.#group, nth),
        );
      case 'claim-renamed':
        return this.#editForAWhile(object, () => renameClaimedElement(object, this.#group, nth));
      case 'claim-recreated':
        return this.#recreate(object);
      case 'claim-contested':
        return this.#contestClaim(object);
      case 'owner-applies':
        return this.#applyManifest(object);
      case 'old-copy':
        return this.#applyOldCopy(object);
      default:
    }
  }

  get #group(): string {
    return this.#options.scheduler.resource.group;
  }

  /** Makes a change. Its effects on the scenario's invariants are not the operator's fault. */
  async #write<T>(write: () => Promise<T>): Promise<T> {
    this.#options.invariantChecker.hasForeignFaults = true;
    return write();
  }

  async #delete(object: KubeObject): Promise<void> {
    const { cluster } = this.#options;
    await this.#write(() => cluster.api.delete(cluster.typeOf(object), keyOf(object)));
  }

  async #current(object: KubeObject): Promise<KubeObject | undefined> {
    const { cluster } = this.#options;
    return cluster.api.get(cluster.typeOf(object), keyOf(object)).catch((error: unknown) => {
      if (hasCode(error, 404)) {
        return undefined;
      }
      throw error;
    });
  }

  async #mergePatch(object: KubeObject, body: object): Promise<void> {
    const { cluster } = this.#options;
    await this.#write(() =>
      cluster.api.patch(
        cluster.typeOf(object),
        keyOf(object),
        { type: 'merge', body },
        { fieldManager: PERSON },
      ),
    );
  }

  /** `kubectl replace`: the manifest in place of the object. Nothing of the operator is in it. */
  async #replaceByManifest(object: KubeObject): Promise<void> {
    const { cluster, owners } = this.#options;
    const manifest = owners.get(object.kind, keyOf(object));
    const current = await this.#current(object);
    if (manifest === undefined || current === undefined) {
      return;
    }
    const { resourceVersion = '' } = current.metadata;
    await this.#write(() =>
      cluster.api.replace(
        cluster.typeOf(object),
        { ...manifest, metadata: { ...manifest.metadata, resourceVersion } },
        { fieldManager: 'kubectl-replace' },
      ),
    );
  }

  async #annotateForAWhile(object: KubeObject, name: string, value: string): Promise<void> {
    await this.#mergePatch(object, { metadata: { annotations: { [name]: value } } });
    await this.#options.eventLoop.delayForFault(UNDO_MS);
    const current = await this.#current(object);
    if (current?.metadata.annotations?.[name] === value) {
      await this.#mergePatch(object, { metadata: { annotations: { [name]: null } } });
    }
  }

  async #approveWrongly(object: KubeObject): Promise<void> {
    const { autopilot } = (object.status ?? {}) as {
      readonly autopilot?: { readonly pendingApproval?: { readonly phase: string } };
    };
    const phase = autopilot?.pendingApproval?.phase ?? '';
    await this.#annotateForAWhile(object, approveAnnotation(this.#group), `${phase}@00000000`);
  }

  async #editOutput(object: KubeObject, nth: number): Promise<JsonPatchOperation | undefined> {
    const applied = this.#applied.get(objectName(object)) ?? object;
    for (let attempt = 0; attempt < 4; attempt++) {
      const edit = chooseEdit(applied, object, nth + attempt);
      if (edit !== undefined && (await this.#tryEdit(object, edit))) {
        return edit;
      }
    }
    return undefined;
  }

  /** @returns false when the API server refuses the value. */
  async #tryEdit(object: KubeObject, operation: JsonPatchOperation): Promise<boolean> {
    const { cluster, trace } = this.#options;
    try {
      await this.#write(() =>
        cluster.api.patch(
          cluster.typeOf(object),
          keyOf(object),
          { type: 'json', body: [operation] },
          { fieldManager: PERSON },
        ),
      );
      trace.add('person', `changes ${objectName(object)}: ${JSON.stringify(operation)}`);
      return true;
    } catch (error) {
      if (hasCode(error, 422, 400, 404)) {
        return false;
      }
      throw error;
    }
  }

  async #contestOutput(object: KubeObject, nth: number): Promise<void> {
    const edit = await this.#editOutput(object, nth);
    if (edit !== undefined) {
      await this.#contest(object, async () => void (await this.#tryEdit(object, edit)));
    }
  }

  async #contestClaim(object: KubeObject): Promise<void> {
    await this.#applyManifest(object, true);
    await this.#contest(object, () => this.#applyManifest(object, true));
  }

  /** Calls `undo` for a while, 1 s after each change of an object by the operator. */
  async #contest(object: KubeObject, undo: () => Promise<void>): Promise<void> {
    const { eventLoop } = this.#options;
    const name = objectName(object);
    let isUndoing = false;
    this.#contests.set(name, () => {
      if (!isUndoing) {
        isUndoing = true;
        void eventLoop.delayForFault(CONTEST_DELAY_MS).then(() => {
          isUndoing = false;
          return this.#contests.has(name) ? undo().catch(() => undefined) : undefined;
        });
      }
    });
    await eventLoop.delayForFault(CONTEST_MS);
    this.#contests.delete(name);
  }

  /** The owner edits an object and puts it back later. Meanwhile the edit is what they want. */
  async #editForAWhile(
    object: KubeObject,
    choose: (manifest: KubeObject) => OwnersEdit | undefined,
  ): Promise<void> {
    const { owners, eventLoop } = this.#options;
    const { kind } = object;
    const key = keyOf(object);
    const manifest = owners.get(kind, key);
    const edit = manifest && choose(manifest);
    const operation = edit?.edit(object);
    if (manifest === undefined || edit === undefined || operation === undefined) {
      return;
    }
    owners.set(kind, key, edit.editManifest(manifest));
    await this.#tryEdit(object, operation);
    await eventLoop.delayForFault(UNDO_MS);
    const current = await this.#current(object);
    const newest = owners.get(kind, key);
    if (newest !== undefined) {
      owners.set(kind, key, edit.putBackManifest(newest));
    }
    const putBack = current && edit.putBack(current);
    if (putBack !== undefined) {
      await this.#tryEdit(object, putBack);
    }
  }

  async #recreate(object: KubeObject): Promise<void> {
    await this.#delete(object);
    await this.#options.eventLoop.delayForFault(RECREATE_MS);
    await this.#applyManifest(object);
  }

  /** Server-side apply of the manifest by the owner. The operator must not be in the way. */
  async #applyManifest(object: KubeObject, force = false): Promise<void> {
    const { cluster, owners, invariantChecker, scheduler } = this.#options;
    const manifest = owners.get(object.kind, keyOf(object));
    if (manifest === undefined) {
      return;
    }
    const options = { fieldManager: OWNER_MANAGER, force };
    try {
      await this.#write(() => cluster.api.apply(cluster.typeOf(object), manifest, options));
    } catch (error) {
      if (!hasCode(error, 409) || force) {
        throw error;
      }
      const current = (await this.#current(object)) ?? object;
      reportApplyConflict(invariantChecker, scheduler, current, error as Error);
      await this.#applyManifest(object, true);
    }
  }

  /** Applies a copy of the object from the time when it was an output or had claims. */
  async #applyOldCopy(copy: KubeObject): Promise<void> {
    const { cluster } = this.#options;
    const type = cluster.typeOf(copy);
    const { uid: _, resourceVersion: __, generation: ___, ...metadata } = copy.metadata;
    const { status: ____, ...rest } = copy;
    const current = await this.#current(copy);
    if (current === undefined) {
      await this.#write(() => cluster.api.create(type, { ...rest, metadata }));
      return;
    }
    const { resourceVersion = '' } = current.metadata;
    await this.#write(() =>
      cluster.api.replace(
        type,
        { ...rest, metadata: { ...metadata, resourceVersion } },
        { fieldManager: 'kubectl-replace' },
      ),
    );
  }

  #isOutput({ metadata }: KubeObject): boolean {
    return metadata.labels?.[ownerLabel(this.#group)] !== undefined;
  }

  #uidsOf(object: KubeObject | undefined): readonly string[] {
    if (object === undefined) {
      return [];
    }
    const owner = object.metadata.labels?.[ownerLabel(this.#group)];
    return owner === undefined ? claimsIn(object, this.#group).map(({ uid }) => uid) : [owner];
  }
}

function isAwaitingApproval({ status }: KubeObject): boolean {
  const { conditions = [] } = (status ?? {}) as {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  return conditions.some((one) => one.type === 'AwaitingApproval' && one.status === 'True');
}
