import { expect } from 'chai';
import { PermanentError, RetryLater } from '../../runtime/src/index.ts';
import type { Sandbox, SandboxOptions } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import type { TestOperator } from './test-operators.ts';
import {
  conditions,
  configMap,
  drone,
  input,
  defineTestOperator,
  output,
  readyMessage,
  service,
} from './test-operators.ts';

describe('one reconcile', () => {
  let sandbox: Sandbox;
  afterEach(() => sandbox.stop());

  async function start({ scheduler }: TestOperator, options?: SandboxOptions): Promise<void> {
    sandbox = await startSandbox(scheduler, options);
  }
  const status = async (name = 'one') => (await sandbox.get('Drone', name))?.status ?? {};

  it('calls the worker of the initial phase for a new resource, and follows `next` at once', async () => {
    const testOperator = defineTestOperator({
      A: { sync: () => ({ next: 'B' }) },
      B: { sync: () => ({ next: 'C' }) },
      C: {},
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    expect(testOperator.calls.map(({ phase, at }) => [phase, at])).to.deep.equal([
      ['A', 0],
      ['B', 0],
    ]);
    expect((await status()).phase).to.equal('C');
  });

  // @promise reconcile/frozen-context
  it('gives the worker frozen objects: a change in place throws', async () => {
    await start(
      defineTestOperator({
        A: { sync: ({ resource }) => (((resource.spec as { x: number }).x = 1), { next: 'A' }) },
      }),
    );
    await sandbox.create(drone('one', { x: 0 }));
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
      'Ready=False WorkerError',
      'Reconciling=True WorkerError',
    ]);
    expect(readyMessage(await sandbox.get('Drone', 'one'))).to.contain('read only');
  });

  // @promise reconcile/timing
  it('stays for workInterval, an `interval` of the phase before it, a `requeueAfter` before that', async () => {
    const testOperator = defineTestOperator({
      A: { sync: ({ resource }) => ({ next: (resource.spec as { to: string }).to }) },
      B: { sync: () => ({ next: 'B' }) },
      C: { interval: '20s', sync: () => ({ next: 'C' }) },
      D: { interval: '20s', sync: () => ({ next: 'D', requeueAfter: '7s' }) },
    });
    await start(testOperator, { config: { workInterval: '30s' } });
    for (const to of ['B', 'C', 'D']) {
      await sandbox.create(drone(to.toLowerCase(), { to }));
    }
    await sandbox.advance('40s');
    const times = (phase: string): readonly number[] =>
      testOperator.calls.filter((call) => call.phase === phase).map(({ at }) => at);
    expect([times('B'), times('C'), times('D')]).to.deep.equal([
      [0, 30],
      [0, 20, 40],
      [0, 7, 14, 21, 28, 35],
    ]);
  });

  const wrong: readonly [string, () => object, RegExp][] = [
    [
      'a phase that it may not go to',
      () => ({ next: 'C', outputs: { services: [service('a')] } }),
      /C/,
    ],
    [
      'a phase that does not exist',
      () => ({ next: 'Nowhere', outputs: { services: [service('a')] } }),
      /Nowhere/,
    ],
    [
      'an output that it does not declare',
      () => ({ next: 'B', outputs: { services: [service('a')], pods: [] } }),
      /pods/,
    ],
    [
      'an object of another kind',
      () => ({
        next: 'B',
        outputs: { services: [service('a'), { ...service('b'), kind: 'Pod' }] },
      }),
      /Pod/,
    ],
    [
      'an object in another namespace',
      () => ({
        next: 'B',
        outputs: {
          services: [
            service('a'),
            { ...service('b'), metadata: { name: 'b', namespace: 'other' } },
          ],
        },
      }),
      /other/,
    ],
    [
      'a requeueAfter that is no duration',
      () => ({ next: 'A', requeueAfter: 'soon', outputs: { services: [service('a')] } }),
      /'soon' is not a duration/,
    ],
    [
      'a statusInfo that is not an object',
      () => ({ next: 'A', statusInfo: [1], outputs: { services: [service('a')] } }),
      /statusInfo: \[1\]; it must be an object/,
    ],
    [
      'a value that is no JSON',
      () => ({ next: 'A', statusInfo: { call: () => 1 }, outputs: { services: [service('a')] } }),
      /^phase A returned a value .*: statusInfo\.call is a function, which is not JSON/,
    ],
    [
      'a number in an output that JSON does not have',
      () => ({
        next: 'A',
        outputs: { services: [service('a'), service('b', NaN)] },
      }),
      /outputs\.services\[1\]\.spec\.ports\[0\]\.port is NaN/,
    ],
    [
      'an object as it was read, with a hint at what to do instead',
      () => ({
        next: 'B',
        outputs: {
          services: [service('a'), { ...service('b'), metadata: { name: 'b', generation: 1 } }],
        },
      }),
      /returns Service b as it was read \(metadata\.generation is set\).*claimFields\(\) or a builder of autopilot-runtime\/mesh/,
    ],
    [
      'an object with an illegal name',
      () => ({ next: 'B', outputs: { services: [service('a'), service('Not_Legal')] } }),
      /Not_Legal/,
    ],
  ];
  for (const [title, result, message] of wrong) {
    // @promise reconcile/frozen-context
    it(`writes nothing when a worker returns ${title}, and says what is wrong`, async () => {
      await start(
        defineTestOperator({
          A: { next: ['B'], outputs: [output.services], sync: () => result() as never },
          B: {},
          C: {},
        }),
      );
      await sandbox.create(drone('one'));
      expect(await sandbox.list('Service')).to.deep.equal([]);
      const found = await sandbox.get('Drone', 'one');
      expect(conditions(found)[1]).to.match(/^Stalled=True /);
      expect(readyMessage(found)).to.match(message);
      expect(found?.status.phase).to.equal('A');
    });
  }

  // @promise reconcile/unknown-phase
  it('makes a resource in an unknown phase Stalled, and names the phases', async () => {
    const testOperator = defineTestOperator({ A: { sync: () => ({ next: 'A' }) } });
    await start(testOperator, { objects: [] });
    await sandbox.stop();
    await sandbox.create(drone('one'));
    await sandbox.cluster.api.patch(
      testOperator.scheduler.resource,
      { namespace: 'default', name: 'one' },
      { type: 'merge', body: { status: { phase: 'Gone' } } },
      { subresource: 'status' },
    );
    await sandbox.restart(testOperator.scheduler);
    await sandbox.advance('1h');
    expect(testOperator.calls).to.deep.equal([]);
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
      'Ready=False UnknownPhase',
      'Stalled=True UnknownPhase',
    ]);
    expect(readyMessage(await sandbox.get('Drone', 'one'))).to.contain(
      "status.phase is 'Gone', which is not a phase of this operator (A)",
    );
  });

  // @promise reconcile/unknown-phase
  it('continues from a phase under its former name', async () => {
    const old = defineTestOperator({ Old: { sync: () => ({ next: 'Old' }) } });
    await start(old);
    await sandbox.create(drone('one'));
    const renamed = defineTestOperator({
      New: { formerly: ['Old'], sync: () => ({ next: 'New' }) },
    });
    await sandbox.restart(renamed.scheduler);
    expect(renamed.calls.map(({ phase }) => phase)).to.deep.equal(['New']);
    expect((await status()).phase).to.equal('New');
  });

  // @promise reconcile/paused
  it('does not call the worker of a paused resource, until the annotation is removed', async () => {
    const testOperator = defineTestOperator({ A: { sync: () => ({ next: 'B' }) }, B: {} });
    await start(testOperator);
    await sandbox.create(
      drone('one', {}, { annotations: { 'drones.autopilot.test/paused': 'true' } }),
    );
    await sandbox.advance('1h');
    expect(testOperator.calls).to.deep.equal([]);
    expect(conditions(await sandbox.get('Drone', 'one'))[0]).to.equal('Ready=False Paused');
    await sandbox.patch('Drone', 'one', {
      metadata: { annotations: { 'drones.autopilot.test/paused': null } },
    });
    expect((await status()).phase).to.equal('B');
  });

  // @promise reconcile/final-phase
  it('watches nothing and does nothing in a final phase, until the spec changes: then it starts over', async () => {
    const testOperator = defineTestOperator({ A: { sync: () => ({ next: 'Done' }) }, Done: {} });
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.advance('1h');
    expect(testOperator.calls).to.have.length(1);
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal(['Ready=True Done']);
    await sandbox.patch('Drone', 'one', { spec: { again: true } });
    expect(testOperator.calls.map(({ phase }) => phase)).to.deep.equal(['A', 'A']);
    expect((await status()).autopilot.history[1]).to.include({
      from: 'Done',
      to: 'A',
      reason: 'SpecChange',
    });
  });

  it('is Stalled in a final phase that is not ready', async () => {
    await start(
      defineTestOperator({ A: { sync: () => ({ next: 'Failed' }) }, Failed: { ready: false } }),
    );
    await sandbox.create(drone('one'));
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
      'Ready=False Failed',
      'Stalled=True Failed',
    ]);
  });

  // @promise reconcile/declared-transitions
  it('moves on a spec change to the phase that onSpecChange names, without calling a worker in between', async () => {
    const testOperator = defineTestOperator({
      A: { sync: () => ({ next: 'B' }) },
      B: { onSpecChange: 'C', sync: () => ({ next: 'B' }) },
      C: { sync: () => ({ next: 'C' }) },
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.patch('Drone', 'one', { spec: { changed: true } });
    expect(testOperator.calls.map(({ phase }) => phase)).to.deep.equal(['A', 'B', 'C']);
  });

  // @promise reconcile/declared-transitions
  it('refuses a table whose onTimeout names the phase itself or an unknown phase', () => {
    const sync = (): { next: string } => ({ next: 'A' });
    expect(() => defineTestOperator({ A: { timeout: '1s', onTimeout: 'A', sync } })).to.throw(
      'phase A: onTimeout names the phase itself',
    );
    expect(() => defineTestOperator({ A: { timeout: '1s', onTimeout: 'C', sync } })).to.throw(
      'phase A: onTimeout names C, which is not a phase',
    );
    expect(() => defineTestOperator({ A: { onSpecChange: 'C', sync } })).to.throw(
      'phase A: onSpecChange names C, which is not a phase',
    );
  });

  // @promise reconcile/declared-transitions
  it('moves to onTimeout when the time of a phase is up, also while its worker fails', async () => {
    const testOperator = defineTestOperator({
      A: { timeout: '90s', onTimeout: 'Late', sync: () => Promise.reject(new Error('never')) },
      Late: {},
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.advance('89s');
    expect((await status()).phase).to.equal('A');
    await sandbox.advance('1s');
    expect((await status()).phase).to.equal('Late');
    expect((await status()).autopilot.history[0]).to.include({
      from: 'A',
      to: 'Late',
      reason: 'Timeout',
    });
  });

  it('moves to onTimeout also after PermanentError and RetryLater', async () => {
    const give = new PermanentError('there is no such airport');
    for (const error of [give, new RetryLater('1h')]) {
      const testOperator = defineTestOperator({
        A: { timeout: '90s', onTimeout: 'Late', sync: () => Promise.reject(error) },
        Late: {},
      });
      await start(testOperator);
      await sandbox.create(drone('one'));
      await sandbox.advance('90s');
      expect((await status()).phase).to.equal('Late');
      if (error === give) {
        await sandbox.stop();
      }
    }
  });

  // @promise reconcile/steps
  it('remembers a step across reconciles and restarts, and forgets it with the phase', async () => {
    const seen: (string | undefined)[] = [];
    const testOperator = defineTestOperator({
      A: {
        sync: ({ lastStep, now }) => (
          seen.push(lastStep?.toISOString()),
          lastStep === undefined || now.getTime() - lastStep.getTime() >= 60_000
            ? { next: 'A', step: true, requeueAfter: '60s' }
            : { next: 'A', requeueAfter: '60s' }
        ),
      },
    });
    await start(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.advance('30s');
    await sandbox.restart(testOperator.scheduler);
    expect(seen).to.deep.equal([undefined, '2026-01-01T00:00:00.000Z']);
    expect((await status()).autopilot.lastStep).to.equal('2026-01-01T00:00:00.000Z');
  });

  // @promise reconcile/status-info
  it('merges statusInfo by top-level field: absent stays, null removes', async () => {
    await start(
      defineTestOperator({
        A: { sync: () => ({ next: 'B', statusInfo: { one: 1, two: 2, three: 3 } }) },
        B: { sync: () => ({ next: 'C' }) },
        C: { sync: () => ({ next: 'C', statusInfo: { one: 4, three: null } }) },
      }),
    );
    await sandbox.create(drone('one'));
    const { one, two, ...others } = await status();
    expect([one, two]).to.deep.equal([4, 2]);
    expect(others).not.to.have.property('three');
  });

  it('is Stalled with StatusRefused when the API server refuses the statusInfo, and keeps the phase', async () => {
    const testOperator = defineTestOperator({
      A: { sync: () => ({ next: 'B', statusInfo: { count: 'three' } }) },
      B: {},
    });
    const { group, plural, kind } = testOperator.scheduler.resource;
    const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    const openAPIV3Schema = {
      type: 'object',
      properties: { spec: open, status: { ...open, properties: { count: { type: 'integer' } } } },
    };
    const versions = [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema },
        subresources: { status: {} },
      },
    ];
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: { group, names: { kind, plural }, scope: 'Namespaced', versions },
    };
    await start(testOperator, { crd });
    await sandbox.create(drone('one'));
    await sandbox.advance('1h');
    expect(testOperator.calls).to.have.length(1);
    expect((await status()).phase).to.equal('A');
    expect(conditions(await sandbox.get('Drone', 'one'))).to.deep.equal([
      'Ready=False StatusRefused',
      'Stalled=True StatusRefused',
    ]);
    expect(readyMessage(await sandbox.get('Drone', 'one')))
      .to.contain('the API server refused the statusInfo that the worker returned')
      .and.contain('status.count');
  });

  // @promise reconcile/order-of-writes
  it('writes nothing when nothing has changed', async () => {
    await start(
      defineTestOperator({
        A: {
          outputs: [output.services],
          sync: () => ({ next: 'A', requeueAfter: '1s', outputs: { services: [service('a')] } }),
        },
      }),
    );
    await sandbox.create(drone('one'));
    const { version } = sandbox.cluster;
    await sandbox.advance('1m');
    expect(sandbox.cluster.version).to.equal(version);
  });

  it('does nothing for a resource that is being deleted', async () => {
    const testOperator = defineTestOperator({
      A: { sync: () => ({ next: 'A', requeueAfter: '1s' }) },
    });
    await start(testOperator);
    await sandbox.create(drone('one', {}, { finalizers: ['example.com/other'] }));
    await sandbox.delete('Drone', 'one');
    const before = testOperator.calls.length;
    await sandbox.advance('1m');
    expect(testOperator.calls).to.have.length(before);
  });

  it('is enqueued by inputs that were read, and not by others', async () => {
    const testOperator = defineTestOperator({
      A: {
        inputs: [input.configmaps],
        sync: ({ inputs }) => (
          inputs['configmaps']?.list({ selector: { matchLabels: { watch: 'yes' } } }),
          { next: 'A' }
        ),
      },
    });
    await start(testOperator, { config: { workInterval: '1h' } });
    await sandbox.create(drone('one'));
    await sandbox.create(configMap('no'));
    expect(testOperator.calls).to.have.length(1);
    await sandbox.create(configMap('yes', {}, { labels: { watch: 'yes' } }));
    expect(testOperator.calls).to.have.length(2);
    await sandbox.patch('ConfigMap', 'no', { metadata: { labels: { watch: 'yes' } } });
    expect(testOperator.calls).to.have.length(3);
    await sandbox.patch('ConfigMap', 'yes', { metadata: { labels: { watch: null } } });
    expect(testOperator.calls).to.have.length(4);
    await sandbox.delete('ConfigMap', 'yes');
    expect(testOperator.calls).to.have.length(4);
  });

  // @promise inputs/once-after-start
  it('starts every resource once after a restart, and keeps its phase', async () => {
    const testOperator = defineTestOperator({
      A: { sync: () => ({ next: 'B' }) },
      B: { sync: () => ({ next: 'B' }) },
    });
    await start(testOperator);
    for (const name of ['one', 'two']) {
      await sandbox.create(drone(name));
    }
    const before = testOperator.calls.length;
    await sandbox.restart(testOperator.scheduler);
    expect(
      testOperator.calls
        .slice(before)
        .map(({ phase, resource }) => `${phase} ${resource}`)
        .sort(),
    ).to.deep.equal(['B one', 'B two']);
  });
});
