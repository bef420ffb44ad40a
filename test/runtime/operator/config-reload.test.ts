import { expect } from 'chai';
import { parseSettings } from '../../../runtime/src/operator/config.ts';
import type { LiveSettings } from '../../../runtime/src/operator/config.ts';
import { reloadConfig } from '../../../runtime/src/operator/config-reload.ts';
import { VirtualClock } from '../../../sandbox/src/index.ts';

describe('reloadConfig', () => {
  let clock: VirtualClock;
  let stop: AbortController;
  let text: string | undefined;
  let isSwitchedOff: boolean;
  let applied: LiveSettings[];
  let said: string[];
  let problems: (string | undefined)[];

  beforeEach(() => {
    clock = new VirtualClock();
    isSwitchedOff = false;
    stop = new AbortController();
    const first = (text = 'workInterval: 5s\n');
    [applied, said, problems] = [[], [], []];
    const parse = (content: string) => parseSettings({ text: content, file: 'f.yaml' }, {});
    const tell = (message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
      void said.push(`${message}: ${Object.values(fields).join()}`);
    const log = { debug: tell, info: tell, warn: tell, error: tell };
    void reloadConfig(
      { text, settings: parse(first), isSwitchedOff: false },
      {
        clock,
        log,
        read: async () => text,
        readPauseSwitch: async () => isSwitchedOff,
        parse,
        apply: (settings) => void applied.push(settings),
        report: (problem) => void problems.push(problem),
      },
      stop.signal,
    );
  });
  afterEach(() => stop.abort());

  async function pass(): Promise<void> {
    clock.moveTo(clock.monotonic() + 5_000);
    while (clock.fire()) {}
    await new Promise((resolve) => void setImmediate(resolve));
  }

  // @promise lifecycle/reload
  it('applies and logs a change within seconds', async () => {
    text = 'workInterval: 7s\npaused: true\nconfig: { threshold: 99 }\n';
    await pass();
    expect(applied[0]).to.deep.include({
      workIntervalMs: 7_000,
      paused: true,
      config: { threshold: 99 },
    });
    expect(said).to.deep.equal(['configuration reloaded: workInterval, paused, config']);
  });

  it('applies live settings and logs those that need a restart', async () => {
    text = 'workInterval: 7s\nmaxConcurrentReconciles: 3\n';
    await pass();
    expect(said).to.deep.equal([
      'configuration reloaded: workInterval',
      'changed settings need a restart to take effect: maxConcurrentReconciles',
    ]);
    expect(applied[0]).to.not.have.property('maxConcurrentReconciles');
  });

  // @promise reconcile/stop-switches
  it('pauses by the switch beside the file, whatever the file says, until the switch is gone', async () => {
    isSwitchedOff = true;
    await pass();
    expect(applied.at(-1)?.paused).to.equal(true);
    text = 'workInterval: 7s\npaused: false\n';
    await pass();
    expect(applied.at(-1)).to.deep.include({ workIntervalMs: 7_000, paused: true });
    text = undefined;
    isSwitchedOff = false;
    await pass();
    expect(applied.at(-1)).to.deep.include({ workIntervalMs: 7_000, paused: false });
    expect(said.filter((line) => line.includes('switch'))).to.have.length(2);
  });

  // @promise reconcile/stop-switches
  it('pauses by any value but an explicit no, whatever else is wrong in the file', async () => {
    for (const wrong of [
      'paused: true\nworkInterval: soon\n',
      'paused: yes please\n',
      'Paused: true\n',
      'paused: True\nunknown: 1\n',
      'workInterval: [\npaused: true\n',
    ]) {
      applied = [];
      text = 'paused: false\n';
      await pass();
      text = wrong;
      await pass();
      expect(applied.at(-1)?.paused, wrong).to.equal(true);
      expect(applied.at(-1)?.workIntervalMs, wrong).to.equal(5_000);
    }
    for (const wrong of ['paused: false\nworkInterval: soon\n', 'paused: "no"\n', 'a: 1\n']) {
      applied = [];
      text = 'workInterval: 5s\n';
      await pass();
      text = wrong;
      await pass();
      expect(applied.at(-1)?.paused ?? false, wrong).to.equal(false);
    }
  });

  // @promise lifecycle/refused-config
  it('reports a file that is not taken, until one is taken', async () => {
    for (const wrong of ['workInterval: soon\n', '', undefined]) {
      text = wrong;
      await pass();
      expect(problems.at(-1)).to.be.a('string');
    }
    text = 'workInterval: 7s\n';
    await pass();
    expect(problems.at(-1)).to.equal(undefined);
  });

  // @promise lifecycle/reload
  it('ignores a wrong file, logs it once, and applies the next valid one', async () => {
    text = 'workInterval: soon\n';
    await pass();
    await pass();
    expect([applied.length, said.length]).to.deep.equal([0, 1]);
    expect(said[0]).to.contain('f.yaml:1:15: workInterval must be a duration');
    text = 'workInterval: 9s\n';
    await pass();
    expect(applied[0]?.workIntervalMs).to.equal(9_000);
  });

  for (const [title, left, state] of [
    ['deletes the file', undefined, 'missing'],
    ['empties the file, as an unfinished write does', '', 'empty'],
  ] as const) {
    // @promise lifecycle/missing-configuration
    it(`keeps the settings, such as a pause, when a change ${title}, and logs it once`, async () => {
      text = 'paused: true\n';
      await pass();
      text = left;
      await pass();
      await pass();
      expect([applied.length, applied[0]?.paused]).to.deep.equal([1, true]);
      expect(said.slice(1)).to.deep.equal([
        `the configuration file is ${state}; the last settings stay in effect: `,
      ]);
      text = 'paused: false\n';
      await pass();
      expect(applied[1]?.paused).to.equal(false);
    });
  }

  it('ignores a change of a comment', async () => {
    text = '# hello\nworkInterval: 5s\n';
    await pass();
    expect([applied, said]).to.deep.equal([[], []]);
  });
});
