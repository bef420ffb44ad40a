/** What happened to resources, as data. */

export interface EventKey {
  readonly namespace?: string;
  readonly name: string;
}

export type OperatorEvent =
  | { readonly type: 'transition'; readonly resource: EventKey; readonly from: string; readonly to: string }
  | {
      readonly type: 'output';
      readonly resource: EventKey;
      readonly action: 'created' | 'updated' | 'pruned';
      readonly kind: string;
      readonly object: EventKey;
    }
  | { readonly type: 'syncFailed'; readonly resource: EventKey; readonly phase: string; readonly message: string };
