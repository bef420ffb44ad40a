/**
 * Counts the changes of each field in a run, so that a finding can name the field that changes
 * without end.
 */
import type { KubeObject } from 'autopilot-runtime';
import type { FieldChange } from './object-changes.ts';

interface RepeatedField {
  readonly object: string;
  readonly kind: string;
  readonly path: string;
  readonly times: number;
  readonly last: FieldChange;
}

/** Changes after which a field counts as one that changes without end. */
const MANY_CHANGES = 20;
/** Fields that a finding names. */
const MAX_NAMED_FIELDS = 3;

/** The changes of one run. */
export class ChangeLog {
  readonly #ignoredFields: readonly string[];
  readonly #fields = new Map<string, RepeatedField>();

  /** @param ignoredFields those of the scenario: `Canary.status.checks`. */
  constructor(ignoredFields: readonly string[]) {
    this.#ignoredFields = ignoredFields;
  }

  /** @returns true if only fields have changed that the scenario ignores. */
  isIgnored({ kind }: KubeObject, changes: readonly FieldChange[]): boolean {
    return (
      changes.length > 0 &&
      changes.every(({ path }) =>
        this.#ignoredFields.some(
          (ignored) => `${kind}.${path}` === ignored || `${kind}.${path}`.startsWith(`${ignored}.`),
        ),
      )
    );
  }

  /** Counts the changes of an object's fields. */
  record({ kind, metadata }: KubeObject, changes: readonly FieldChange[]): void {
    for (const change of changes) {
      const object = `${kind} ${metadata.name}`;
      const key = `${metadata.namespace ?? ''} ${object} ${change.path}`;
      const times = (this.#fields.get(key)?.times ?? 0) + 1;
      this.#fields.set(key, { object, kind, path: change.path, times, last: change });
    }
  }

  /** @returns the fields that change again and again, and what an author can do. */
  describeRepetition(): string {
    const repeated = [...this.#fields.values()]
      .filter(({ times }) => times >= MANY_CHANGES)
      .sort((a, b) => b.times - a.times)
      .slice(0, MAX_NAMED_FIELDS);
    const [first] = repeated;
    if (first === undefined) {
      return '';
    }
    const fields = repeated.map(
      ({ object, path, times, last }) =>
        `${object} ${path} (${times} times, at last ${last.before ?? 'absent'} → ${last.after ?? 'absent'})`,
    );
    const named = repeated.map(({ kind, path }) => `'${kind}.${path}'`).join(', ');
    return `. What changes again and again: ${fields.join('; ')}. If that is right, add ignoredFields: [${named}] to the scenario`;
  }
}
