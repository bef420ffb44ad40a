import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { RENEW_DEADLINE_MS } from '../../../runtime/src/leader-election/lease-state.ts';
import type { BlockedReport } from '../../../runtime/src/operator/watchdog.ts';
import { BLOCKED_MS, readBlockedReport } from '../../../runtime/src/operator/watchdog.ts';

/** Lets a process run for 20 of each 200 ms, as a CPU limit of 100m does. */
function throttle(pid: number): () => void {
  let isRunning = true;
  let timer: NodeJS.Timeout;
  const turn = (): void => {
    try {
      process.kill(pid, isRunning ? 'SIGSTOP' : 'SIGCONT');
    } catch {
      return; // The process has ended.
    }
    isRunning = !isRunning;
    timer = setTimeout(turn, isRunning ? 20 : 180);
  };
  timer = setTimeout(turn, 20);
  return () => clearTimeout(timer);
}

describe('the watchdog', () => {
  let folder: string;
  let note: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-watchdog-'));
    note = join(folder, 'blocked.json');
  });
  after(() => rmSync(folder, { recursive: true }));

  const run = (more: readonly string[] = []) =>
    execa(
      process.execPath,
      [
        '--conditions=autopilot-source',
        join(import.meta.dirname, 'processes/blocked.ts'),
        note,
        ...more,
      ],
      {
        reject: false,
        env: { NODE_OPTIONS: '' },
        timeout: 110_000,
      },
    );
  const left = (): BlockedReport => JSON.parse(readFileSync(note, 'utf8')) as BlockedReport;

  it('kills a process whose worker blocks the event loop, and logs the resource, the phase and the place', async () => {
    const { stdout, signal } = await run();
    expect(signal).to.equal('SIGKILL');
    const said = JSON.parse(stdout) as { message: string; reconciles: object[]; stack: string[] };
    expect(said.message).to.equal(
      'the event loop has been blocked for 1.5 s; killing this process so that another replica can take over',
    );
    expect(said.reconciles).to.deep.equal([
      { resource: 'x/one', phase: 'Evaluating', reconcileId: '2' },
    ]);
    expect(said.stack[0]).to.match(/^evaluating \(file:.*blocked\.ts:\d+:\d+\)$/);
  }).timeout(60_000);

  // @promise lifecycle/blocked-event-loop
  it('kills a process before its lease expires', () => {
    // It looks twice a second, and gives the inspector a second.
    expect(BLOCKED_MS + 500 + 1_000).to.be.lessThan(RENEW_DEADLINE_MS);
  });

  it('leaves a report for the next process, which counts consecutive times', async () => {
    expect(left()).to.deep.include({
      reconciles: [{ resource: 'x/one', phase: 'Evaluating' }],
      consecutiveTimes: 1,
    });
    await run();
    expect(left()).to.deep.include({ consecutiveTimes: 2 });
  }).timeout(60_000);

  it('kills the process also when its log pipe is full', async () => {
    const fifo = join(folder, 'log');
    await execa('mkfifo', [fifo]);
    const log = openSync(fifo, 'r+');
    const full = spawn(
      process.execPath,
      [
        '--conditions=autopilot-source',
        join(import.meta.dirname, 'processes/blocked.ts'),
        note,
        'full',
      ],
      {
        stdio: ['ignore', log, 'inherit'],
        env: { ...process.env, NODE_OPTIONS: '' },
        timeout: 30_000,
      },
    );
    const signal = await new Promise((resolve) => void full.once('exit', (_, how) => resolve(how)));
    closeSync(log);
    expect(signal).to.equal('SIGKILL');
    expect(left()).to.deep.include({ consecutiveTimes: 3 });
  }).timeout(60_000);

  it('never kills a process that is debugged, also when the debugger attaches later', async () => {
    expect((await run(['debugged'])).exitCode).to.equal(0);
  }).timeout(60_000);

  // @promise lifecycle/slow-is-not-blocked
  it('does not kill a process that gets a tenth of a CPU and makes progress', async () => {
    const slow = run(['slow']);
    const stopThrottling = throttle(slow.pid ?? 0);
    try {
      const { exitCode, signal } = await slow;
      expect([exitCode, signal]).to.deep.equal([0, undefined]);
    } finally {
      stopThrottling();
    }
  }).timeout(120_000);

  // @promise lifecycle/blocked-record
  it('ignores a report that is older than an hour or cannot be read', async () => {
    const { at } = left();
    expect(await readBlockedReport(note, at + 3_600_001)).to.equal(undefined);
    writeFileSync(note, 'torn');
    expect(await readBlockedReport(note, at)).to.equal(undefined);
    expect(await readBlockedReport(join(folder, 'none'), at)).to.equal(undefined);
  });
});
