import { expect } from 'chai';
import type { KubeObject, OperatorOptions } from '../../../runtime/src/ports.ts';
import { refusal } from '../../flights/faults.ts';
import {
  conditions,
  drone,
  DRONES,
  machine,
  output,
  readyMessage,
  service,
  SERVICES,
} from '../../flights/machines.ts';
import { Stage } from '../stage.ts';

const ONE = { namespace: 'default', name: 'one' };
const A = { namespace: 'default', name: 'a' };

describe('what a resource has left, before garbage collection has come by', () => {
  let stage: Stage;
  beforeEach(async () => void (stage = await Stage.set({ controllers: false })));
  afterEach(() => stage.stop());

  const start = (options: Partial<OperatorOptions> = {}): Promise<unknown> =>
    stage.start(
      machine({
        A: {
          outputs: [output.services],
          sync: () => ({ next: 'A', outputs: { services: [service('a')] } }),
        },
      }).scheduler,
      options,
    );
  const one = (): Promise<KubeObject> => stage.cluster.api.get(DRONES, ONE);
  const made = (): Promise<KubeObject> => stage.cluster.api.get(SERVICES, A);
  const again = async (name = 'one'): Promise<void> => {
    await stage.cluster.api.delete(DRONES, ONE);
    await stage.create(drone(name));
    await stage.pass(1);
  };
  beforeEach(async () => {
    await start();
    await stage.create(drone('one'));
    await stage.pass(1);
  });

  // @promise outputs/adoption
  it('is taken over at once by the next one of its name: it stays the same object, with one owner', async () => {
    const before = await made();
    await again();
    const { uid } = (await one()).metadata;
    const { metadata } = await made();
    expect(metadata.uid).to.equal(before.metadata.uid);
    expect(metadata.ownerReferences?.map((owner) => owner.uid)).to.deep.equal([uid]);
    expect(metadata.labels).to.deep.equal({
      ...before.metadata.labels,
      'flights.autopilot.test/owner-uid': uid,
    });
    expect(conditions(await one())[0]).to.equal('Ready=False A');
  });

  it('is not taken over by one of another name', async () => {
    const before = await made();
    await again('two');
    expect(await made()).to.deep.equal(before);
    expect(readyMessage(await stage.cluster.api.get(DRONES, { ...ONE, name: 'two' }))).to.contain(
      'belongs to Drone one',
    );
  });

  it('is waited for, and made anew as soon as it is gone, where who may not delete may not take over', async () => {
    stage.faults.fault = ({ verb, kind }) =>
      verb === 'apply' && kind === 'Service' ? { when: 'before', error: refusal(403) } : undefined;
    await again();
    expect(readyMessage(await one())).to.equal(
      'Service default/a exists and was left by an earlier Drone one; it is made again when garbage collection has deleted it',
    );
    await stage.pass(3_600);
    stage.faults.fault = () => undefined;
    await stage.cluster.api.delete(SERVICES, A);
    await stage.pass(1);
    expect((await made()).metadata.ownerReferences?.[0]?.uid).to.equal((await one()).metadata.uid);
  });

  // @promise outputs/adoption
  it('is left alone when the server knows a newer resource of that name: the cache is behind, and the object may be its', async () => {
    const before = await made();
    await stage.stop();
    await stage.cluster.api.delete(DRONES, ONE);
    await stage.create(drone('one'));
    const { api } = stage.cluster;
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
    await stage.pass(1);
    expect(await made()).to.deep.equal(before);
    expect(readyMessage(await one())).to.contain(
      'Service default/a exists and belongs to Drone one',
    );
  });
});
