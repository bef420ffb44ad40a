import { expect } from 'chai';
import type { KubeObject } from '../../../runtime/src/client/object.ts';
import { countPhases } from '../../../runtime/src/controller/phase-counts.ts';
import type { Scheduler } from '../../../runtime/src/api/scheduler.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');
const scheduler = { phases: [{ name: 'A', initial: true }, { name: 'B' }] } as unknown as Scheduler;

function resource(phase: string, phaseStartedAt?: string, stalled = false): KubeObject {
  const conditions = stalled ? [{ type: 'Stalled', status: 'True' }] : [];
  return {
    apiVersion: 'v1',
    kind: 'Drone',
    metadata: { name: 'one' },
    status: { phase, conditions, autopilot: { phaseStartedAt } },
  } as KubeObject;
}

describe('the phase counts', () => {
  it('have every phase, also phases without a resource', () => {
    expect([...countPhases(scheduler, [], NOW)]).to.deep.equal([
      ['A', { resources: 0, stalled: 0, oldestMs: 0 }],
      ['B', { resources: 0, stalled: 0, oldestMs: 0 }],
    ]);
  });

  it('count Stalled resources and the age of the oldest', () => {
    const all = [
      resource('B', '2026-01-01T00:09:00Z'),
      resource('B', '2026-01-01T00:05:00Z', true),
      resource('A'),
    ];
    expect(countPhases(scheduler, all, NOW).get('B')).to.deep.equal({
      resources: 2,
      stalled: 1,
      oldestMs: 300_000,
    });
    expect(countPhases(scheduler, all, NOW).get('A')).to.deep.equal({
      resources: 1,
      stalled: 0,
      oldestMs: 0,
    });
  });

  it('count resources in an unknown phase as unknown', () => {
    expect(countPhases(scheduler, [resource('Elsewhere')], NOW).get('unknown')?.resources).to.equal(
      1,
    );
  });
});
