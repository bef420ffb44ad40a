import { expect } from 'chai';
import { HeartbeatSilence } from '../../../runtime/src/operator/heartbeat-silence.ts';
import type { MainThreadSample } from '../../../runtime/src/operator/main-thread-cpu.ts';
import { parseStat } from '../../../runtime/src/operator/main-thread-cpu.ts';

/**
 * Checks twice a second for a minute.
 *
 * @returns seconds after which the main thread counts as blocked; undefined: never.
 */
function blockedAfter(
  at: (second: number) => { readonly beats: number; readonly thread: MainThreadSample | undefined },
): number | undefined {
  const silence = new HeartbeatSilence(8_000, 0);
  for (let now = 500; now <= 60_000; now += 500) {
    if (silence.check({ now, isDebugged: false, ...at(now / 1_000) })) {
      return now / 1_000;
    }
  }
  return undefined;
}
const cpu = (share: number, second: number): MainThreadSample => ({
  cpuMs: share * second * 1_000,
  isAsleep: false,
});

describe('a main thread without heartbeats', () => {
  it('is blocked after 8 s when it has a CPU for itself', () => {
    expect(blockedAfter((s) => ({ beats: 1, thread: cpu(1, s) }))).to.equal(8.5);
  });

  // @promise lifecycle/slow-is-not-blocked
  it('is not blocked when it gets a tenth of a CPU and beats every 20 s', () => {
    const at = (s: number): { beats: number; thread: MainThreadSample } => ({
      beats: Math.floor(s / 20),
      thread: cpu(0.1, s),
    });
    expect(blockedAfter(at)).to.equal(undefined);
  });

  it('is blocked in the end when it gets a tenth of a CPU and never beats', () => {
    expect(blockedAfter((s) => ({ beats: 1, thread: cpu(0.1, s) }))).to.equal(40.5);
  });

  it('is blocked after 8 s when it sleeps in a system call', () => {
    const thread = { cpuMs: 0, isAsleep: true };
    expect(blockedAfter(() => ({ beats: 1, thread }))).to.equal(8.5);
  });

  it('is not blocked when it sleeps now and then, between heartbeats', () => {
    const at = (s: number): { beats: number; thread: MainThreadSample } => ({
      beats: Math.floor(s / 7),
      thread: { cpuMs: 0, isAsleep: true },
    });
    expect(blockedAfter(at)).to.equal(undefined);
  });

  it('is judged by time alone where the kernel tells nothing', () => {
    expect(blockedAfter(() => ({ beats: 1, thread: undefined }))).to.equal(8.5);
  });

  it('gets a moment after the whole process was suspended', () => {
    const silence = new HeartbeatSilence(8_000, 0);
    const thread = { cpuMs: 10_000, isAsleep: false };
    silence.check({ now: 500, beats: 1, isDebugged: false, thread: { ...thread, cpuMs: 0 } });
    const later = { beats: 1, isDebugged: false, thread };
    expect(silence.check({ now: 60_000, ...later })).to.equal(false);
    expect(silence.check({ now: 60_500, ...later })).to.equal(false);
  });
});

describe('the line of /proc about a thread', () => {
  it('is read, whatever the name of the thread', () => {
    const line = '77 (a) b (c)) R 1 2 3 4 -1 5 6 7 8 9 120 30 0 0 20 0 11 0 99';
    expect(parseStat(line)).to.deep.equal({ cpuMs: 1_500, isAsleep: false });
    expect(parseStat(line.replace(' R ', ' S '))?.isAsleep).to.equal(true);
    expect(parseStat('nonsense')).to.equal(undefined);
  });
});
