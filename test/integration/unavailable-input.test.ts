import { expect } from 'chai';
import type { Sandbox } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { FaultInjector, refusal } from './fault-injector.ts';
import type { TestOperator } from './test-operators.ts';
import {
  conditions,
  configMap,
  drone,
  input,
  defineTestOperator,
  readyMessage,
} from './test-operators.ts';

let sandbox: Sandbox;
let faults: FaultInjector;

const said = async (name = 'one'): Promise<readonly string[]> =>
  conditions(await sandbox.get('Drone', name));
const phase = async (name = 'one'): Promise<string> =>
  (await sandbox.get('Drone', name))?.status?.phase as string;

describe('an input that cannot be read', () => {
  afterEach(() => sandbox.stop());
  // @promise inputs/unknown-is-not-absent
  it('is named in a condition, and no worker is called; an optional kind may be absent', async () => {
    const reader = (optional: boolean): TestOperator =>
      defineTestOperator({
        A: {
          inputs: [{ ...input.configmaps, optional }],
          sync: ({ inputs }) => ({
            next: inputs['configmaps']?.available === false ? 'None' : 'Some',
          }),
        },
        None: {},
        Some: {},
      });
    for (const [optional, code, end] of [
      [false, 404, 'A'],
      [false, 403, 'A'],
      [true, 404, 'None'],
      [true, 403, 'A'],
    ] as const) {
      const testOperator = reader(optional);
      faults = new FaultInjector();
      faults.fault = ({ verb, kind }) =>
        verb === 'list' && kind === 'ConfigMap'
          ? { when: 'before', error: refusal(code, 'X') }
          : undefined;
      sandbox = await startSandbox(testOperator.scheduler, { wrapApi: faults.wrapApi });
      await sandbox.create(configMap('a'));
      await sandbox.create(drone('one'));
      expect(await phase(), `${optional} ${code}`).to.equal(end);
      if (end === 'A') {
        expect([testOperator.calls.length, await said()]).to.deep.equal([
          0,
          [
            'Ready=False InputUnavailable',
            'Reconciling=True InputUnavailable',
            'InputUnavailable=True InputUnavailable',
          ],
        ]);
        expect(readyMessage(await sandbox.get('Drone', 'one'))).to.equal(
          `input configmaps cannot be read: refused with ${code}`,
        );
      }
      if (!(optional && code === 403)) {
        await sandbox.stop();
      }
    }
  });

  // @promise inputs/available-again
  it('that can be read again enqueues the resources that waited for it, at once', async () => {
    const testOperator = defineTestOperator({
      A: { inputs: [input.configmaps], sync: () => ({ next: 'Done' }) },
      Done: {},
    });
    faults = new FaultInjector();
    faults.fault = ({ verb, kind }) =>
      verb === 'list' && kind === 'ConfigMap'
        ? { when: 'before', error: refusal(403, 'Forbidden') }
        : undefined;
    sandbox = await startSandbox(testOperator.scheduler, { wrapApi: faults.wrapApi });
    const waiting = Array.from({ length: 8 }, (_, index) => `d${index}`);
    for (const name of waiting) {
      await sandbox.create(drone(name));
    }
    await sandbox.advance('30m');
    expect(await Promise.all(waiting.map(phase))).to.deep.equal(waiting.map(() => 'A'));
    faults.fault = () => undefined;
    await sandbox.advance('46s');
    expect(await Promise.all(waiting.map(phase))).to.deep.equal(waiting.map(() => 'Done'));
  });

  // @promise inputs/available-again
  it('enqueues the readers of an optional kind when the kind is served, and when it is gone', async () => {
    const testOperator = defineTestOperator({
      A: {
        interval: '3h',
        inputs: [{ ...input.configmaps, optional: true }],
        sync: ({ inputs }) => ({
          next: 'A',
          statusInfo: { served: String(inputs['configmaps']?.available) },
        }),
      },
    });
    faults = new FaultInjector();
    const isAway = ({ kind }: { readonly kind: string }): boolean => kind === 'ConfigMap';
    const away = { when: 'before', error: refusal(404) } as const;
    faults.fault = (request) => (isAway(request) ? away : undefined);
    sandbox = await startSandbox(testOperator.scheduler, { wrapApi: faults.wrapApi });
    await sandbox.create(drone('one'));
    const served = async (): Promise<unknown> =>
      ((await sandbox.get('Drone', 'one'))?.status as { served?: string } | undefined)?.served;
    await sandbox.advance('10m');
    expect(await served()).to.equal('false');
    faults.fault = () => undefined;
    await sandbox.advance('46s');
    expect(await served()).to.equal('true');
    faults.fault = (request) => (isAway(request) ? away : undefined);
    faults.endWatches(refusal(410));
    await sandbox.advance('10s');
    expect(await served()).to.equal('false');
  });
});
