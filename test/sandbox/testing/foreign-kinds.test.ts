import { expect } from 'chai';
import { startSandbox } from '../../../sandbox/src/index.ts';
import type { Sandbox, SandboxOptions } from '../../../sandbox/src/index.ts';
import { create, explore, quiesce, scenario } from '../../../sandbox/src/exploration/index.ts';
import { defineScheduler } from '../../../runtime/src/generated.ts';
import type { ResourceType } from '../../../runtime/src/index.ts';
import type { InputDefinition } from '../../../runtime/src/api/scheduler.ts';
import { permissiveCrd } from '../../../sandbox/src/testing/definitions.ts';

const SHOPS: ResourceType = {
  group: 'examples.io',
  version: 'v1',
  kind: 'Shop',
  plural: 'shops',
  namespaced: true,
};
const STREETS: ResourceType = {
  group: 'maps.example.com',
  version: 'v1',
  kind: 'Street',
  plural: 'streets',
  namespaced: true,
};

/** An operator whose only phase reads a kind that no cluster has by itself. */
function schedulerOf(
  input: Partial<InputDefinition>,
  configMapName: () => string,
): ReturnType<typeof defineScheduler> {
  const streets = { name: 'streets', type: STREETS, namespace: 'own', ...input } as const;
  const type = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps' } as const;
  return defineScheduler({
    operatorName: 'shop-operator',
    resource: SHOPS,
    queries: [],
    phases: [
      {
        name: 'Waiting',
        initial: true,
        inputs: [streets],
        outputs: [{ name: 'configmaps', type: { ...type, namespaced: true }, namespace: 'own' }],
        worker: ({ inputs }) => ({
          next: 'Done',
          outputs: {
            configmaps: [
              {
                apiVersion: 'v1',
                kind: 'ConfigMap',
                metadata: { name: configMapName() },
                data: { streets: String(inputs['streets']?.list().length) },
              },
            ],
          },
        }),
      },
      { name: 'Done', final: true, inputs: [], outputs: [] },
    ],
  });
}

const SHOP = { apiVersion: 'examples.io/v1', kind: 'Shop', metadata: { name: 'one' }, spec: {} };
const STREET = { apiVersion: 'maps.example.com/v1', kind: 'Street', metadata: { name: 'main' } };

describe('a kind of another project in the sandbox', () => {
  let sandbox: Sandbox;
  afterEach(() => sandbox.stop());

  async function phaseWith(
    input: Partial<InputDefinition>,
    options: SandboxOptions = {},
  ): Promise<unknown> {
    sandbox = await startSandbox(
      schedulerOf(input, () => 'map'),
      options,
    );
    await sandbox.create(SHOP);
    return (await sandbox.get('Shop', 'one'))?.status.phase;
  }

  it('is there when the project declares it, so that workers run', async () => {
    expect(await phaseWith({}, { objects: [] })).to.equal('Done');
    await sandbox.create(STREET);
  });

  it('has the definition that the project provides, which refuses wrong objects', async () => {
    const definition = permissiveCrd(STREETS) as {
      spec: { versions: { schema: { openAPIV3Schema: object } }[] };
    };
    const schema = {
      type: 'object',
      required: ['spec'],
      properties: { spec: { type: 'object', required: ['name'] } },
    };
    definition.spec.versions[0]!.schema.openAPIV3Schema = schema;
    expect(await phaseWith({}, { foreignCrds: [definition] })).to.equal('Done');
    const refused = await sandbox.create(STREET).catch((error: Error) => error.message);
    expect(refused).to.contain('spec: Required value');
  });

  it('may be among the objects of a test', async () => {
    const definition = permissiveCrd(STREETS) as Required<SandboxOptions>['objects'][number];
    expect(await phaseWith({}, { objects: [definition, STREET] })).to.equal('Done');
  });

  it('stays missing when the kind is optional', async () => {
    await phaseWith({ optional: true });
    const refused = await sandbox.create(STREET).catch((error: Error) => error.message);
    expect(refused).to.contain('the cluster does not serve Street');
  });
});

describe('exploration of an operator that reads a kind of another project', () => {
  it('runs the worker, and finds what is wrong with it', async () => {
    let calls = 0;
    const { findings } = await explore(
      { scheduler: schedulerOf({}, () => `map-${++calls}`) },
      scenario({ name: 'life', objects: [STREET], steps: [create(SHOP), quiesce()] }),
      { hasBudget: (runs) => runs < 40 },
    );
    expect(findings).to.not.deep.equal([]);
  });
});
