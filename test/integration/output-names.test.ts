import { expect } from 'chai';
import { startSandbox } from '../../sandbox/src/index.ts';
import { drone, defineTestOperator } from './test-operators.ts';

const ROLES = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  namespaced: true,
} as const;

describe('an output', () => {
  it('of RBAC may have a name with colons', async () => {
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'drones:pilot' },
      rules: [],
    };
    const outputs = [{ name: 'roles', type: ROLES, namespace: 'own', prune: true } as const];
    const { scheduler } = defineTestOperator({
      A: {
        outputs,
        sync: ({ resource }) => ({
          next: 'A',
          outputs: { roles: (resource.spec as { fly: boolean }).fly ? [role] : [] },
        }),
      },
    });
    const sandbox = await startSandbox(scheduler);
    await sandbox.create(drone('one', { fly: true }));
    expect((await sandbox.list('Role')).map(({ metadata }) => metadata.name)).to.deep.equal([
      'drones:pilot',
    ]);
    await sandbox.patch('Drone', 'one', { spec: { fly: false } });
    expect(await sandbox.list('Role')).to.deep.equal([]);
    await sandbox.stop();
  });
});
