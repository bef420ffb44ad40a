import { expect } from 'chai';
import fc from 'fast-check';
import type { KubeApi, KubeObject } from '../../runtime/src/internal.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { defineTestOperator, drone } from '../integration/test-operators.ts';
import { anySpec, fieldName } from './arbitraries.ts';
import { holds, TIMEOUT_MS } from './property.ts';

const KITES = {
  group: 'kites.autopilot.test',
  version: 'v1',
  kind: 'Kite',
  plural: 'kites',
  namespaced: true,
} as const;

/** What a server does with the objects that it is sent. */
interface ServerRules {
  /** Fields that the server gives a value where they are absent. */
  readonly defaults: Readonly<Record<string, string>>;
  /** Fields that the server drops. */
  readonly pruned: readonly string[];
  /** Whether the server writes amounts in its own way. */
  readonly amounts: boolean;
  /** Whether the server drops maps and lists without members. */
  readonly dropsEmpty: boolean;
}

const rules: fc.Arbitrary<ServerRules> = fc.record({
  defaults: fc.dictionary(fieldName, fc.constantFrom('x', 'y'), { maxKeys: 2 }),
  pruned: fc.array(fieldName, { maxLength: 2 }),
  amounts: fc.boolean(),
  dropsEmpty: fc.boolean(),
});

const AMOUNTS: Readonly<Record<string, string>> = {
  '1000m': '1',
  '0.5': '500m',
  '0.1': '100m',
  '1024Ki': '1Mi',
  '1.5Gi': '1536Mi',
};

/** The value as the server stores it. */
function normalized(value: unknown, server: ServerRules): unknown {
  if (typeof value === 'string') {
    return server.amounts ? (AMOUNTS[value] ?? value) : value;
  }
  if (Array.isArray(value)) {
    return value.map((item) => normalized(item, server));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const isEmpty = (inner: unknown): boolean =>
    typeof inner === 'object' && inner !== null && Object.keys(inner).length === 0;
  return Object.fromEntries(
    Object.entries({ ...server.defaults, ...value })
      .filter(([name]) => !server.pruned.includes(name))
      .map(([name, inner]): [string, unknown] => [name, normalized(inner, server)])
      .filter(([, inner]) => !(server.dropsEmpty && isEmpty(inner))),
  );
}

/** An API server that stores Kites in its own form, and counts the writes of them. */
function normalizingApi(api: KubeApi, server: ServerRules, onWrite: () => void): KubeApi {
  return {
    ...api,
    apply: async (type, object, options, signal) => {
      if (type.kind !== KITES.kind) {
        return api.apply(type, object, options, signal);
      }
      onWrite();
      const stored = { ...object, spec: normalized(object.spec, server) } as KubeObject;
      return api.apply(type, stored, options, signal);
    },
  };
}

describe('outputs on a server that stores them in its own form', function () {
  this.timeout(TIMEOUT_MS);

  it('are written twice at most and, after a restart, not again', async () => {
    await holds(
      fc.asyncProperty(anySpec, rules, async (spec, server) => {
        let writes = 0;
        const { scheduler } = defineTestOperator({
          Making: {
            ready: true,
            interval: '1m',
            outputs: [{ name: 'kites', type: KITES, namespace: 'own' }],
            sync: () => ({
              next: 'Making',
              outputs: {
                kites: [
                  {
                    apiVersion: 'kites.autopilot.test/v1',
                    kind: 'Kite',
                    metadata: { name: 'one' },
                    spec,
                  },
                ],
              },
            }),
          },
          Done: {},
        });
        const options = {
          wrapApi: (api: KubeApi) => normalizingApi(api, server, () => writes++),
          config: { workInterval: '1m' },
        };
        const sandbox = await startSandbox(scheduler, options);
        await sandbox.create(drone('one'));
        await sandbox.advance('30m');
        const first = writes;
        await sandbox.restart(scheduler, options);
        await sandbox.advance('30m');
        await sandbox.stop();
        // The second write notes the form in which the server stores the first one.
        expect(first).to.be.within(1, 2);
        expect(writes).to.equal(first);
      }),
      100,
    );
  });
});
