import { expect } from 'chai';
import * as fc from 'fast-check';
import type { AnyContext, KubeObject } from '../../runtime/src/internal.ts';
import type { LabelSelector } from '../../runtime/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import type { Sandbox } from '../../sandbox/src/index.ts';
import type { TestOperator } from './test-operators.ts';
import { configMap, drone, input, defineTestOperator } from './test-operators.ts';

/**
 * Reads, changes and their times are random. A second read of everything gives the expected result.
 */
const NAMESPACES = ['default', 'far'] as const;
const NAMES = ['x', 'y', 'z'] as const;
const CONFIG_MAPS = input.configmaps.type;

type Read =
  | { readonly how: 'get' | 'need'; readonly name: string; readonly namespace: string | undefined }
  | {
      readonly how: 'list';
      readonly namespace: string | undefined;
      readonly selector: LabelSelector | undefined;
    };

type ChangeStep =
  | {
      readonly what: 'put';
      readonly namespace: string;
      readonly name: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly value: number;
    }
  | { readonly what: 'remove'; readonly namespace: string; readonly name: string };

const place = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  name: fc.constantFrom(...NAMES),
});
const labels = fc.dictionary(fc.constantFrom('app', 'tier'), fc.constantFrom('1', '2'), {
  maxKeys: 2,
  noNullPrototype: true,
});
const step: fc.Arbitrary<ChangeStep> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(place, labels, fc.nat(3))
      .map(([at, given, value]) => ({ what: 'put' as const, ...at, labels: given, value })),
  },
  { weight: 1, arbitrary: place.map((at) => ({ what: 'remove' as const, ...at })) },
);
const selector: fc.Arbitrary<LabelSelector> = fc.oneof(
  labels.map((matchLabels) => ({ matchLabels })),
  fc
    .record({
      key: fc.constantFrom('app', 'tier'),
      operator: fc.constantFrom(
        'In' as const,
        'NotIn' as const,
        'Exists' as const,
        'DoesNotExist' as const,
      ),
      values: fc.constant(['1']),
    })
    .map((one) => ({
      matchExpressions: [
        one.operator === 'In' || one.operator === 'NotIn'
          ? one
          : { key: one.key, operator: one.operator },
      ],
    })),
);
const namespace = fc.option(fc.constantFrom(...NAMESPACES), { nil: undefined });
const read: fc.Arbitrary<Read> = fc.oneof(
  fc.record({
    how: fc.constantFrom('get' as const, 'get' as const, 'need' as const),
    name: fc.constantFrom(...NAMES),
    namespace,
  }),
  fc.record({
    how: fc.constant('list' as const),
    namespace,
    selector: fc.option(selector, { nil: undefined }),
  }),
);
const reads = fc.array(read, { minLength: 1, maxLength: 3 });

/** The worker under test: half of the reads, a pause, the other half. What it saw is its status. */
function reader(plan: readonly Read[], pause: () => Promise<void>): TestOperator {
  return defineTestOperator({
    A: {
      inputs: [{ ...input.configmaps, namespace: 'all' }],
      sync: async (context) => {
        const half = Math.ceil(plan.length / 2);
        const first = plan.slice(0, half).map((one) => seen(context, one));
        await pause();
        const second = plan.slice(half).map((one) => seen(context, one));
        return { next: 'A', statusInfo: { seen: [...first, ...second] } };
      },
    },
  });
}

function seen({ inputs }: AnyContext, one: Read): string {
  const view = inputs['configmaps'];
  if (view === undefined) {
    throw new Error('no view');
  }
  const options = one.namespace === undefined ? {} : { namespace: one.namespace };
  if (one.how === 'list') {
    return view
      .list({ ...options, ...(one.selector && { selector: one.selector }) })
      .map(text)
      .join(' ');
  }
  return text(one.how === 'get' ? view.get(one.name, options) : view.require(one.name, options));
}

function text(object: KubeObject | undefined): string {
  return object === undefined
    ? '-'
    : `${object.metadata.namespace}/${object.metadata.name}@${object.metadata.resourceVersion}`;
}

/** The result of the same reads in the cluster itself. Undefined: a required object is missing. */
async function expected(
  sandbox: Sandbox,
  plan: readonly Read[],
): Promise<readonly string[] | undefined> {
  const all = (await sandbox.list('ConfigMap')).toSorted((a, b) => (text(a) < text(b) ? -1 : 1));
  const answers = plan.map((one) => {
    if (one.how !== 'list') {
      const found = all.find(
        ({ metadata }) =>
          metadata.name === one.name && metadata.namespace === (one.namespace ?? 'default'),
      );
      return one.how === 'need' && found === undefined ? undefined : text(found);
    }
    return all
      .filter(({ metadata }) => one.namespace === undefined || metadata.namespace === one.namespace)
      .filter(({ metadata }) => matches(one.selector ?? {}, metadata.labels ?? {}))
      .map(text)
      .join(' ');
  });
  return answers.some((answer) => answer === undefined) ? undefined : (answers as string[]);
}

function matches(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  given: Readonly<Record<string, string>>,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => given[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = given[key];
      if (operator === 'Exists') {
        return value !== undefined;
      }
      if (operator === 'DoesNotExist') {
        return value === undefined;
      }
      return (value !== undefined && values.includes(value)) === (operator === 'In');
    })
  );
}

/** Makes a change without waiting for its consequences. */
async function change(sandbox: Sandbox, one: ChangeStep): Promise<void> {
  const key = { namespace: one.namespace, name: one.name };
  const { api } = sandbox.cluster;
  if (one.what === 'remove') {
    return api.delete(CONFIG_MAPS, key).catch(() => undefined);
  }
  const object = configMap(
    one.name,
    { value: String(one.value) },
    { namespace: one.namespace, labels: one.labels },
  ) as unknown as KubeObject;
  const there = await api.get(CONFIG_MAPS, key).catch(() => undefined);
  await (there === undefined ? api.create(CONFIG_MAPS, object) : api.replace(CONFIG_MAPS, object));
}

async function startReaders(testOperator: TestOperator): Promise<Sandbox> {
  const sandbox = await startSandbox(testOperator.scheduler, {
    config: { workInterval: '10h', workerTimeout: '1h' },
  });
  await sandbox.create(configMap('makes-the-namespace', {}, { namespace: 'far' }));
  return sandbox;
}

describe('a resource', () => {
  // @promise inputs/exact-dependencies
  it('is enqueued by a change exactly when one of its reads would return something else', () =>
    fc.assert(
      fc.asyncProperty(
        reads,
        fc.array(step, { minLength: 1, maxLength: 12 }),
        async (plan, steps) => {
          const testOperator = reader(plan, async () => undefined);
          const sandbox = await startReaders(testOperator);
          await sandbox.create(drone('one'));
          // A missing object ends the reconcile; the later reads count as before.
          let before = await expected(sandbox, plan);
          for (const one of steps) {
            const calls = testOperator.calls.length;
            await change(sandbox, one);
            await sandbox.settle();
            const after = await expected(sandbox, plan);
            if (before !== undefined && after !== undefined) {
              const different = JSON.stringify(before) !== JSON.stringify(after);
              expect(
                testOperator.calls.length - calls,
                JSON.stringify({ one, before, after }),
              ).to.equal(different ? 1 : 0);
            }
            if (after !== undefined) {
              expect((await sandbox.get('Drone', 'one'))?.status.seen).to.deep.equal(after);
            }
            before = after;
          }
          await sandbox.stop();
        },
      ),
      { numRuns: 150 },
    ));

  // @promise inputs/one-version
  it('ends with the latest state, whatever changes while its worker runs; one reconcile sees one state', () =>
    fc.assert(
      fc.asyncProperty(
        reads,
        fc.array(fc.tuple(step, fc.nat(4_000)), { minLength: 1, maxLength: 12 }),
        async (plan, steps) => {
          let clock: Sandbox['clock'] | undefined;
          // The same reads twice: within one reconcile they have to agree.
          const twice = [...plan, ...plan];
          const testOperator = reader(
            twice,
            () => new Promise((resolve) => void clock?.after(3_000, resolve)),
          );
          const sandbox = await startReaders(testOperator);
          ({ clock } = sandbox);
          const torn: unknown[] = [];
          await sandbox.create(drone('one'));
          for (const [one, ms] of steps) {
            await change(sandbox, one);
            await sandbox.advance(`${ms}ms`);
            const found = (await sandbox.get('Drone', 'one'))?.status?.seen as
              | readonly string[]
              | undefined;
            if (
              found !== undefined &&
              JSON.stringify(found.slice(0, plan.length)) !==
                JSON.stringify(found.slice(plan.length))
            ) {
              torn.push(found);
            }
          }
          await sandbox.advance('1m');
          expect(torn).to.deep.equal([]);
          const end = await expected(sandbox, twice);
          if (end !== undefined) {
            expect((await sandbox.get('Drone', 'one'))?.status.seen).to.deep.equal(end);
          }
          // The first reconcile, and at most two for each change: for what was read before and for
          // what is read now both count. (`require` retries by itself.)
          if (plan.every(({ how }) => how !== 'need')) {
            expect(testOperator.calls.length).to.be.at.most(1 + 2 * steps.length);
          }
          await sandbox.stop();
        },
      ),
      { numRuns: 150 },
    ));
});
