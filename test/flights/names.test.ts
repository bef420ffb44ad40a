import { expect } from 'chai';
import { fly } from '../../sandbox/src/index.ts';
import { drone, machine } from './machines.ts';

const ROLES = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  namespaced: true,
} as const;

describe('an output', () => {
  it('of RBAC may be named as RBAC names things, with colons', async () => {
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'drones:pilot' },
      rules: [],
    };
    const outputs = [{ name: 'roles', type: ROLES, namespace: 'own', prune: true } as const];
    const { scheduler } = machine({
      A: {
        outputs,
        sync: ({ resource }) => ({
          next: 'A',
          outputs: { roles: (resource.spec as { fly: boolean }).fly ? [role] : [] },
        }),
      },
    });
    const flight = await fly(scheduler);
    await flight.create(drone('one', { fly: true }));
    expect((await flight.list('Role')).map(({ metadata }) => metadata.name)).to.deep.equal([
      'drones:pilot',
    ]);
    await flight.patch('Drone', 'one', { spec: { fly: false } });
    expect(await flight.list('Role')).to.deep.equal([]);
    await flight.stop();
  });
});
