import { expect } from 'chai';
import { claimFields } from '../../runtime/src/index.ts';
import type { KubeObject } from '../../runtime/src/internal.ts';
import type { Sandbox, SandboxOptions } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { ApiError } from '../../runtime/src/internal.ts';
import { FaultInjector, refusal } from './fault-injector.ts';
import type { TestOperator, TestPhase } from './test-operators.ts';
import {
  conditions,
  drone,
  input,
  defineTestOperator,
  output,
  readyMessage,
  route,
  service,
} from './test-operators.ts';

let sandbox: Sandbox;
let faults: FaultInjector;

async function start({ scheduler }: TestOperator, options: SandboxOptions = {}): Promise<void> {
  faults = new FaultInjector();
  sandbox = await startSandbox(scheduler, {
    wrapApi: faults.wrapApi,
    config: { workInterval: '1h', workerTimeout: '30s' },
    ...options,
  });
}
const hostsOf = async (name: string): Promise<unknown> => {
  const found = (await sandbox.get('VirtualService', name)) as { readonly spec?: Route };
  return found.spec?.hosts;
};
interface Route {
  readonly hosts: unknown;
}
const said = async (name = 'one'): Promise<readonly string[]> =>
  conditions(await sandbox.get('Drone', name));

describe('outputs that the API server refuses', () => {
  afterEach(() => sandbox.stop());
  const writer = (ready: boolean): TestOperator =>
    defineTestOperator({
      A: {
        ready,
        outputs: [output.services],
        sync: ({ resource }) => ({
          next: 'A',
          outputs: { services: [service('a', (resource.spec as { port: number }).port)] },
        }),
      },
    });
  let code: number;
  const refuse = (): void => {
    faults.fault = ({ verb, kind }) =>
      code > 0 && verb === 'apply' && kind === 'Service'
        ? { when: 'before', error: refusal(code) }
        : undefined;
  };
  const refusals = (): number =>
    sandbox.events.filter(({ type }) => type === 'reconcileFailed').length;

  for (const [title, status] of [
    ['by a webhook (422)', 422],
    ['for the quota or in a dying namespace (403)', 403],
    ['as nonsense (400)', 400],
  ] as const) {
    // @promise outputs/refused-outputs
    it(`${title} are tried again with backoff and never Stalled; OutputsApplied names object and message`, async () => {
      await start(writer(false));
      code = status;
      refuse();
      await sandbox.create(drone('one', { port: 80 }));
      await sandbox.advance('1h');
      expect(refusals()).to.be.within(13, 30);
      expect(await said()).to.deep.equal([
        'Ready=False OutputRefused',
        'Reconciling=True OutputRefused',
        'OutputsApplied=False OutputRefused',
      ]);
      expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
        `Service default/a was refused: refused with ${status}`,
      );
      code = 0;
      await sandbox.advance('10m');
      expect(await said()).to.deep.equal(['Ready=False A', 'Reconciling=True A']);
    });
  }

  // @promise outputs/refused-outputs
  it('leave a ready phase Ready for three consecutive failures, and not for a fourth', async () => {
    await start(writer(true));
    code = 0;
    refuse();
    await sandbox.create(drone('one', { port: 80 }));
    expect(await said()).to.deep.equal(['Ready=True A']);
    code = 403;
    await sandbox.patch('Drone', 'one', { spec: { port: 81 } });
    for (let count = 1; count <= 3; count++) {
      await sandbox.until(() => refusals() === count);
      expect(await said(), `refusal ${count}`).to.deep.equal([
        'Ready=True A',
        'OutputsApplied=False OutputRefused',
      ]);
    }
    await sandbox.until(() => refusals() === 4);
    expect(await said()).to.deep.equal([
      'Ready=False OutputRefused',
      'Reconciling=True OutputRefused',
      'OutputsApplied=False OutputRefused',
    ]);
    code = 0;
    await sandbox.until(async () => (await said())[0] === 'Ready=True A');
    code = 403;
    await sandbox.patch('Drone', 'one', { spec: { port: 82 } });
    expect((await said())[0]).to.equal('Ready=True A');
  });

  it('never make a resource Ready that was not', async () => {
    await start(writer(true));
    code = 403;
    refuse();
    await sandbox.create(drone('one', { port: 80 }));
    expect((await said())[0]).to.equal('Ready=False OutputRefused');
  });

  describe('with a conflict (409)', () => {
    const conflicts = (kind: string, verb: string, many = Infinity): void => {
      let left = many;
      faults.fault = (request) =>
        request.verb === verb && request.kind === kind && left-- > 0
          ? { when: 'before', error: refusal(409, 'Conflict') }
          : undefined;
    };
    const told = [
      'Ready=False OutputRefused',
      'Reconciling=True OutputRefused',
      'OutputsApplied=False OutputRefused',
    ];

    // @promise reconcile/conflicts
    it('are applied again from the fresh object immediately; a few consecutive ones are no failure', async () => {
      await start(writer(false));
      conflicts('Service', 'apply', 5);
      await sandbox.create(drone('one', { port: 80 }));
      await sandbox.advance('1s');
      expect([refusals(), await said()]).to.deep.equal([
        0,
        ['Ready=False A', 'Reconciling=True A'],
      ]);
      expect(await sandbox.get('Service', 'a')).not.to.equal(undefined);
    });

    for (const [title, before] of [
      ['a new object', false],
      ['one that is there', true],
    ] as const) {
      // @promise reconcile/conflicts
      it(`that does not end are retried with backoff, and OutputsApplied has the message of the API server: ${title}`, async () => {
        await start(writer(false));
        await sandbox.create(drone('one', { port: 80 }));
        if (!before) {
          await sandbox.delete('Service', 'a');
        }
        conflicts('Service', 'apply');
        await sandbox.patch('Drone', 'one', { spec: { port: 81 } });
        await sandbox.advance('1h');
        expect(await said()).to.deep.equal(told);
        expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
          'Service default/a was refused: refused with 409',
        );
        expect(refusals()).to.be.within(13, 30);
        expect(
          faults.requestsFor('Service').filter((request) => request === 'apply a').length,
        ).to.be.lessThan(50);
        faults.fault = () => undefined;
        await sandbox.advance('10m');
        expect(await said()).to.deep.equal(['Ready=False A', 'Reconciling=True A']);
      });
    }

    // @promise reconcile/conflicts
    it('that do not end are reported for field claims too', async () => {
      await start(
        defineTestOperator({
          A: {
            inputs: [input.virtualservices],
            outputs: [output.virtualservices],
            sync: ({ inputs }) => {
              const web = inputs['virtualservices']?.require('web') as KubeObject;
              return {
                next: 'A',
                outputs: {
                  virtualservices: [
                    claimFields(web, [{ path: ['spec', 'hosts'], value: ['other'] }]),
                  ],
                },
              };
            },
          },
        }),
      );
      await sandbox.create(route('web', 'split'));
      conflicts('VirtualService', 'patch');
      await sandbox.create(drone('one'));
      await sandbox.advance('1h');
      expect([await said(), readyMessage(await sandbox.get('Drone', 'one'))]).to.deep.equal([
        told,
        'VirtualService default/web was refused: refused with 409',
      ]);
      expect(
        faults.requestsFor('VirtualService').filter((request) => request === 'patch web').length,
      ).to.be.lessThan(50);
    });

    // @promise reconcile/conflicts
    it('of the status itself, without end, make no loop', async () => {
      const testOperator = writer(false);
      await start(testOperator);
      conflicts('Drone', 'patch');
      await sandbox.create(drone('one', { port: 80 }));
      await sandbox.advance('1h');
      expect(testOperator.calls.length).to.be.within(20, 50);
      faults.fault = () => undefined;
      await sandbox.advance('10m');
      expect(await said()).to.deep.equal(['Ready=False A', 'Reconciling=True A']);
    });
  });
});

describe('a throttled write', () => {
  afterEach(() => sandbox.stop());
  const throttled = (code: number): Error =>
    new ApiError({ code, reason: '', message: 'too many requests', retryAfterSeconds: 60 });
  /** Writes of the resource itself and of its outputs. */
  const writes = (): number =>
    faults.requests.filter(
      ({ verb, kind }) => ['Drone', 'Service'].includes(kind) && ['apply', 'patch'].includes(verb),
    ).length;
  const start80 = async (refused: 'Service' | 'Drone', code: number): Promise<void> => {
    await start(
      defineTestOperator({
        A: {
          outputs: [output.services],
          sync: ({ resource }) => ({
            next: 'A',
            outputs: { services: [service('a', (resource.spec as { port: number }).port)] },
          }),
        },
      }),
    );
    await sandbox.create(drone('one', { port: 80 }));
    faults.fault = ({ verb, kind }) =>
      kind === refused && ['apply', 'patch'].includes(verb)
        ? { when: 'before', error: throttled(code) }
        : undefined;
    faults.requests.length = 0;
    await sandbox.patch('Drone', 'one', { spec: { port: 81 } });
  };

  for (const [what, refused, code, before] of [
    ['an output (429)', 'Service', 429, 1],
    ['an output (503)', 'Service', 503, 1],
    ['status (429)', 'Drone', 429, 2],
  ] as const) {
    // @promise queue/retry-after
    it(`is followed by no write of its resource before retryAfterSeconds, whatever changes meanwhile: ${what}`, async () => {
      await start80(refused, code);
      expect(writes()).to.equal(before);
      await sandbox.advance('20s');
      await sandbox.patch('Drone', 'one', { spec: { port: 82 } });
      await sandbox.advance('39s');
      expect(writes()).to.equal(before);
      faults.fault = () => undefined;
      await sandbox.advance('1s');
      expect(writes()).to.be.above(before);
      expect((await sandbox.get('Service', 'a'))?.['spec']).to.deep.include({
        ports: [{ port: 82, protocol: 'TCP', targetPort: 82 }],
      });
      expect(await said()).to.deep.equal(['Ready=False A', 'Reconciling=True A']);
    });
  }

  // @promise queue/retry-after
  it('is not followed sooner when status cannot be written either', async () => {
    await start80('Service', 429);
    const { fault } = faults;
    faults.fault = (request) =>
      request.kind === 'Drone' && request.verb === 'patch'
        ? { when: 'before', error: refusal(409) }
        : fault(request);
    await sandbox.advance('181s');
    expect(faults.requestsFor('Service').filter((one) => one === 'apply a')).to.have.length(4);
    await sandbox.advance('58s');
    expect(faults.requestsFor('Service').filter((one) => one === 'apply a')).to.have.length(4);
  });

  // @promise queue/retry-after
  it('is written to status after the fourth consecutive one', async () => {
    await start80('Service', 429);
    await sandbox.advance('150s');
    expect(await said()).to.deep.equal(['Ready=False A', 'Reconciling=True A']);
    await sandbox.advance('60s');
    expect(await said()).to.deep.equal(['Ready=False ApiError', 'Reconciling=True ApiError']);
  });
});

describe('one refused output', () => {
  afterEach(() => sandbox.stop());
  const refuse = (...names: readonly string[]): void => {
    faults.fault = ({ name = '', verb }) =>
      names.includes(name) && ['apply', 'delete', 'patch'].includes(verb)
        ? { when: 'before', error: refusal(403) }
        : undefined;
  };
  const serviceNames = async (): Promise<readonly string[]> =>
    (await sandbox.list('Service')).map(({ metadata }) => metadata.name);
  const writer = (phase: Partial<TestPhase> = {}): TestOperator =>
    defineTestOperator({
      A: {
        inputs: [input.virtualservices],
        outputs: [{ ...output.services, prune: true }, output.virtualservices],
        sync: ({ resource, inputs }) => {
          const { services = [], claims = [] } = resource.spec as Spec;
          return {
            next: 'A',
            outputs: {
              services: services.map((name) => service(name)),
              virtualservices: claims.map((name) => {
                const live = inputs['virtualservices']?.get(name);
                const manifest = live ?? (route(name, 'split') as KubeObject);
                return claimFields(manifest, [{ path: ['spec', 'hosts'], value: ['other'] }]);
              }),
            },
          };
        },
        ...phase,
      },
      B: {},
    });
  interface Spec {
    readonly services?: readonly string[];
    readonly claims?: readonly string[];
  }

  // @promise outputs/independent-outputs
  it('does not keep the others from being applied; status names every refused one', async () => {
    await start(writer());
    await sandbox.create(route('web', 'split'));
    refuse('a', 'c');
    await sandbox.create(drone('one', { services: ['a', 'b', 'c'], claims: ['absent', 'web'] }));
    expect(await serviceNames()).to.deep.equal(['b']);
    expect(await hostsOf('web')).to.deep.equal(['other']);
    expect(await said()).to.include('OutputsApplied=False OutputRefused');
    const message = readyMessage(await sandbox.get('Drone', 'one'));
    expect(message).to.include('Service default/a was refused: refused with 403; ');
    expect(message).to.include('Service default/c was refused: refused with 403');
    expect(message).to.include('VirtualService default/absent, in which');
  });

  it('keeps every object from being deleted: the refused one may still need it', async () => {
    await start(writer());
    await sandbox.create(drone('one', { services: ['a', 'b'] }));
    refuse('c');
    await sandbox.patch('Drone', 'one', { spec: { services: ['c'] } });
    expect(await serviceNames()).to.deep.equal(['a', 'b']);
    faults.fault = () => undefined;
    await sandbox.advance('10m');
    expect(await serviceNames()).to.deep.equal(['c']);
  });

  it('that is not deleted keeps no other one from being deleted', async () => {
    await start(writer());
    await sandbox.create(drone('one', { services: ['a', 'b', 'c'] }));
    refuse('a');
    await sandbox.patch('Drone', 'one', { spec: { services: ['c'] } });
    expect(await serviceNames()).to.deep.equal(['a', 'c']);
  });

  // @promise outputs/independent-outputs
  it('does not keep the timeout of its phase from firing', async () => {
    await start(writer({ timeout: '10m', onTimeout: 'B' }));
    refuse('a');
    await sandbox.create(drone('one', { services: ['a'] }));
    await sandbox.advance('9m');
    expect((await sandbox.get('Drone', 'one'))?.status.phase).to.equal('A');
    await sandbox.advance('61s');
    expect((await sandbox.get('Drone', 'one'))?.status.phase).to.equal('B');
  });

  // @promise outputs/independent-outputs
  it('does not keep a changed spec from changing the phase', async () => {
    await start(writer({ onSpecChange: 'B' }));
    refuse('a');
    await sandbox.create(drone('one', { services: ['a'] }));
    await sandbox.advance('1h');
    await sandbox.patch('Drone', 'one', { spec: { services: ['a', 'b'] } });
    expect((await sandbox.get('Drone', 'one'))?.status.phase).to.equal('B');
  });

  it('does not keep the others from being tried when the API server fails inside (500)', async () => {
    await start(writer());
    faults.fault = ({ name, verb }) =>
      name === 'a' && verb === 'apply' ? { when: 'before', error: refusal(500) } : undefined;
    await sandbox.create(drone('one', { services: ['a', 'b'] }));
    expect(await serviceNames()).to.deep.equal(['b']);
  });
});

describe('an object that cannot be deleted at the end of a resource', () => {
  afterEach(() => sandbox.stop());

  it('keeps neither the others nor the field claims from being given back', async () => {
    const far = (name: string): KubeObject => ({
      ...service(name),
      metadata: { name, namespace: 'far' },
    });
    await start(
      defineTestOperator({
        A: {
          inputs: [input.virtualservices],
          outputs: [{ ...output.services, namespace: 'all' }, output.virtualservices],
          sync: ({ inputs }) => ({
            next: 'A',
            outputs: {
              services: [far('a'), far('b')],
              virtualservices: [
                claimFields(inputs['virtualservices']?.require('web') as KubeObject, [
                  { path: ['spec', 'hosts'], value: ['other'] },
                ]),
              ],
            },
          }),
        },
      }),
      { objects: [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'far' } }] },
    );
    await sandbox.create(route('web', 'split'));
    await sandbox.create(drone('one'));
    faults.fault = ({ name, verb }) =>
      name === 'a' && verb === 'delete' ? { when: 'before', error: refusal(403) } : undefined;
    await sandbox.delete('Drone', 'one');
    const left = await sandbox.list('Service', 'far');
    expect(left.map(({ metadata }) => metadata.name)).to.deep.equal(['a']);
    expect(await hostsOf('web')).to.deep.equal(['web']);
    expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
      'Service far/a was refused: refused with 403',
    );
  });
});
