import { expect } from 'chai';
import type { Operator } from '../../runtime/src/internal.ts';
import { startOperator } from '../../runtime/src/internal.ts';
import type { Logger } from '../../runtime/src/index.ts';
import type { Sandbox } from '../../sandbox/src/index.ts';
import { startSandbox } from '../../sandbox/src/index.ts';
import type { RequestFault } from './fault-injector.ts';
import { FaultInjector, refusal } from './fault-injector.ts';
import type { TestOperator } from './test-operators.ts';
import {
  conditions,
  defineTestOperator,
  drone,
  DRONES,
  input,
  output,
  readyMessage,
  service,
} from './test-operators.ts';

const LEASES = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
} as const;
const LEADER_ELECTION = { enableLeaderElection: true, leaderElectionNamespace: 'default' };
const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const optionalRoutes = { ...input.virtualservices, optional: true };

let sandbox: Sandbox;
let second: Operator | undefined;
let faults: FaultInjector;

/** Lists and watches of one kind fail with this code. */
function breakKind(broken: string, code = 500): void {
  const fault: RequestFault = { when: 'before', error: refusal(code, 'InternalError') };
  faults.fault = ({ verb, kind }) =>
    kind === broken && ['list', 'watch'].includes(verb) ? fault : undefined;
}
/** Lists of one kind never answer. */
function hangKind(broken: string): void {
  const { wrapApi } = faults;
  Object.assign(faults, {
    wrapApi: (api: Parameters<typeof wrapApi>[0]) => {
      const wrapped = wrapApi(api);
      return {
        ...wrapped,
        list: (...call: Parameters<typeof wrapped.list>) =>
          call[0].kind === broken
            ? new Promise((_, reject) =>
                call[2]?.addEventListener('abort', () => reject(call[2]?.reason as Error)),
              )
            : wrapped.list(...call),
      };
    },
  });
}
function startSecond({ scheduler }: TestOperator, log = silent): Operator {
  return startOperator({
    scheduler,
    api: faults.wrapApi(sandbox.cluster.api),
    clock: sandbox.clock,
    random: () => 0.5,
    log,
    config: LEADER_ELECTION,
    identity: 'second',
  });
}
const phase = async (): Promise<unknown> => (await sandbox.get('Drone', 'one'))?.status?.phase;
async function holder(): Promise<unknown> {
  const { items } = await sandbox.cluster.api.list(LEASES);
  return (items[0] as { spec?: { holderIdentity?: string } } | undefined)?.spec?.holderIdentity;
}

describe('a configuration that is not in effect', () => {
  // @promise lifecycle/refused-config
  it('is told by an Event on the Lease', async () => {
    const { scheduler } = defineTestOperator({ A: { sync: () => ({ next: 'A' }) } });
    sandbox = await startSandbox(scheduler);
    faults = new FaultInjector();
    second = startSecond({ scheduler, calls: [] });
    await sandbox.advance('10s');
    second.reportConfig('f.yaml:1:1: unknown');
    await sandbox.advance('1s');
    const events = (await sandbox.list('Event')).map((event) => JSON.stringify(event));
    expect(events.filter((event) => event.includes('"reason":"ConfigRefused"'))).to.have.length(1);
    expect(second.configProblem()).to.equal('f.yaml:1:1: unknown');
    await sandbox.stop();
    void second.stop();
  });
});

describe('one kind that cannot be read', () => {
  beforeEach(() => {
    faults = new FaultInjector();
    second = undefined;
  });
  afterEach(async () => {
    faults.fault = () => undefined;
    void second?.stop();
    await sandbox.stop();
  });

  for (const how of ['500', '429', 'no response']) {
    // @promise inputs/one-broken-kind
    it(`stops only the phases that read it, from the start of a process: ${how}`, async () => {
      const testOperator = defineTestOperator({
        A: {
          outputs: [output.services],
          interval: '5s',
          sync: () => ({ next: 'A', outputs: { services: [service('a')] } }),
        },
        B: {
          inputs: [optionalRoutes],
          timeout: '10m',
          onTimeout: 'A',
          sync: () => ({ next: 'B' }),
        },
      });
      if (how === 'no response') {
        hangKind('VirtualService');
      } else {
        breakKind('VirtualService', Number(how));
      }
      sandbox = await startSandbox(testOperator.scheduler, { wrapApi: faults.wrapApi });
      await sandbox.create(drone('one'));
      await sandbox.create(drone('two'));
      await sandbox.cluster.api.patch(
        DRONES,
        { namespace: 'default', name: 'two' },
        { type: 'merge', body: { status: { phase: 'B' } } },
        { subresource: 'status' },
      );
      await sandbox.advance('5m');
      expect(testOperator.calls.length, 'calls of A').to.be.greaterThan(10);
      const two = await sandbox.get('Drone', 'two');
      expect(two?.status?.phase).to.equal('B');
      expect(conditions(two)).to.include('InputUnavailable=True InputUnavailable');
      expect(readyMessage(two)).to.include('input virtualservices cannot be read: not read yet');
      await sandbox.advance('10m');
      expect((await sandbox.get('Drone', 'two'))?.status?.phase, 'its timeout').to.equal('A');
    });
  }

  // @promise inputs/one-broken-kind
  it('delays no deletion of a resource that has nothing in it', async () => {
    const testOperator = defineTestOperator(
      {
        A: {
          inputs: [optionalRoutes],
          outputs: [output.services],
          sync: () => ({ next: 'A', outputs: { services: [service('a')] } }),
        },
      },
      { finalize: () => ({ done: true }) },
    );
    sandbox = await startSandbox(testOperator.scheduler, { wrapApi: faults.wrapApi });
    await sandbox.create(drone('one'));
    breakKind('VirtualService');
    await sandbox.restart(testOperator.scheduler, { wrapApi: faults.wrapApi });
    await sandbox.delete('Drone', 'one');
    await sandbox.advance('2m');
    expect(await sandbox.get('Drone', 'one')).to.equal(undefined);
  });

  // @promise inputs/one-broken-kind
  it('lets a standby lead that wins the lease, with timeouts', async () => {
    const testOperator = defineTestOperator({
      A: {
        outputs: [output.services],
        interval: '5s',
        timeout: '2m',
        onTimeout: 'RollBack',
        sync: () => ({ next: 'A', outputs: { services: [service('a')] } }),
      },
      RollBack: { sync: () => ({ next: 'RollBack' }) },
      C: { inputs: [optionalRoutes], sync: () => ({ next: 'C' }) },
    });
    sandbox = await startSandbox(testOperator.scheduler, { config: LEADER_ELECTION });
    second = startSecond(testOperator);
    await sandbox.create(drone('one'));
    await sandbox.advance('10s');
    breakKind('VirtualService');
    await sandbox.stop();
    await sandbox.advance('5m');
    expect([second.isLeading(), await holder(), await phase()]).to.deep.equal([
      true,
      'second',
      'RollBack',
    ]);
  });

  // @promise election/gives-back
  it('makes a winner that cannot read its own kind give the lease back, and say so', async () => {
    const lines: string[] = [];
    const testOperator = defineTestOperator({ A: { sync: () => ({ next: 'A' }) } });
    sandbox = await startSandbox(testOperator.scheduler, { config: LEADER_ELECTION });
    second = startSecond(testOperator, {
      ...silent,
      error: (message: string) => void lines.push(message),
    });
    await sandbox.create(drone('one'));
    await sandbox.advance('10s');
    breakKind('Drone');
    await sandbox.stop();
    await sandbox.advance('3m');
    expect([second.isLeading(), await holder()]).to.deep.equal([false, '']);
    expect(second.leadershipProblem()).to.include('Drone');
    expect(lines.join()).to.include('cannot lead');
    const notes = (await sandbox.list('Event')).map((event) => JSON.stringify(event));
    expect(notes.some((note) => note.includes('"reason":"CannotLead"'))).to.equal(true);
    faults.fault = () => undefined;
    await sandbox.advance('3m');
    expect([second.isLeading(), await holder()]).to.deep.equal([true, 'second']);
    expect(second.leadershipProblem()).to.equal(undefined);
  });
});
