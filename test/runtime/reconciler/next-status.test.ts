import { expect } from 'chai';
import * as fc from 'fast-check';
import type { KubeObject } from '../../../runtime/src/client/object.ts';
import type { StatusCondition } from '../../../runtime/src/reconciler/resource-status.ts';
import type { Situation } from '../../../runtime/src/reconciler/conditions.ts';
import { mergePatch } from '../../../runtime/src/util/json.ts';
import { nextStatus } from '../../../runtime/src/reconciler/next-status.ts';
import type { PhaseDefinition } from '../../../runtime/src/api/scheduler.ts';

const now = new Date('2026-01-02T03:04:05.678Z');
const phase = (name: string, more: Partial<PhaseDefinition> = {}): PhaseDefinition => ({
  name,
  inputs: [],
  outputs: [],
  ...more,
});

function resource(status?: unknown): KubeObject {
  return {
    apiVersion: 't.io/v1',
    kind: 'Thing',
    metadata: { name: 'a', namespace: 'b', generation: 3 },
    ...(status === undefined ? {} : { status }),
  };
}

function conditions(definition: PhaseDefinition, situation: Situation): Record<string, string> {
  const status = nextStatus(
    resource(),
    { phase: definition, situation, isGenerationHandled: true },
    now,
  );
  return Object.fromEntries(
    (status['conditions'] as StatusCondition[]).map(({ type, status: value, reason }) => [
      type,
      `${value} ${reason}`,
    ]),
  );
}

describe('status', () => {
  it('of a resource before its final phase is Reconciling and not Ready', () => {
    expect(conditions(phase('Syncing'), { type: 'ok' })).to.deep.equal({
      Ready: 'False Syncing',
      Reconciling: 'True Syncing',
    });
  });
  it('in a final or a ready phase is Ready and nothing else', () => {
    expect(conditions(phase('Done', { final: true }), { type: 'ok' })).to.deep.equal({
      Ready: 'True Done',
    });
    expect(conditions(phase('Waiting', { ready: true }), { type: 'ok' })).to.deep.equal({
      Ready: 'True Waiting',
    });
  });
  it('in a final phase with ready: false is Stalled', () => {
    expect(
      conditions(phase('Failed', { final: true, ready: false }), { type: 'ok' }),
    ).to.deep.equal({ Ready: 'False Failed', Stalled: 'True Failed' });
  });
  it('of a failing resource is Reconciling, of a stalled one Stalled', () => {
    expect(
      conditions(phase('A'), { type: 'failing', reason: 'WorkerError', message: '' }),
    ).to.deep.equal({
      Ready: 'False WorkerError',
      Reconciling: 'True WorkerError',
    });
    expect(
      conditions(phase('A'), { type: 'stalled', reason: 'NotImplemented', message: '' }),
    ).to.deep.equal({
      Ready: 'False NotImplemented',
      Stalled: 'True NotImplemented',
    });
  });
  it('keeps conditions of other clients, and drops its own that do not apply any more', () => {
    const at = '2026-01-01T00:00:00Z';
    const theirs = {
      type: 'Audited',
      status: 'True',
      reason: 'Fine',
      message: '',
      lastTransitionTime: at,
    };
    const gone = [
      'Stalled',
      'Paused',
      'AwaitingApproval',
      'OutputsApplied',
      'OutputConflict',
      'InputUnavailable',
      'Looping',
      'Quarantined',
    ];
    const before = [
      theirs,
      ...gone.map((type) => ({ ...theirs, type })),
      { ...theirs, type: 'Ready' },
    ];
    const status = nextStatus(
      resource({ conditions: before }),
      { phase: phase('A'), situation: { type: 'ok' }, isGenerationHandled: true },
      now,
    );
    expect((status['conditions'] as StatusCondition[]).map(({ type }) => type)).to.deep.equal([
      'Ready',
      'Reconciling',
      'Audited',
    ]);
    expect((status['conditions'] as StatusCondition[])[2]).to.deep.equal(theirs);
  });
  it('truncates a message that is longer than the CRD allows', () => {
    const status = nextStatus(
      resource(),
      {
        phase: phase('A'),
        situation: { type: 'ok', message: 'x'.repeat(40_000) },
        isGenerationHandled: true,
      },
      now,
    );
    for (const { message } of status['conditions'] as StatusCondition[]) {
      expect(message).to.match(/^x{32767}…$/);
    }
  });
  it('carries the generation that was acted on', () => {
    expect(
      nextStatus(
        resource(),
        { phase: phase('A'), situation: { type: 'ok' }, isGenerationHandled: true },
        now,
      )['observedGeneration'],
    ).to.equal(3);
  });
  it('keeps the stored generation when the reconcile has not acted on it', () => {
    const status = nextStatus(
      resource({ phase: 'A', observedGeneration: 2 }),
      {
        phase: phase('A'),
        situation: { type: 'waiting', reason: 'Paused', message: '' },
        isGenerationHandled: false,
      },
      now,
    );
    expect(status['observedGeneration']).to.equal(2);
  });
  it('keeps the fields of the user that the worker does not return', () => {
    const old = resource({ phase: 'A', kept: 1 });
    expect(
      nextStatus(
        old,
        { phase: phase('A'), situation: { type: 'ok' }, isGenerationHandled: true },
        now,
      ),
    ).to.include({ kept: 1 });
    const given = nextStatus(
      old,
      {
        phase: phase('A'),
        situation: { type: 'ok' },
        isGenerationHandled: true,
        statusInfo: { other: 2 },
      },
      now,
    );
    expect(given).to.include({ other: 2, kept: 1 });
  });
  it('merges statusInfo by top-level field: null removes, an absent field stays', () => {
    const old = resource({ phase: 'A', kept: 1, gone: 2, list: [1, 2], inner: { a: 1, b: 2 } });
    const change = {
      phase: phase('A'),
      situation: { type: 'ok' },
      isGenerationHandled: true,
      statusInfo: { gone: null, list: [3], inner: { a: 4 }, never: null, unset: undefined },
    } as const;
    const {
      phase: name,
      observedGeneration,
      conditions: _,
      autopilot: __,
      ...user
    } = nextStatus(old, change, now);
    expect([name, observedGeneration]).to.deep.equal(['A', 3]);
    expect(user).to.deep.equal({ kept: 1, list: [3], inner: { a: 4 } });
  });
  it('does not let statusInfo set or remove a field of the runtime', () => {
    const statusInfo = { phase: null, conditions: null, autopilot: 'x', observedGeneration: 77 };
    const status = nextStatus(
      resource({ phase: 'A' }),
      { phase: phase('A'), situation: { type: 'ok' }, isGenerationHandled: true, statusInfo },
      now,
    );
    expect(status).to.include({ phase: 'A', observedGeneration: 3 });
    expect(status['conditions']).to.have.length(2);
    expect(status['autopilot']).to.be.an('object');
  });
  it('does not change from one reconcile to the next without an event', () => {
    const first = nextStatus(
      resource(),
      { phase: phase('A'), situation: { type: 'ok' }, isGenerationHandled: true },
      now,
    );
    const second = nextStatus(
      resource(first),
      { phase: phase('A'), situation: { type: 'ok' }, isGenerationHandled: true },
      new Date(now.getTime() + 60_000),
    );
    expect(mergePatch(first, second)).to.equal(undefined);
  });
  it('does not change for a null in statusInfo, which a merge patch cannot write', () => {
    const statusInfo = { gone: null, inner: { gone: null, there: 1 } };
    const change = {
      phase: phase('A'),
      situation: { type: 'ok' },
      isGenerationHandled: true,
      statusInfo,
    } as const;
    const first = { ...nextStatus(resource(), change, now), inner: { there: 1 }, gone: undefined };
    expect(mergePatch(first, nextStatus(resource(first), change, now))).to.equal(undefined);
    expect(
      mergePatch({ ...first, gone: 1 }, nextStatus(resource({ ...first, gone: 1 }), change, now)),
    ).to.deep.equal({ gone: null });
  });
  it('restarts the phase time, drops the last step and writes history on a transition', () => {
    const old = resource({
      phase: 'A',
      autopilot: { phaseStartedAt: '2025-01-01T00:00:00Z', lastStep: '2025-01-01T00:00:01Z' },
    });
    const status = nextStatus(
      old,
      { phase: phase('B'), situation: { type: 'ok' }, isGenerationHandled: true },
      now,
    );
    expect(status['autopilot']).to.deep.equal({
      phaseStartedAt: '2026-01-02T03:04:05.678Z',
      history: [{ from: 'A', to: 'B', at: '2026-01-02T03:04:05Z', reason: 'Worker' }],
    });
  });
  it('counts a former name of the phase as the phase itself', () => {
    const old = resource({ phase: 'Old', autopilot: { phaseStartedAt: '2025-01-01T00:00:00Z' } });
    const status = nextStatus(
      old,
      {
        phase: phase('New', { formerly: ['Old'] }),
        situation: { type: 'ok' },
        isGenerationHandled: true,
      },
      now,
    );
    expect(status['autopilot']).to.deep.equal({ phaseStartedAt: '2025-01-01T00:00:00Z' });
  });
});

describe('merge patch', () => {
  /** RFC 7386, section 2. */
  function applyMergePatch(target: unknown, patch: unknown): unknown {
    if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
      return patch;
    }
    const result: Record<string, unknown> =
      typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
    for (const [name, value] of Object.entries(patch)) {
      if (value === null) {
        delete result[name];
      } else {
        result[name] = applyMergePatch(result[name], value);
      }
    }
    return result;
  }

  it('handles fields named like members of every object', () => {
    expect(mergePatch({ constructor: 1 }, {})).to.deep.equal({ constructor: null });
    expect(mergePatch({}, { toString: { a: 1 } })).to.deep.equal({ toString: { a: 1 } });
  });

  it('of the difference turns one value into the other', () => {
    const json = fc.letrec<{ value: unknown; map: Record<string, unknown> }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.integer(),
        fc.string(),
        fc.boolean(),
        fc.array(fc.integer(), { maxLength: 3 }),
        tie('map'),
      ),
      map: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), {
        noNullPrototype: true,
      }),
    })).map;
    fc.assert(
      fc.property(json, json, (from, to) => {
        const patch = mergePatch(from, to);
        expect(patch === undefined ? from : applyMergePatch(from, patch)).to.deep.equal(to);
      }),
    );
  });
});
