import { expect } from 'chai';
import { claimFields } from '../../runtime/src/index.ts';
import type { KubeObject } from '../../runtime/src/internal.ts';
import type { Sandbox } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { FaultInjector } from './fault-injector.ts';
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

const split = (...weights: readonly number[]): readonly object[] =>
  weights.map((weight, index) => ({ destination: { host: `h${index}` }, weight }));

describe('routes whose weights would lose traffic', () => {
  let sandbox: Sandbox;
  const faults = new FaultInjector();
  beforeEach(() => void (faults.requests.length = 0));
  afterEach(() => sandbox.stop());

  const writes = (): readonly string[] =>
    faults.requests.flatMap(({ verb, kind, name }) =>
      verb === 'apply' || (verb === 'patch' && kind !== 'Drone') ? [`${verb} ${kind} ${name}`] : [],
    );
  /** Applies a Service first, then a whole VirtualService or an edit of one. */
  async function start(
    routeOf: (found: KubeObject) => object,
    ...others: readonly (string | undefined)[]
  ): Promise<void> {
    const testOperator = defineTestOperator({
      A: {
        inputs: [input.virtualservices],
        outputs: [output.services, output.virtualservices],
        sync: ({ inputs }) => ({
          next: 'A',
          outputs: {
            services: [service('a')],
            virtualservices: [
              routeOf(inputs['virtualservices']?.require('web') as KubeObject) as never,
            ],
          },
        }),
      },
    });
    sandbox = await startSandbox(testOperator.scheduler, { wrapApi: faults.wrapApi });
    await sandbox.create(route('web', 'split', ...others));
    await sandbox.create(drone('one'));
  }
  const edit =
    (...weights: readonly number[]) =>
    (found: KubeObject): object =>
      claimFields(found, [
        { path: ['spec', 'http', { name: 'split' }, 'route'], value: split(...weights) },
      ]);

  // @promise outputs/weights
  it('are a permanent error that names phase, object and route, and nothing at all is sent', async () => {
    await start(edit(90, 20));
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
      'Ready=False WrongWeights',
      'Stalled=True WrongWeights',
    ]);
    expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
      'outputs.virtualservices of phase A: VirtualService default/web: http[split] has weights that sum to 110, not to 100',
    );
    expect(writes()).to.deep.equal([]);
  });

  // @promise outputs/weights
  it('are refused in whole objects too', async () => {
    await start(() => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'own' },
      spec: { http: [{ name: 'x', route: split(-1, 101) }] },
    }));
    expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
      'outputs.virtualservices of phase A: VirtualService default/own: http[x] has the weight -1',
    );
    expect(writes()).to.deep.equal([]);
  });

  it('are sent when they are right', async () => {
    await start(edit(90, 10));
    expect(writes()).to.deep.equal([
      'apply Service a',
      'patch VirtualService web',
      'patch VirtualService web',
    ]);
  });

  it('are ignored where they were wrong before, in a route that is not claimed', async () => {
    const testOperator = defineTestOperator({
      A: {
        inputs: [input.virtualservices],
        outputs: [output.virtualservices],
        sync: ({ inputs }) => ({
          next: 'A',
          outputs: {
            virtualservices: [
              edit(90, 10)(inputs['virtualservices']?.require('odd') as KubeObject) as never,
            ],
          },
        }),
      },
    });
    sandbox = await startSandbox(testOperator.scheduler, { wrapApi: faults.wrapApi });
    const odd = route('odd', 'split', 'theirs') as unknown as {
      readonly spec: { readonly http: readonly object[] };
    };
    await sandbox.create({
      ...odd,
      spec: { http: [odd.spec.http[0], { name: 'theirs', route: split(1, 2) }] },
    } as never);
    await sandbox.create(drone('one'));
    expect(conditions(await sandbox.get('Drone', 'one'))[0]).to.equal('Ready=False A');
  });
});
