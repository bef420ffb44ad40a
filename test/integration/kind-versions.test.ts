import { expect } from 'chai';
import type { ResourceType } from '../../runtime/src/index.ts';
import type { Sandbox } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { drone, defineTestOperator } from './test-operators.ts';

const versionOf = (version: string): ResourceType => ({
  group: 'maps.autopilot.test',
  version,
  kind: 'Street',
  plural: 'streets',
  namespaced: true,
});

const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const STREETS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'streets.maps.autopilot.test' },
  spec: {
    group: 'maps.autopilot.test',
    names: { kind: 'Street', plural: 'streets' },
    scope: 'Namespaced',
    versions: ['v1', 'v2'].map((name) => ({
      name,
      served: true,
      storage: name === 'v2',
      schema: { openAPIV3Schema: anything },
    })),
  },
};

describe('two versions of one kind', () => {
  let sandbox: Sandbox;
  afterEach(() => sandbox.stop());

  // @promise inputs/one-cache-per-version
  it('have a cache each, so that a worker reads objects in the version that it declares', async () => {
    let seen: readonly (string | undefined)[] = [];
    const { scheduler } = defineTestOperator({
      A: {
        inputs: ['v1', 'v2'].map((version) => ({
          name: version,
          type: versionOf(version),
          namespace: 'own' as const,
        })),
        sync: ({ inputs }) => {
          seen = ['v1', 'v2'].map((version) => inputs[version]?.get('main')?.apiVersion);
          return { next: 'A' };
        },
      },
    });
    sandbox = await startSandbox(scheduler, { foreignCrds: [STREETS] });
    const street = { apiVersion: 'maps.autopilot.test/v2', kind: 'Street' };
    await sandbox.create({ ...street, metadata: { name: 'main' } });
    await sandbox.create(drone('one'));
    expect(seen).to.deep.equal(['maps.autopilot.test/v1', 'maps.autopilot.test/v2']);
  });
});
