/** A value of the chart that has a new name. */
export interface RenamedValue {
  /** Version of the generator that renamed the value. */
  readonly since: string;
  /** Old name, at the top level of the values. */
  readonly from: string;
  /** New path, such as `pod.priorityClassName`. */
  readonly to: string;
}

/**
 * Renamed values of the chart. values.schema.json accepts the old name, so that the chart can fail
 * with an error that names the new one. UPGRADING.md of the chart lists them. Entries are never
 * removed, because a release may skip versions.
 */
export const RENAMED_VALUES: readonly RenamedValue[] = [
  { since: '0.1.0', from: 'priorityClassName', to: 'pod.priorityClassName' },
];
