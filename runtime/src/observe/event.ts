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
      /** `edited` and `restored` are fields of an object that stays somebody else's. */
      readonly action: 'created' | 'updated' | 'pruned' | 'edited' | 'restored';
      readonly kind: string;
      readonly object: EventKey;
    }
  /** The resource changes phases faster than it should. */
  | { readonly type: 'looping'; readonly resource: EventKey; readonly phase: string }
  | { readonly type: 'syncFailed'; readonly resource: EventKey; readonly phase: string; readonly message: string };
