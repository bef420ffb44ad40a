import { expect } from 'chai';
import { PermanentError, RetryLater } from '../../runtime/src/index.ts';
import type { Sandbox, SandboxOptions, SandboxObject } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import { FaultInjector, refusal } from './fault-injector.ts';
import type { TestPhase } from './test-operators.ts';
import { drone, input, defineTestOperator, output, service } from './test-operators.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
  readonly lastTransitionTime: string;
}

/**
 * How kstatus (sigs.k8s.io/cli-utils/pkg/kstatus), and with it Helm 4 and Flux, reads a custom
 * resource.
 */
function kstatus({
  metadata,
  status,
}: SandboxObject): 'Terminating' | 'InProgress' | 'Failed' | 'Current' {
  const conditions = (status?.conditions ?? []) as readonly Condition[];
  const is = (type: string, value: string): boolean =>
    conditions.some((condition) => condition.type === type && condition.status === value);
  if (metadata.deletionTimestamp !== undefined) {
    return 'Terminating';
  }
  if (
    status?.observedGeneration !== undefined &&
    status.observedGeneration !== metadata.generation
  ) {
    return 'InProgress';
  }
  if (is('Reconciling', 'True')) {
    return 'InProgress';
  }
  if (is('Stalled', 'True')) {
    return 'Failed';
  }
  if (is('Ready', 'False') || is('Ready', 'Unknown')) {
    return 'InProgress';
  }
  return 'Current';
}

const PAUSED = { annotations: { 'drones.autopilot.test/paused': 'true' } };
const stay: TestPhase = { sync: () => ({ next: 'A' }) };
const to = (name: string): TestPhase => ({ sync: () => ({ next: name }) });
const failing = (error: Error): TestPhase => ({ sync: () => Promise.reject(error) });

/** Situations of a resource, and the status that kstatus has to compute. */
const SITUATIONS: readonly [
  string,
  Readonly<Record<string, TestPhase>>,
  ReturnType<typeof kstatus>,
  { readonly metadata?: object; readonly code?: number }?,
][] = [
  ['on its way', { A: stay }, 'InProgress'],
  ['in a final phase', { A: to('B'), B: {} }, 'Current'],
  ['in a final phase that is not ready', { A: to('B'), B: { ready: false } }, 'Failed'],
  [
    'in a phase that counts as ready',
    { A: to('B'), B: { ready: true, sync: () => ({ next: 'B' }) } },
    'Current',
  ],
  ['failing', { A: failing(new Error('x')) }, 'InProgress'],
  ['waiting for something', { A: failing(new RetryLater('1h')) }, 'InProgress'],
  ['given up', { A: failing(new PermanentError('x')) }, 'Failed'],
  ['told something wrong', { A: to('Nowhere') }, 'Failed'],
  ['paused', { A: stay }, 'InProgress', { metadata: PAUSED }],
  ['waiting for a person', { A: to('B'), B: { approval: 'required', ...to('B') } }, 'InProgress'],
  [
    'waiting for a person where it is ready',
    { A: { ready: true, ...to('B') }, B: { approval: 'required', ...to('B') } },
    'Current',
  ],
  ['looping', { A: to('B'), B: to('A') }, 'InProgress'],
  [
    'refused its output',
    {
      A: {
        outputs: [output.services],
        sync: () => ({ next: 'A', outputs: { services: [service('a')] } }),
      },
    },
    'InProgress',
    { code: 403 },
  ],
  ['without its input', { A: { inputs: [input.pods], ...stay } }, 'InProgress', { code: 403 }],
  ['quarantined', { A: { sync: () => new Promise<never>(() => undefined) } }, 'InProgress'],
];

describe('a tool that waits', () => {
  let sandbox: Sandbox;
  afterEach(() => sandbox.stop());

  async function start(
    phases: Readonly<Record<string, TestPhase>>,
    { code = 0 }: { readonly code?: number } = {},
    options: SandboxOptions = {},
  ): Promise<void> {
    const faults = new FaultInjector();
    faults.fault = ({ verb, kind }) =>
      code > 0 && ((verb === 'apply' && kind === 'Service') || (verb === 'list' && kind === 'Pod'))
        ? { when: 'before', error: refusal(code) }
        : undefined;
    sandbox = await startSandbox(defineTestOperator(phases).scheduler, {
      wrapApi: faults.wrapApi,
      config: { workInterval: '1h', workerTimeout: '10s' },
      ...options,
    });
  }
  const found = async (): Promise<SandboxObject> =>
    (await sandbox.get('Drone', 'one')) as SandboxObject;

  for (const [title, phases, expected, { metadata = {}, code = 0 } = {}] of SITUATIONS) {
    it(`finds a resource that is ${title} ${expected}`, async () => {
      await start(phases, { code });
      await sandbox.create(drone('one', {}, metadata));
      await sandbox.advance('20s');
      expect(kstatus(await found())).to.equal(expected);
      const { status } = await found();
      const conditions = status.conditions as readonly Condition[];
      const types = conditions.map(({ type }) => type);
      expect(types[0]).to.equal('Ready');
      expect(new Set(types).size).to.equal(types.length);
      expect(types.includes('Reconciling') && types.includes('Stalled')).to.equal(false);
      for (const condition of conditions) {
        expect(condition.reason).to.match(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/);
        expect(condition.lastTransitionTime).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        expect(condition.observedGeneration).to.equal(1);
      }
      expect(status.observedGeneration).to.be.a('number');
    });
  }

  // @promise reconcile/kstatus
  it('never sees a resource whose spec has just changed as finished', async () => {
    await start({ A: { onSpecChange: 'A', ...to('B') }, B: {} });
    await sandbox.create(drone('one'));
    const states: string[] = [];
    expect(kstatus(await found())).to.equal('Current');
    const stop = new AbortController();
    const { resourceVersion } = (await found()).metadata;
    const watched = (async () => {
      for await (const event of sandbox.cluster.api.watch(
        defineTestOperator({ A: stay }).scheduler.resource,
        { resourceVersion: resourceVersion ?? '' },
        stop.signal,
      )) {
        if (event.type === 'MODIFIED') {
          states.push(kstatus(event.object as SandboxObject));
        }
      }
    })();
    await sandbox.patch('Drone', 'one', { spec: { again: true } });
    stop.abort();
    await watched.catch(() => undefined);
    expect(states).to.deep.equal(['InProgress', 'InProgress', 'Current']);
  });

  it('sees when a condition last changed its status, not when it was last written', async () => {
    let message = 'one';
    await start({ A: { interval: '10s', sync: () => ({ next: 'A', message }) } });
    await sandbox.create(drone('one'));
    const [{ lastTransitionTime: before } = {}] = (await found()).status
      .conditions as readonly Condition[];
    message = 'two';
    await sandbox.advance('10s');
    const [ready] = (await found()).status.conditions as readonly Condition[];
    expect([ready?.message, ready?.lastTransitionTime]).to.deep.equal(['two', before]);
  });

  describe('for a phase that counts as ready and writes', () => {
    const readies = async (): Promise<readonly string[]> => {
      const { status } = await found();
      return [
        status.phase,
        ...(status.conditions as readonly Condition[]).map(
          ({ type, status: value }) => `${type}=${value}`,
        ),
      ];
    };
    const serving: TestPhase = {
      ready: true,
      outputs: [output.services],
      sync: () => ({ next: 'B', outputs: { services: [service('a')] } }),
    };

    // @promise reconcile/kstatus
    it('sees Ready only when the outputs exist', async () => {
      await start({ A: to('B'), B: serving }, { code: 403 });
      await sandbox.create(drone('one'));
      expect(await readies()).to.deep.equal([
        'B',
        'Ready=False',
        'Reconciling=True',
        'OutputsApplied=False',
      ]);
      await sandbox.restart(defineTestOperator({ A: to('B'), B: serving }).scheduler);
      expect(await readies()).to.deep.equal(['B', 'Ready=True']);
      expect(await sandbox.get('Service', 'a')).not.to.equal(undefined);
    });

    it('is False before the first reconcile of the phase, also after onSpecChange or onTimeout', async () => {
      let open = (): void => undefined;
      const gate = new Promise<void>((resolve) => (open = resolve));
      const slow: TestPhase = {
        ...serving,
        sync: async () => (await gate, { next: 'B', outputs: { services: [service('a')] } }),
      };
      await start({ A: { ...stay, timeout: '3s', onTimeout: 'B' }, B: slow });
      await sandbox.create(drone('one'));
      await sandbox.advance('4s');
      expect(await readies()).to.deep.equal(['B', 'Ready=False', 'Reconciling=True']);
      open();
      await sandbox.settle();
      expect(await readies()).to.deep.equal(['B', 'Ready=True']);
    });

    it('is not True by a pause before that either', async () => {
      await start({
        A: to('B'),
        B: { ...serving, sync: () => Promise.reject(new RetryLater('1h')) },
      });
      await sandbox.create(drone('one'));
      await sandbox.patch('Drone', 'one', { metadata: PAUSED });
      expect(await readies()).to.deep.equal(['B', 'Ready=False', 'Paused=True']);
    });
  });
});
