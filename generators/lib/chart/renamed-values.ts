/**
 * Values of the chart that have moved. The chart refuses an old name with a sentence that says the
 * new one, values.schema.json lets it
 * through for that, and UPGRADING.md of the chart lists it. Entries stay for good.
 */
export interface RenamedValue {
  /** Of the generator's version in which it moved. */
  readonly since: string;
  /** Top-level name. */
  readonly from: string;
  /** Path from the top. */
  readonly to: string;
}

export const RENAMED_VALUES: readonly RenamedValue[] = [
  { since: '0.1.0', from: 'priorityClassName', to: 'pod.priorityClassName' },
];
