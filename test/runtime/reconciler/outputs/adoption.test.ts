import { expect } from 'chai';
import type { KubeObject, OperatorOptions } from '../../../../runtime/src/internal.ts';
import { refusal } from '../../../integration/fault-injector.ts';
import {
  conditions,
  drone,
  DRONES,
  defineTestOperator,
  output,
  readyMessage,
  service,
  SERVICES,
} from '../../../integration/test-operators.ts';
import { OperatorHarness } from '../../operator-harness.ts';

const ONE = { namespace: 'default', name: 'one' };
const A = { namespace: 'default', name: 'a' };

describe('an object left by an earlier resource, before garbage collection', () => {
  let harness: OperatorHarness;
  beforeEach(async () => void (harness = await OperatorHarness.create({ controllers: false })));
  afterEach(() => harness.stop());

  const start = (options: Partial<OperatorOptions> = {}): Promise<unknown> =>
    harness.start(
      defineTestOperator({
        A: {
          outputs: [output.services],
          sync: () => ({ next: 'A', outputs: { services: [service('a')] } }),
        },
      }).scheduler,
      options,
    );
  const one = (): Promise<KubeObject> => harness.cluster.api.get(DRONES, ONE);
  const made = (): Promise<KubeObject> => harness.cluster.api.get(SERVICES, A);
  const again = async (name = 'one'): Promise<void> => {
    await harness.cluster.api.delete(DRONES, ONE);
    await harness.createObjects(drone(name));
    await harness.advance(1);
  };
  beforeEach(async () => {
    await start();
    await harness.createObjects(drone('one'));
    await harness.advance(1);
  });

  // @promise outputs/adoption
  it('is adopted immediately by the next resource of the name: the same object, with one owner', async () => {
    const before = await made();
    await again();
    const { uid } = (await one()).metadata;
    const { metadata } = await made();
    expect(metadata.uid).to.equal(before.metadata.uid);
    expect(metadata.ownerReferences?.map((owner) => owner.uid)).to.deep.equal([uid]);
    expect(metadata.labels).to.deep.equal({
      ...before.metadata.labels,
      'drones.autopilot.test/owner-uid': uid,
    });
    expect(conditions(await one())[0]).to.equal('Ready=False A');
  });

  it('is not adopted by a resource of another name', async () => {
    const before = await made();
    await again('two');
    expect(await made()).to.deep.equal(before);
    expect(readyMessage(await harness.cluster.api.get(DRONES, { ...ONE, name: 'two' }))).to.contain(
      'belongs to Drone one',
    );
  });

  it('is created again after garbage collection, where only clients with delete permission may adopt it', async () => {
    harness.faults.fault = ({ verb, kind }) =>
      verb === 'apply' && kind === 'Service' ? { when: 'before', error: refusal(403) } : undefined;
    await again();
    expect(readyMessage(await one())).to.equal(
      'Service default/a exists and was left by an earlier Drone one; it is created again when garbage collection has deleted it',
    );
    await harness.advance(3_600);
    harness.faults.fault = () => undefined;
    await harness.cluster.api.delete(SERVICES, A);
    await harness.advance(1);
    expect((await made()).metadata.ownerReferences?.[0]?.uid).to.equal((await one()).metadata.uid);
  });

  // @promise outputs/adoption
  it('is not adopted when the API server has a newer resource of that name and the cache is stale', async () => {
    const before = await made();
    await harness.stop();
    await harness.cluster.api.delete(DRONES, ONE);
    await harness.createObjects(drone('one'));
    const { api } = harness.cluster;
    await start({
      api: {
        ...api,
        async get(type, key, signal) {
          const object = await api.get(type, key, signal);
          return type.kind === 'Drone'
            ? { ...object, metadata: { ...object.metadata, uid: 'newer' } }
            : object;
        },
      },
    });
    await harness.advance(1);
    expect(await made()).to.deep.equal(before);
    expect(readyMessage(await one())).to.contain(
      'Service default/a exists and belongs to Drone one',
    );
  });
});
