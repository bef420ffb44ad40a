import { expect } from 'chai';
import type { Sandbox, SandboxOptions } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import type { RequestFault } from './fault-injector.ts';
import { FaultInjector, connectionReset, refusal } from './fault-injector.ts';
import type { TestOperator } from './test-operators.ts';
import {
  conditions,
  configMap,
  drone,
  input,
  defineTestOperator,
  output,
  service,
} from './test-operators.ts';

describe('an operator survives', () => {
  let sandbox: Sandbox;
  let faults: FaultInjector;
  afterEach(() => sandbox.stop());

  async function start({ scheduler }: TestOperator, options: SandboxOptions = {}): Promise<void> {
    faults = new FaultInjector();
    sandbox = await startSandbox(scheduler, {
      wrapApi: faults.wrapApi,
      config: { workInterval: '1h', workerTimeout: '30s' },
      ...options,
    });
  }
  const writer = (): TestOperator =>
    defineTestOperator({
      A: {
        outputs: [{ ...output.services, prune: true }],
        sync: () => ({ next: 'B', outputs: { services: [service('a')] } }),
      },
      B: {},
    });
  const reader = (): TestOperator =>
    defineTestOperator({
      A: {
        inputs: [input.configmaps],
        sync: ({ inputs }) => ({
          next: 'A',
          statusInfo: {
            seen: (inputs['configmaps']?.list() ?? []).map(({ metadata }) => metadata.name),
          },
        }),
      },
    });
  const seen = async (): Promise<readonly string[]> =>
    (await sandbox.get('Drone', 'one'))?.status.seen as readonly string[];

  /** Each fault hits each request to a kind once; the end has to be that of the baseline run. */
  const answers: readonly [string, RequestFault][] = [
    ['a 409', { when: 'before', error: refusal(409, 'Conflict') }],
    ['a 429', { when: 'before', error: refusal(429, 'TooManyRequests') }],
    ['a 500', { when: 'before', error: refusal(500, 'InternalError') }],
    ['a 503', { when: 'before', error: refusal(503, 'ServiceUnavailable') }],
    ['a reset connection', { when: 'before', error: connectionReset() }],
    [
      'a response that is lost after the write was done',
      { when: 'after', error: connectionReset() },
    ],
  ];
  for (const [title, fault] of answers) {
    // @promise lifecycle/crash-safety
    it(`${title}, for any write`, async () => {
      const hit = new Set<string>();
      await start(writer());
      faults.fault = ({ verb, kind, name }) => {
        const place = `${verb} ${kind} ${name}`;
        if (!['apply', 'patch', 'delete'].includes(verb) || kind === 'Event' || hit.has(place)) {
          return undefined;
        }
        hit.add(place);
        return fault;
      };
      await sandbox.create(drone('one'));
      await sandbox.until(
        async () => (await sandbox.get('Drone', 'one'))?.status?.phase === 'B',
        '1m',
      );
      expect([...hit]).to.have.members(['apply Service a', 'patch Drone one']);
      expect((await sandbox.list('Service')).map(({ metadata }) => metadata.name)).to.deep.equal([
        'a',
      ]);
      expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal(['Ready=True B']);
    });
  }

  it('a spec change whose transition fails, and the next read too: the transition is made in the end', async () => {
    await start(
      defineTestOperator({
        A: { onSpecChange: 'B', sync: () => ({ next: 'A' }) },
        B: { sync: () => ({ next: 'B' }) },
      }),
    );
    await sandbox.create(drone('one'));
    const left = new Set(['patch', 'get']);
    faults.fault = ({ verb, kind }) =>
      kind === 'Drone' && left.delete(verb)
        ? { when: 'before', error: connectionReset() }
        : undefined;
    await sandbox.patch('Drone', 'one', { spec: { other: true } });
    await sandbox.advance('1m');
    expect(left.size).to.equal(0);
    expect((await sandbox.get('Drone', 'one'))?.status).to.include({
      phase: 'B',
      observedGeneration: 2,
    });
  });

  it('watches that end after their timeout', async () => {
    await start(reader());
    await sandbox.create(drone('one'));
    faults.endWatches();
    await sandbox.create(configMap('a'));
    expect(await seen()).to.deep.equal(['a']);
    expect(faults.requestsFor('ConfigMap').filter((verb) => verb === 'list')).to.have.length(1);
  });

  it('watches that break, without another list', async () => {
    await start(reader());
    await sandbox.create(drone('one'));
    faults.endWatches(connectionReset());
    await sandbox.create(configMap('a'));
    await sandbox.advance('2s');
    expect(await seen()).to.deep.equal(['a']);
    expect(faults.requestsFor('ConfigMap').filter((verb) => verb === 'list')).to.have.length(1);
  });

  // @promise watching/watch-errors
  it('an expired resourceVersion (410): it lists again and handles missed changes and deletions', async () => {
    await start(reader(), { objects: [configMap('gone')] });
    await sandbox.create(drone('one'));
    expect(await seen()).to.deep.equal(['gone']);
    faults.fault = ({ verb }) =>
      verb === 'watch' ? { when: 'before', error: connectionReset() } : undefined;
    faults.endWatches(connectionReset());
    await sandbox.delete('ConfigMap', 'gone');
    await sandbox.create(configMap('new'));
    sandbox.cluster.compact();
    faults.fault = () => undefined;
    await sandbox.advance('10s');
    expect(await seen()).to.deep.equal(['new']);
  });

  // @promise inputs/unknown-is-not-absent
  it('an input that cannot be read: the cache stays, no worker runs, and reconciles resume by themselves', async () => {
    const testOperator = reader();
    await start(testOperator, { objects: [configMap('a')] });
    await sandbox.create(drone('one'));
    faults.fault = ({ verb, kind }) =>
      kind === 'ConfigMap' && (verb === 'list' || verb === 'watch')
        ? { when: 'before', error: refusal(403, 'Forbidden') }
        : undefined;
    faults.endWatches(refusal(410, 'Expired'));
    await sandbox.settle();
    const before = testOperator.calls.length;
    await sandbox.patch('Drone', 'one', { spec: { x: 1 } });
    expect(testOperator.calls).to.have.length(before);
    expect(conditions(await sandbox.get('Drone', 'one'))[0]).to.equal(
      'Ready=False InputUnavailable',
    );
    expect(await seen()).to.deep.equal(['a']);
    faults.fault = () => undefined;
    await sandbox.create(configMap('b'));
    await sandbox.until(async () => (await seen()).length === 2);
  });

  // @promise lifecycle/isolated-failures
  it('a worker that hangs: only its own resource waits, with a condition', async () => {
    const testOperator = defineTestOperator({
      A: {
        sync: ({ resource }) =>
          resource.metadata.name === 'stuck' ? new Promise<never>(() => {}) : { next: 'B' },
      },
      B: {},
    });
    await start(testOperator);
    await sandbox.create(drone('stuck'));
    await sandbox.create(drone('one'));
    expect((await sandbox.get('Drone', 'one'))?.status.phase).to.equal('B');
    await sandbox.advance('1m');
    expect(conditions(await sandbox.get('Drone', 'stuck'))[0]).to.match(/^Ready=False /);
    expect(testOperator.calls.filter(({ resource }) => resource === 'stuck')).to.have.length(1);
  });

  it('a worker that ends when its signal is aborted: it is retried with backoff', async () => {
    const testOperator = defineTestOperator({
      A: {
        sync: ({ signal }) =>
          new Promise<never>((_, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason as Error)),
          ),
      },
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.advance('2m');
    expect(testOperator.calls.length).to.be.greaterThan(2);
    expect(conditions(await sandbox.get('Drone', 'one'))[0]).to.equal('Ready=False WorkerError');
  });

  // @promise reconcile/steps
  it('a lost response to the status write of a step, while the watch is broken: the step is made once', async () => {
    const steps: number[] = [];
    const testOperator = defineTestOperator({
      A: {
        sync: ({ now, lastStep, phaseStartedAt }) => {
          if (lastStep !== undefined && now.getTime() - lastStep.getTime() < 60_000) {
            return { next: 'A', requeueAfter: '10s' };
          }
          steps.push((now.getTime() - phaseStartedAt.getTime()) / 1000);
          return { next: 'A', step: true, requeueAfter: '60s' };
        },
      },
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    let lost = 0;
    faults.fault = ({ verb, kind }) => {
      if (kind !== 'Drone') {
        return undefined;
      }
      if (verb === 'watch') {
        return { when: 'before', error: connectionReset() };
      }
      return verb === 'patch' && lost++ === 0
        ? { when: 'after', error: connectionReset() }
        : undefined;
    };
    faults.endWatches(connectionReset());
    await sandbox.advance('100s');
    expect(lost).to.be.greaterThan(0);
    expect(steps).to.deep.equal([0, 60]);
  });

  // @promise lifecycle/crash-safety
  it('being stopped and started between any two writes', async () => {
    for (let writes = 0; writes < 3; writes++) {
      const testOperator = writer();
      await start(testOperator);
      let count = 0;
      faults.fault = ({ verb, kind }) =>
        kind !== 'Event' && ['apply', 'patch'].includes(verb) && count++ >= writes
          ? { when: 'before', error: connectionReset() }
          : undefined;
      await sandbox.create(drone('one'));
      faults.fault = () => undefined;
      await sandbox.restart(testOperator.scheduler);
      await sandbox.advance('1m');
      expect((await sandbox.get('Drone', 'one'))?.status.phase, `after ${writes} writes`).to.equal(
        'B',
      );
      expect(await sandbox.list('Service')).to.have.length(1);
      if (writes < 2) {
        await sandbox.stop();
      }
    }
  });
});
