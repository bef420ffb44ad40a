import { expect } from 'chai';
import { claimFields } from '../../runtime/src/index.ts';
import type { AnyContext, KubeObject, ResourceType } from '../../runtime/src/internal.ts';
import type { Sandbox } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { FaultInjector } from './fault-injector.ts';
import type { TestOperator, TestPhase } from './test-operators.ts';
import {
  conditions,
  configMap,
  defineTestOperator,
  drone,
  input,
  output,
  route,
  service,
  VIRTUAL_SERVICES,
} from './test-operators.ts';

type Change = (object: KubeObject) => object | undefined;

/** Another controller: 10 ms after each change of the kind it sends what `change` returns. */
class Rival {
  readonly #stop = new AbortController();

  constructor(sandbox: Sandbox, type: ResourceType, change: Change) {
    void this.#run(sandbox, type, change).catch(() => undefined);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run({ cluster, clock }: Sandbox, type: ResourceType, change: Change): Promise<void> {
    const { signal } = this.#stop;
    const list = await cluster.api.list(type);
    const options = { resourceVersion: list.resourceVersion };
    for await (const event of cluster.api.watch(type, options, signal)) {
      if (event.type === 'BOOKMARK' || event.type === 'DELETED') {
        continue;
      }
      const body = change(event.object);
      if (body === undefined) {
        continue;
      }
      const { namespace = 'default', name } = event.object.metadata;
      clock.after(10, () => {
        const manager = { fieldManager: 'rival' };
        const patch = { type: 'merge', body } as const;
        void cluster.api.patch(type, { namespace, name }, patch, manager).catch(() => undefined);
      });
    }
  }
}

let sandbox: Sandbox;
let faults: FaultInjector;
let rival: Rival | undefined;
let told: AnyContext['undone'][];

const dataOf = (object: unknown): unknown => (object as { readonly data?: unknown })?.data;
const rewriteData: Change = (object) =>
  (dataOf(object) as { readonly x?: string } | undefined)?.x?.startsWith('wanted')
    ? { data: { x: 'theirs' } }
    : undefined;
const httpOf = (object: unknown): unknown =>
  (object as { readonly spec?: { readonly http: unknown } })?.spec?.http;
const rewriteRoute: Change = (object) =>
  JSON.stringify(httpOf(object)).includes('new')
    ? { spec: { http: httpOf(route('web', 'split')) } }
    : undefined;

/** Writes the ConfigMap a with `x: spec.x`, and Services that no other client changes. */
function outputOperator(whenUndone?: string, phase: Partial<TestPhase> = {}): TestOperator {
  return defineTestOperator({
    A: {
      outputs: [
        { ...output.configmaps, ...(whenUndone !== undefined && { whenUndone }) },
        output.services,
      ],
      sync: ({ resource, undone }) => {
        told.push(undone);
        const { x = 'wanted', services = [] } = resource.spec as Spec;
        return {
          next: 'A',
          outputs: {
            configmaps: [configMap('a', { x }) as KubeObject],
            services: services.map((name) => service(name)),
          },
        };
      },
      ...phase,
    },
    B: {},
  });
}
interface Spec {
  readonly x?: string;
  readonly services?: readonly string[];
}

function claimOperator(whenUndone?: string): TestOperator {
  return defineTestOperator({
    A: {
      inputs: [input.virtualservices],
      outputs: [{ ...output.virtualservices, ...(whenUndone !== undefined && { whenUndone }) }],
      sync: ({ inputs, undone, resource }) => {
        told.push(undone);
        const { x: host = 'new' } = resource.spec as Spec;
        const value = [{ destination: { host }, weight: 100 }];
        const path = ['spec', 'http', { name: 'split' }, 'route'];
        const web = inputs['virtualservices']?.require('web') as KubeObject;
        return { next: 'A', outputs: { virtualservices: [claimFields(web, [{ path, value }])] } };
      },
    },
    B: {},
  });
}

async function start({ scheduler }: TestOperator): Promise<void> {
  told = [];
  faults = new FaultInjector();
  sandbox = await startSandbox(scheduler, {
    wrapApi: faults.wrapApi,
    config: { workInterval: '1h' },
  });
}
const said = async (): Promise<readonly string[]> => conditions(await sandbox.get('Drone', 'one'));
const contested = async (): Promise<string | undefined> => {
  const one = await sandbox.get('Drone', 'one');
  const list = (one?.status['conditions'] ?? []) as readonly {
    readonly type: string;
    readonly message: string;
  }[];
  return list.find(({ type }) => type === 'Contested')?.message;
};
const writes = (kind: string): number =>
  faults.requestsFor(kind).filter((request) => /^(apply|patch)/.test(request)).length;

describe('an object that another client sets back', () => {
  afterEach(async () => {
    rival?.stop();
    rival = undefined;
    await sandbox.stop();
  });

  // @promise outputs/contested
  it('is repaired twice at once, then ever more rarely; Contested names the object and the client', async () => {
    await start(outputOperator());
    rival = new Rival(sandbox, output.configmaps.type, rewriteData);
    await sandbox.create(drone('one'));
    await sandbox.advance('1m');
    expect(writes('ConfigMap')).to.be.within(6, 12);
    await sandbox.advance('10m');
    expect(writes('ConfigMap')).to.be.within(15, 25);
    expect(await said()).to.include('Contested=True Repaired');
    expect(await contested())
      .to.include('ConfigMap default/a')
      .and.to.include('rival');
    const events = (await sandbox.list('Event')) as readonly { readonly reason?: string }[];
    expect(events.map(({ reason }) => reason)).to.include('Contested');
  });

  // @promise outputs/contested
  it('is repaired in the end, and Contested goes when the object has rested for five minutes', async () => {
    await start(outputOperator());
    rival = new Rival(sandbox, output.configmaps.type, rewriteData);
    await sandbox.create(drone('one'));
    await sandbox.advance('1m');
    rival.stop();
    await sandbox.advance('2m');
    expect(dataOf(await sandbox.get('ConfigMap', 'a'))).to.deep.equal({ x: 'wanted' });
    expect(await contested()).not.to.equal(undefined);
    await sandbox.advance('6m');
    expect(await contested()).to.equal(undefined);
  });

  // @promise outputs/contested
  it('is repaired at once, and is not contested, when that happens once in a while', async () => {
    await start(outputOperator());
    await sandbox.create(drone('one'));
    for (let count = 0; count < 4; count++) {
      await sandbox.patch('ConfigMap', 'a', { data: { x: 'theirs' } });
      expect(dataOf(await sandbox.get('ConfigMap', 'a'))).to.deep.equal({ x: 'wanted' });
      expect(await contested()).to.equal(undefined);
      await sandbox.advance('10m');
    }
  });

  it('is deleted again and again: it is created ever more rarely', async () => {
    await start(outputOperator());
    await sandbox.create(drone('one'));
    for (let count = 0; count < 30; count++) {
      if ((await sandbox.get('ConfigMap', 'a')) !== undefined) {
        await sandbox.delete('ConfigMap', 'a');
      }
      await sandbox.advance('1s');
    }
    expect(writes('ConfigMap')).to.be.within(4, 10);
    expect(await contested()).to.include('ConfigMap default/a');
  });

  // @promise outputs/contested
  it('delays neither a new wish of the worker, nor other outputs, nor the timeout of the phase', async () => {
    await start(outputOperator(undefined, { timeout: '10m', onTimeout: 'B' }));
    rival = new Rival(sandbox, output.configmaps.type, rewriteData);
    await sandbox.create(drone('one'));
    await sandbox.advance('5m');
    rival.stop();
    await sandbox.patch('ConfigMap', 'a', { data: { x: 'theirs' } });
    await sandbox.patch('Drone', 'one', { spec: { x: 'wished', services: ['s'] } });
    expect(dataOf(await sandbox.get('ConfigMap', 'a'))).to.deep.equal({ x: 'wished' });
    expect(await sandbox.get('Service', 's')).not.to.equal(undefined);
    await sandbox.advance('6m');
    expect((await sandbox.get('Drone', 'one'))?.status.phase).to.equal('B');
    expect(await contested()).to.equal(undefined);
  });

  // @promise outputs/contested
  it('is spaced for a claimed field too', async () => {
    await start(claimOperator());
    await sandbox.create(route('web', 'split'));
    rival = new Rival(sandbox, VIRTUAL_SERVICES, rewriteRoute);
    await sandbox.create(drone('one'));
    await sandbox.advance('1m');
    // Each claim is set by one request and finished by another one.
    expect(writes('VirtualService')).to.be.within(8, 26);
    expect(await contested())
      .to.include('spec.http')
      .and.to.include('VirtualService default/web')
      .and.to.include('rival');
    await sandbox.patch('Drone', 'one', { spec: { x: 'newest' } });
    expect(JSON.stringify(httpOf(await sandbox.get('VirtualService', 'web')))).to.include('newest');
  });

  // @promise outputs/when-undone
  it('is told to the worker: kind, name, and the client where managedFields tell', async () => {
    await start(outputOperator());
    await sandbox.create(drone('one'));
    const key = { namespace: 'default', name: 'a' };
    const patch = { type: 'merge', body: { data: { x: 'theirs' } } } as const;
    const manager = { fieldManager: 'rival' };
    await sandbox.cluster.api.patch(output.configmaps.type, key, patch, manager);
    await sandbox.settle();
    const change = { kind: 'ConfigMap', ...key, by: 'rival' };
    expect(told).to.deep.equal([[], [change]]);
    await sandbox.advance('2h');
    expect(told.at(-1)).to.deep.equal([]);
  });

  for (const [title, operator] of [
    ['an output', outputOperator],
    ['a claimed field', claimOperator],
  ] as const) {
    // @promise outputs/when-undone
    it(`is left as it is with giveUp, also by a new process, until the worker wishes something else: ${title}`, async () => {
      const { scheduler } = operator('giveUp');
      await start(operator('giveUp'));
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one'));
      await sandbox.patch('ConfigMap', 'a', { data: { x: 'theirs' } }).catch(() => undefined);
      const theirs = [{ name: 'split', route: [{ destination: { host: 'theirs' }, weight: 100 }] }];
      await sandbox.patch('VirtualService', 'web', { spec: { http: theirs } });
      const live = async (): Promise<string> =>
        JSON.stringify([
          dataOf(await sandbox.get('ConfigMap', 'a')),
          httpOf(await sandbox.get('VirtualService', 'web')),
        ]);
      const before = await live();
      expect(before).to.include('theirs');
      await sandbox.advance('2h');
      expect(await live()).to.equal(before);
      expect(await said()).to.include('Contested=True GivenUp');
      await sandbox.restart(scheduler, { config: { workInterval: '1h' } });
      await sandbox.advance('2h');
      expect(await live()).to.equal(before);
      expect(await said()).to.include('Contested=True GivenUp');
      await sandbox.patch('Drone', 'one', { spec: { x: 'wished' } });
      expect(await live()).to.include('wished');
      expect(await contested()).to.equal(undefined);
    });

    // @promise outputs/when-undone
    it(`takes the resource to the phase of whenUndone, without the worker: ${title}`, async () => {
      await start(operator('B'));
      await sandbox.create(route('web', 'split'));
      await sandbox.create(drone('one'));
      const calls = told.length;
      await sandbox.patch('ConfigMap', 'a', { data: { x: 'theirs' } }).catch(() => undefined);
      await sandbox.patch('VirtualService', 'web', {
        spec: { http: [{ name: 'split', route: [] }] },
      });
      const one = await sandbox.get('Drone', 'one');
      const status = one?.status as {
        readonly phase: string;
        readonly autopilot: { readonly history: readonly { readonly reason: string }[] };
      };
      expect([status.phase, status.autopilot.history[0]?.reason]).to.deep.equal(['B', 'Undone']);
      expect(told.length).to.equal(calls);
    });
  }

  // @promise outputs/when-undone
  it('counts a deletion as undoing: giveUp creates nothing again, also in a new process', async () => {
    const { scheduler } = outputOperator('giveUp');
    await start(outputOperator('giveUp'));
    await sandbox.create(drone('one'));
    await sandbox.delete('ConfigMap', 'a');
    await sandbox.advance('2h');
    expect(await sandbox.get('ConfigMap', 'a')).to.equal(undefined);
    await sandbox.restart(scheduler, { config: { workInterval: '1h' } });
    await sandbox.advance('2h');
    expect(await sandbox.get('ConfigMap', 'a')).to.equal(undefined);
    expect(await contested()).to.include('was deleted');
    await sandbox.patch('Drone', 'one', { spec: { x: 'wished' } });
    expect(await sandbox.get('ConfigMap', 'a')).not.to.equal(undefined);
  });

  it('is not what a pause with whilePaused: release deletes: the output comes back afterwards', async () => {
    const { configmaps } = output;
    await start(
      outputOperator('giveUp', {
        whilePaused: 'release',
        outputs: [{ ...configmaps, prune: true, whenUndone: 'giveUp' }, output.services],
      }),
    );
    await sandbox.create(drone('one'));
    const paused = (value: string | null): object => ({
      metadata: { annotations: { 'drones.autopilot.test/paused': value } },
    });
    await sandbox.patch('Drone', 'one', paused('true'));
    expect(await sandbox.get('ConfigMap', 'a')).to.equal(undefined);
    await sandbox.patch('Drone', 'one', paused(null));
    expect(await sandbox.get('ConfigMap', 'a')).not.to.equal(undefined);
  });

  // @promise outputs/when-undone
  it('counts a deletion as undoing: the resource goes to the phase of whenUndone', async () => {
    await start(outputOperator('B'));
    await sandbox.create(drone('one'));
    await sandbox.delete('ConfigMap', 'a');
    expect((await sandbox.get('Drone', 'one'))?.status.phase).to.equal('B');
  });
});
