/** Random sequences of operations, the same on two servers: what they answer must be the same. */
import fc from 'fast-check';
import type {
  JsonPatchOperation,
  KubeApi,
  KubeObject,
  ResourceType,
} from '../../runtime/src/internal.ts';
import { isApiError } from '../../runtime/src/internal.ts';
import { CONFIG_MAPS, VOYAGES } from './test-cluster.ts';

type Spec = Readonly<Record<string, unknown>>;
type Metadata = Readonly<Record<string, unknown>>;

export type Operation =
  | {
      readonly op: 'create' | 'replace';
      readonly name: string;
      readonly spec: Spec;
      readonly metadata: Metadata;
      readonly manager: string;
    }
  | {
      readonly op: 'apply';
      readonly name: string;
      readonly spec: Spec;
      readonly metadata: Metadata;
      readonly manager: string;
      readonly force: boolean;
    }
  | {
      readonly op: 'merge';
      readonly name: string;
      readonly spec: Spec;
      readonly metadata: Metadata;
      readonly manager: string;
    }
  | {
      readonly op: 'json';
      readonly name: string;
      readonly body: readonly JsonPatchOperation[];
      readonly manager: string;
    }
  | {
      readonly op: 'status';
      readonly name: string;
      readonly status: Spec;
      readonly apply: boolean;
      readonly manager: string;
    }
  | { readonly op: 'delete'; readonly name: string }
  | {
      readonly op: 'data';
      readonly name: string;
      readonly data: Readonly<Record<string, string>>;
      readonly apply: boolean;
      readonly manager: string;
    };

const name = fc.constantFrom('a', 'b');
const manager = fc.constantFrom('one', 'two', 'three');
const word = fc.constantFrom('x', 'y', 'z');
const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 2 });
const distinct = { maxLength: 3 };

const leg = fc.record({
  name: word,
  from: some(word),
  to: some(word),
  hours: some(fc.integer({ min: 1, max: 3 })),
});
const desk = fc.record({ name: word, open: some(fc.boolean()) });
const gate = fc.record({
  number: fc.integer({ min: 1, max: 2 }),
  hall: some(fc.constantFrom('A', 'B')),
  desks: some(fc.uniqueArray(desk, { ...distinct, selector: (one) => one.name })),
});
const pair = fc.record({ left: some(word), right: some(word) });

const spec: fc.Arbitrary<Spec> = fc
  .record({
    route: fc.constantFrom('FRA-MUC', 'FRA-MUC', 'FRA-MUC', 'TXL-HAM', 'wrong'),
    altitude: some(fc.constantFrom(1, 2, 501)),
    mode: some(fc.constantFrom('visual', 'instrument')),
    seats: some(fc.integer({ min: 0, max: 2 })),
    company: some(fc.dictionary(word, word, { maxKeys: 2 })),
    tags: some(fc.uniqueArray(word, distinct)),
    stops: some(fc.array(word, { maxLength: 3 })),
    legs: some(fc.uniqueArray(leg, { ...distinct, selector: (one) => one.name })),
    gates: some(
      fc.uniqueArray(gate, { ...distinct, selector: (one) => `${one.number}${one.hall ?? 'A'}` }),
    ),
    badge: some(fc.record({ one: some(word), two: some(word) })),
    plan: some(fc.record({ left: some(word), deep: some(pair) })),
    extra: some(
      fc.dictionary(
        word,
        fc.oneof(word, fc.array(word, { maxLength: 2 }), fc.dictionary(word, word, { maxKeys: 2 })),
        { maxKeys: 2 },
      ),
    ),
  })
  .map(plain);

const metadata: fc.Arbitrary<Metadata> = fc
  .record({
    labels: some(fc.dictionary(word, word, { maxKeys: 2 })),
    annotations: some(fc.dictionary(word, word, { maxKeys: 2 })),
    finalizers: fc.option(
      fc.uniqueArray(fc.constantFrom('autopilot.test/x', 'autopilot.test/y'), { maxLength: 2 }),
      { nil: undefined, freq: 1 },
    ),
  })
  .map(plain);

/** A merge patch may take fields away. */
const change: fc.Arbitrary<Spec> = fc
  .tuple(
    spec,
    fc.subarray(
      [
        'altitude',
        'mode',
        'seats',
        'company',
        'tags',
        'stops',
        'legs',
        'gates',
        'badge',
        'plan',
        'extra',
      ],
      { maxLength: 2 },
    ),
  )
  .map(([given, gone]) => ({
    ...given,
    ...Object.fromEntries(gone.map((field) => [field, null])),
  }));

const step: fc.Arbitrary<JsonPatchOperation> = fc.oneof(
  fc.record({
    op: fc.constantFrom('add' as const, 'replace' as const),
    path: fc.constantFrom('/spec/seats', '/spec/altitude'),
    value: fc.integer({ min: 0, max: 2 }),
  }),
  fc.record({
    op: fc.constant('add' as const),
    path: fc.constantFrom(
      '/spec/stops/-',
      '/spec/stops/0',
      '/spec/company/x',
      '/metadata/labels/x',
    ),
    value: word,
  }),
  fc.record({
    op: fc.constant('remove' as const),
    path: fc.constantFrom(
      '/spec/seats',
      '/spec/legs/0',
      '/spec/tags',
      '/metadata/labels',
      '/spec/stops/1',
    ),
  }),
  fc.record({
    op: fc.constant('test' as const),
    path: fc.constantFrom('/spec/seats', '/spec/mode'),
    value: fc.constantFrom(1, 'visual'),
  }),
);

const status: fc.Arbitrary<Spec> = fc
  .record({
    phase: some(word),
    seen: some(fc.integer({ min: 0, max: 2 })),
    conditions: some(
      fc.uniqueArray(fc.record({ type: word, status: word, reason: some(word) }), {
        ...distinct,
        selector: (one) => one.type,
      }),
    ),
  })
  .map(plain);

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom('create' as const, 'replace' as const),
      name,
      spec,
      metadata,
      manager,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('apply' as const),
      name,
      spec,
      metadata,
      manager,
      force: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('merge' as const),
      name,
      spec: change,
      metadata,
      manager,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('json' as const),
      name,
      body: fc.array(step, { minLength: 1, maxLength: 3 }),
      manager,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('status' as const),
      name,
      status,
      apply: fc.boolean(),
      manager,
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('delete' as const), name }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('data' as const),
      name,
      data: fc.dictionary(word, word, { maxKeys: 2 }),
      apply: fc.boolean(),
      manager,
    }),
  },
);

/** The value without undefined members. */
function plain(value: unknown): Spec {
  return JSON.parse(JSON.stringify(value)) as Spec;
}

/** Runs the step on a server, in a namespace. The result leaves out what differs per server. */
export async function perform(api: KubeApi, namespace: string, one: Operation): Promise<unknown> {
  const key = { namespace, name: one.name };
  const object = (type: ResourceType, rest: object, more: object = {}): KubeObject =>
    ({
      apiVersion: type === VOYAGES ? 'conformance.autopilot.test/v1' : 'v1',
      kind: type.kind,
      metadata: { ...key, ...more },
      ...rest,
    }) as KubeObject;
  try {
    switch (one.op) {
      case 'create':
        return seen(
          await api.create(VOYAGES, object(VOYAGES, { spec: one.spec }, one.metadata), {
            fieldManager: one.manager,
          }),
        );
      case 'replace': {
        const { resourceVersion } = (await api.get(VOYAGES, key)).metadata;
        return seen(
          await api.replace(
            VOYAGES,
            object(VOYAGES, { spec: one.spec }, { ...one.metadata, resourceVersion }),
            { fieldManager: one.manager },
          ),
        );
      }
      case 'apply':
        return seen(
          await api.apply(VOYAGES, object(VOYAGES, { spec: one.spec }, one.metadata), {
            fieldManager: one.manager,
            force: one.force,
          }),
        );
      case 'merge':
        return seen(
          await api.patch(
            VOYAGES,
            key,
            { type: 'merge', body: { spec: one.spec, metadata: one.metadata } },
            { fieldManager: one.manager },
          ),
        );
      case 'json':
        return seen(
          await api.patch(
            VOYAGES,
            key,
            { type: 'json', body: one.body },
            { fieldManager: one.manager },
          ),
        );
      case 'status': {
        const options = { fieldManager: one.manager, subresource: 'status' } as const;
        if (one.apply) {
          return seen(await api.apply(VOYAGES, object(VOYAGES, { status: one.status }), options));
        }
        return seen(
          await api.patch(VOYAGES, key, { type: 'merge', body: { status: one.status } }, options),
        );
      }
      case 'delete':
        await api.delete(VOYAGES, key);
        return 'deleted';
      case 'data':
        if (one.apply) {
          return seen(
            await api.apply(CONFIG_MAPS, object(CONFIG_MAPS, { data: one.data }), {
              fieldManager: one.manager,
              force: true,
            }),
          );
        }
        return seen(
          await api.create(CONFIG_MAPS, object(CONFIG_MAPS, { data: one.data }), {
            fieldManager: one.manager,
          }),
        );
      default:
        return one satisfies never;
    }
  } catch (error) {
    if (!isApiError(error)) {
      throw error;
    }
    const { code, reason, message } = error.status;
    // What a patch makes unreadable is shown whole, with times and managers in it. Problems come in
    // any order.
    return {
      code,
      reason,
      ...(message.includes('patch: Invalid value')
        ? {}
        : { message: message.split(/, |[[\]]/).sort() }),
    };
  }
}

function seen(object: KubeObject): unknown {
  const {
    uid: _,
    resourceVersion: __,
    creationTimestamp: ___,
    deletionTimestamp,
    managedFields = [],
    namespace: ____,
    ...rest
  } = object.metadata;
  const managers = (
    managedFields as readonly {
      time?: string;
      manager: string;
      operation: string;
      subresource?: string;
    }[]
  )
    .map(({ time: _time, ...entry }) => entry)
    .sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  return { ...object, metadata: { ...rest, deleting: deletionTimestamp !== undefined, managers } };
}

function rank({
  manager: who,
  operation: how,
  subresource = '',
}: {
  manager: string;
  operation: string;
  subresource?: string;
}): string {
  return `${who} ${how} ${subresource}`;
}
