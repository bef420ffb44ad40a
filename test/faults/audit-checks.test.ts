import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkAudit, checkReconciles } from './audit-checks.ts';

const event = (second: number, from: string, more: object): object => ({
  verb: 'patch',
  userAgent: `parcel-operator from ${from}`,
  requestReceivedTimestamp: `2030-01-01T00:00:${String(second).padStart(2, '0')}.0Z`,
  stageTimestamp: `2030-01-01T00:00:${String(second).padStart(2, '0')}.5Z`,
  responseStatus: { code: 200 },
  objectRef: { resource: 'configmaps', namespace: 'parcels', name: 'box' },
  ...more,
});
const lease = (second: number, holder: string): object =>
  event(second, holder, {
    objectRef: { resource: 'leases', name: 'l' },
    requestObject: { spec: { holderIdentity: `${holder}_0a1b2c3d` } },
  });
const moved = (second: number, from: string, to: string): object =>
  event(second, 'a0', {
    requestObject: {
      status: { autopilot: { history: [{ from, to, at: '2030-01-01T00:00:00Z' }] } },
    },
  });

describe('the checks of the audit log', () => {
  let file: string;
  before(() => (file = join(mkdtempSync(join(tmpdir(), 'autopilot-evidence-')), 'audit.log')));
  after(() => rmSync(join(file, '..'), { recursive: true, force: true }));
  const judge = (...events: readonly object[]): ReturnType<typeof checkAudit> => {
    // The last line is half: the API server was killed.
    writeFileSync(file, `${events.map((one) => JSON.stringify(one)).join('\n')}\n{"verb":`);
    return checkAudit(file);
  };

  it('finds a write by a process that does not hold the lease any more', async () => {
    const { byNonLeaders, leaders } = await judge(
      lease(1, 'a0'),
      event(2, 'a0', {}),
      lease(20, 'b0'),
      event(21, 'b0', {}),
      event(22, 'a0', {}),
    );
    expect(leaders).to.equal(2);
    expect(byNonLeaders).to.have.length(1);
    expect(byNonLeaders[0]).to.contain(
      'a0 at 2030-01-01T00:00:22.0Z: patch configmaps parcels/box, while b0 held the lease',
    );
  });

  it('lets pass what was refused, what leaders write, and Events', async () => {
    const events = event(22, 'a0', { objectRef: { resource: 'events' } });
    const { byNonLeaders, writes } = await judge(
      lease(20, 'b0'),
      event(21, 'b0', {}),
      event(22, 'a0', { responseStatus: { code: 409 } }),
      events,
    );
    expect(byNonLeaders).to.deep.equal([]);
    expect(writes).to.equal(1);
  });

  it('finds a transition that is not along next', async () => {
    const { wrongTransitions, transitions } = await judge(
      moved(1, 'Packing', 'Sending'),
      moved(2, 'Packing', 'Delivered'),
    );
    expect(transitions).to.equal(2);
    expect(wrongTransitions).to.deep.equal([
      'parcels/box: Packing to Delivered at 2030-01-01T00:00:00Z',
    ]);
  });

  const line = (message: string, at: number): string => JSON.stringify({ message, uid: 'u', at });
  it('finds two concurrent reconciles of one resource, in one process and in two', () => {
    const one = {
      name: 'a0',
      logs: [line('begin', 1), line('begin', 2), line('end', 3), line('end', 4)].join('\n'),
    };
    expect(checkReconciles([one]).overlapping).to.have.length(1);
    const a = { name: 'a0', logs: [line('begin', 1), line('end', 9)].join('\n') };
    const b = { name: 'b0', logs: [line('begin', 5), line('end', 6)].join('\n') };
    expect(checkReconciles([a, b])).to.deep.equal({
      reconciles: 2,
      overlapping: ['u: a0 until 9, b0 from 5'],
    });
  });

  it('ends a reconcile with its process', () => {
    const a = { name: 'a0', logs: line('begin', 1), stopped: 3 };
    const b = { name: 'b0', logs: [line('begin', 5), line('end', 6)].join('\n') };
    expect(checkReconciles([a, b]).overlapping).to.deep.equal([]);
  });
});
