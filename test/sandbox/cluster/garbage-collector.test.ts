import { expect } from 'chai';
import type { KubeObject, ResourceType } from '../../../runtime/src/internal.ts';
import { hasCode } from '../../../runtime/src/internal.ts';
import { Cluster, VirtualClock } from '../../../sandbox/src/index.ts';
import { settle } from '../../../sandbox/src/testing/settle.ts';

describe('the sandbox collects', () => {
  let clock: VirtualClock;
  let cluster: Cluster;
  let type: ResourceType;
  beforeEach(() => {
    clock = new VirtualClock();
    cluster = new Cluster({ clock });
    type = cluster.typeNamed('ConfigMap');
  });

  async function create(
    name: string,
    owners: readonly KubeObject[] = [],
    namespace = 'default',
  ): Promise<KubeObject> {
    const ownerReferences = owners.map(({ metadata }) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: metadata.name,
      uid: metadata.uid ?? '',
      blockOwnerDeletion: true,
    }));
    return cluster.api.create(type, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace, ...(owners.length > 0 && { ownerReferences }) },
    });
  }
  async function remove(
    name: string,
    propagationPolicy: 'Background' | 'Foreground' | 'Orphan' = 'Background',
  ): Promise<void> {
    await cluster.api.delete(type, { namespace: 'default', name }, { propagationPolicy });
  }
  const settleCluster = (): Promise<void> => settle(cluster, clock, undefined);
  const names = async (): Promise<readonly string[]> =>
    (await cluster.api.list(type)).items.map(({ metadata }) => metadata.name);

  // @promise sandbox/cluster-parts
  it('what an object owned, down to the last one', async () => {
    await create('c', [await create('b', [await create('a')])]);
    await remove('a');
    expect(await names()).to.deep.equal(['b', 'c']);
    await settleCluster();
    expect(await names()).to.deep.equal([]);
  });

  it('not what another owner still holds; the reference to the one that is gone is removed', async () => {
    const [a, b] = [await create('a'), await create('b')];
    await create('c', [a, b]);
    await remove('a');
    await settleCluster();
    const { items } = await cluster.api.list(type);
    expect(
      items.map(({ metadata }) => [
        metadata.name,
        metadata.ownerReferences?.map(({ name }) => name),
      ]),
    ).to.deep.equal([
      ['b', undefined],
      ['c', ['b']],
    ]);
  });

  it('an object whose owner never was', async () => {
    const ghost = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'ghost', uid: '00000000-0000-4000-8000-0000000000ff' },
    };
    await create('a', [ghost]);
    await settleCluster();
    expect(await names()).to.deep.equal([]);
  });

  it('an object whose owner lies in another namespace', async () => {
    await cluster.api.create(cluster.typeNamed('Namespace'), {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'other' },
    });
    await create('a', [await create('b', [], 'other')]);
    await settleCluster();
    expect(await names()).to.deep.equal(['b']);
  });

  it('dependents before their owner when the deletion is in the foreground', async () => {
    await create('b', [await create('a')]);
    await remove('a', 'Foreground');
    expect(
      (await cluster.api.get(type, { namespace: 'default', name: 'a' })).metadata.finalizers,
    ).to.deep.equal(['foregroundDeletion']);
    await settleCluster();
    expect(await names()).to.deep.equal([]);
  });

  it('no dependents when they are orphaned', async () => {
    await create('b', [await create('a')]);
    await remove('a', 'Orphan');
    await settleCluster();
    const { items } = await cluster.api.list(type);
    expect(items.map(({ metadata }) => [metadata.name, metadata.ownerReferences])).to.deep.equal([
      ['b', undefined],
    ]);
  });

  it('a namespace with all that is in it, and takes nothing new into it meanwhile', async () => {
    const namespaces = cluster.typeNamed('Namespace');
    await cluster.api.create(namespaces, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'terminating' },
    });
    await create('a', [], 'terminating');
    await cluster.api.delete(namespaces, { name: 'terminating' });
    const late = await create('late', [], 'terminating').catch((error: unknown) => error);
    expect(hasCode(late, 403)).to.equal(true);
    await settleCluster();
    expect(await names()).to.deep.equal([]);
    expect(
      hasCode(
        await cluster.api.get(namespaces, { name: 'terminating' }).catch((error: unknown) => error),
        404,
      ),
    ).to.equal(true);
  });
});
