/**
 * The invariants of other people's objects, in which resources claim fields: their owner can apply
 * at any time, and nothing of the operator is left without a claim.
 */
import type { KubeObject, Scheduler } from 'autopilot-runtime';
import {
  hasCode,
  keyOf,
  keyString,
  locateField,
  statusFieldManager,
} from 'autopilot-runtime/internal';
import type { Cluster } from '../cluster/cluster.ts';
import type { InvariantChecker } from './invariants.ts';
import { claimsIn, managedFieldsOf } from './claim-traces.ts';
import type { RecordedClaim } from './claim-traces.ts';
import type { OwnersManifests } from './owners.ts';
import { OWNER_MANAGER } from './owners.ts';
import { objectName } from './run-trace.ts';

const OWNER_CAN_APPLY = 'the owner of an object can apply at any time';
const GIVES_BACK = 'a claim gives back what the owner wants';
const NOTHING_IS_LEFT = "nothing of the operator is left in other people's objects";

/** What {@link ForeignObjects} reads. */
export interface ForeignObjectsOptions {
  /** The cluster. */
  readonly cluster: Cluster;
  /** The operator's scheduler. */
  readonly scheduler: Scheduler;
  /** What the owners of objects want. */
  readonly owners: OwnersManifests;
  /** Receives violations. */
  readonly invariantChecker: InvariantChecker;
}

/** A field that a resource has claimed. */
interface FormerClaim {
  readonly path: RecordedClaim['path'];
  /** The value before the first claim. */
  readonly original: unknown;
}

/** Checks the objects in which resources have claimed fields. */
export class ForeignObjects {
  readonly #options: ForeignObjectsOptions;
  /** Claims that each object has had, by kind and key, and then by path. */
  readonly #claims = new Map<string, Map<string, FormerClaim>>();

  constructor(options: ForeignObjectsOptions) {
    this.#options = options;
  }

  /** Records the claims of an object, and checks those that the operator gives back. */
  observe(before: KubeObject | undefined, after: KubeObject | undefined): void {
    if (after === undefined) {
      return;
    }
    if (before !== undefined && this.#options.invariantChecker.isOperatorWriting) {
      this.#checkGivenBack(before, after);
    }
    const claims = claimsIn(after, this.#group);
    if (claims.length === 0) {
      return;
    }
    const known = this.#claims.get(nameOf(after)) ?? new Map<string, FormerClaim>();
    this.#claims.set(nameOf(after), known);
    for (const { path } of claims) {
      const id = JSON.stringify(path);
      if (!known.has(id)) {
        known.set(id, { path, original: valueOf(before, path) });
      }
    }
  }

  /** A claim that is released leaves what the owner wants by now, not an older value. */
  #checkGivenBack(before: KubeObject, after: KubeObject): void {
    const kept = new Set(claimsIn(after, this.#group).map(({ path }) => JSON.stringify(path)));
    const formerClaims = this.#claims.get(nameOf(after));
    for (const { path } of claimsIn(before, this.#group)) {
      const former = formerClaims?.get(JSON.stringify(path));
      if (former !== undefined && !kept.has(JSON.stringify(path))) {
        this.#checkValue(GIVES_BACK, after, former);
      }
    }
  }

  #checkValue(invariant: string, object: KubeObject, { path, original }: FormerClaim): void {
    const manifest = this.#options.owners.get(object.kind, keyOf(object));
    const found = valueOf(object, path);
    const wanted = manifest === undefined ? original : valueOf(manifest, path);
    if (!contains(found, wanted) && !(wanted === undefined && isEqual(found, original))) {
      this.#options.invariantChecker.report(
        invariant,
        `${objectName(object)} has ${JSON.stringify(found)} at ${JSON.stringify(path)}; its owner wants ${JSON.stringify(wanted)}`,
      );
    }
  }

  /** Checks all objects that have had claims. Called at quiescence. */
  async check(): Promise<void> {
    const { cluster } = this.#options;
    const objects = cluster.objects();
    const uids = new Set(objects.map(({ metadata }) => metadata.uid));
    for (const object of objects) {
      const claims = this.#claims.get(nameOf(object));
      if (claims !== undefined) {
        await this.#checkOwnersApply(object);
        await this.#checkLeftovers(object, claims, uids);
      }
    }
  }

  get #group(): string {
    return this.#options.scheduler.resource.group;
  }

  async #checkOwnersApply(object: KubeObject): Promise<void> {
    const { cluster, owners, invariantChecker, scheduler } = this.#options;
    const manifest = owners.get(object.kind, keyOf(object));
    if (manifest === undefined) {
      return;
    }
    const options = { fieldManager: OWNER_MANAGER, dryRun: true };
    try {
      await cluster.api.apply(cluster.typeOf(object), manifest, options);
    } catch (error) {
      if (!hasCode(error, 409)) {
        throw error;
      }
      reportApplyConflict(invariantChecker, scheduler, object, error as Error);
    }
  }

  async #checkLeftovers(
    object: KubeObject,
    formerClaims: ReadonlyMap<string, FormerClaim>,
    uids: ReadonlySet<string | undefined>,
  ): Promise<void> {
    const { cluster, invariantChecker, scheduler } = this.#options;
    const name = objectName(object);
    const claims = claimsIn(object, this.#group);
    const orphan = claims.find(({ uid }) => !uids.has(uid));
    if (orphan !== undefined) {
      invariantChecker.report(NOTHING_IS_LEFT, `${name} has a claim of a deleted resource`);
    }
    if (claims.length > 0) {
      return;
    }
    const live = await cluster.api.get(cluster.typeOf(object), keyOf(object));
    const entry = managedFieldsOf(live).find(({ manager }) => isOperator(manager, scheduler));
    if (entry !== undefined) {
      invariantChecker.report(
        NOTHING_IS_LEFT,
        `${name} has no claim, and ${entry.manager} is among its field managers`,
      );
    }
    for (const former of formerClaims.values()) {
      this.#checkValue(NOTHING_IS_LEFT, object, former);
    }
  }
}

/**
 * Reports a refused apply of an owner if the operator owns one of the fields. Between the two
 * requests of a change the operator owns them rightly; an operator that died there gives them back
 * when it is started again.
 *
 * @param object the object as it is now
 */
export function reportApplyConflict(
  invariantChecker: InvariantChecker,
  scheduler: Scheduler,
  object: KubeObject,
  { message }: Error,
): void {
  const isChanging = claimsIn(object, scheduler.resource.group).some(
    ({ unfinished }) => unfinished !== undefined,
  );
  if (!isChanging && message.includes(`"${statusFieldManager(scheduler.operatorName)}"`)) {
    invariantChecker.report(OWNER_CAN_APPLY, `apply of ${objectName(object)}: ${message}`);
  }
}

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${keyString(metadata)}`;
}

function isOperator(manager: string, { operatorName }: Scheduler): boolean {
  return manager === statusFieldManager(operatorName) || manager.startsWith(`${operatorName}-`);
}

function valueOf(object: unknown, path: RecordedClaim['path']): unknown {
  const found = locateField(object, path);
  return found.type === 'found' ? found.value : undefined;
}

function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** @returns true if a value has all fields of another one. The server may add defaults. */
function contains(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(value) &&
      value.length === wanted.length &&
      wanted.every((item, index) => contains(value[index], item))
    );
  }
  if (typeof wanted === 'object' && wanted !== null) {
    return (
      typeof value === 'object' &&
      value !== null &&
      Object.entries(wanted).every(([name, inner]) =>
        contains((value as Readonly<Record<string, unknown>>)[name], inner),
      )
    );
  }
  return value === wanted;
}
