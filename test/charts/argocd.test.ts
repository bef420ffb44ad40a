import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import type { PhaseDefinition } from '../../runtime/src/api/scheduler.ts';
import { conditionsOf } from '../../runtime/src/reconciler/conditions.ts';
import type { Situation } from '../../runtime/src/reconciler/conditions.ts';
import { tool } from '../realparts/index.ts';
import { at, chartOf, render } from './rendering.ts';
import type { Chart, Json } from './rendering.ts';

const phase = (more: Partial<PhaseDefinition>): PhaseDefinition => ({
  name: 'A',
  inputs: [],
  outputs: [],
  ...more,
});
const [working, ready] = [phase({}), phase({ ready: true })];
const [end, failedEnd] = [phase({ final: true }), phase({ final: true, ready: false })];

interface Case {
  readonly what: string;
  readonly phase: PhaseDefinition;
  readonly situation: Situation;
  readonly health: string;
  readonly metadata?: Json;
}

const CASES: readonly Case[] = [
  { what: 'works', phase: working, situation: { type: 'ok' }, health: 'Progressing' },
  { what: 'is ready', phase: ready, situation: { type: 'ok' }, health: 'Healthy' },
  { what: 'is at its end', phase: end, situation: { type: 'ok' }, health: 'Healthy' },
  { what: 'has failed for good', phase: failedEnd, situation: { type: 'ok' }, health: 'Degraded' },
  {
    what: 'is paused',
    phase: working,
    situation: { type: 'paused', message: 'm' },
    health: 'Suspended',
  },
  {
    what: 'is paused before its new spec is handled',
    phase: working,
    situation: { type: 'paused', message: 'm' },
    health: 'Suspended',
    metadata: { generation: 2 },
  },
  {
    what: 'waits for an approval',
    phase: working,
    situation: { type: 'awaitingApproval', message: 'm' },
    health: 'Suspended',
  },
  {
    what: 'waits for a kind',
    phase: working,
    situation: { type: 'waiting', reason: 'InputUnavailable', message: 'm' },
    health: 'Progressing',
  },
  {
    what: 'fails and is retried',
    phase: ready,
    situation: { type: 'failing', reason: 'OutputRefused', message: 'm' },
    health: 'Progressing',
  },
  {
    what: 'is stalled',
    phase: ready,
    situation: { type: 'stalled', reason: 'PermanentError', message: 'm' },
    health: 'Degraded',
  },
  {
    what: 'was ready before its spec was changed',
    phase: ready,
    situation: { type: 'ok' },
    health: 'Progressing',
    metadata: { generation: 2 },
  },
  {
    what: 'is being deleted',
    phase: ready,
    situation: { type: 'ok' },
    health: 'Progressing',
    metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
  },
];

function objectOf({ phase: of, situation, metadata }: Case): unknown {
  const conditions = conditionsOf({
    old: [],
    phase: of,
    situation,
    generation: 1,
    at: '2026-01-01T00:00:00Z',
  });
  return {
    metadata: { generation: 1, ...metadata },
    status: { observedGeneration: 1, conditions },
  };
}

/** A value as a Lua expression. */
function lua(value: unknown): string {
  if (Array.isArray(value)) {
    return `{${value.map(lua).join(', ')}}`;
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([name, member]) => `[${JSON.stringify(name)}] = ${lua(member)}`,
    );
    return `{${members.join(', ')}}`;
  }
  return JSON.stringify(value);
}

describe('the chart under Argo CD', () => {
  let chart: Chart;
  let folder: string;
  before(async () => {
    chart = await chartOf({ kind: 'Example' });
    folder = mkdtempSync(join(tmpdir(), 'autopilot-argocd-'));
  });
  after(() => {
    chart?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What the health script answers, in the interpreter that Argo CD uses. */
  async function healthOf(object: unknown): Promise<readonly [health: string, message: string]> {
    const script = readFileSync(join(chart.path, 'files/argocd-health.lua'), 'utf8');
    const file = join(folder, 'health.lua');
    writeFileSync(
      file,
      `obj = ${lua(object)}\nlocal answer = (function()\n${script}\nend)()\nprint(answer.status)\nprint(answer.message)\n`,
    );
    const { stdout } = await execa(await tool('glua'), [file]);
    const [health = '', message = ''] = stdout.split('\n');
    return [health, message];
  }

  for (const one of CASES) {
    it(`shows a resource that ${one.what} as ${one.health}`, async () => {
      const [health, message] = await healthOf(objectOf(one));
      expect(health).to.equal(one.health);
      expect(message).to.be.a('string').and.not.equal('nil');
    });
  }

  it('shows a resource without status as Progressing', async () => {
    const [health, message] = await healthOf({ metadata: { generation: 1 } });
    expect(health).to.equal('Progressing');
    expect(message).to.equal('The operator has not handled this spec yet.');
  });

  it('keeps the kind when Argo CD prunes, unless the kind is not to be kept', async () => {
    const annotationsOf = async (values: Json): Promise<unknown> => {
      const manifests = await render(chart.path, { values });
      const crd = manifests.find(({ kind }) => kind === 'CustomResourceDefinition');
      return at(crd, 'metadata.annotations');
    };
    expect(await annotationsOf({})).to.deep.include({
      'argocd.argoproj.io/sync-options': 'Prune=false',
    });
    expect(await annotationsOf({ crds: { keep: false } })).to.equal(undefined);
  });
});
