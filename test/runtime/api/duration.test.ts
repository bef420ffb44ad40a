import { parseDuration, timeUntil } from 'autopilot-runtime';
import { expect } from 'chai';

describe('parseDuration', () => {
  for (const [text, ms] of [
    ['500ms', 500],
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1h3m', 3_780_000],
    ['1.5s', 1500],
    ['0s', 0],
    ['1.005s', 1005],
    ['1200h', 4_320_000_000],
  ] as const) {
    it(`reads ${text} as ${ms} ms`, () => expect(parseDuration(text)).to.equal(ms));
  }

  for (const text of ['', '10', '10 s', 's', '-5s', '1d']) {
    it(`refuses '${text}' with an example`, () =>
      expect(() => parseDuration(text)).to.throw('write it like 500ms, 10s, 1m30s or 2h'));
  }
});

describe('a duration that no timer can wait for', () => {
  it('is refused, as Kubernetes refuses it', () => {
    expect(() => parseDuration('2562048h')).to.throw("'2562048h' is longer than 292 years");
    expect(parseDuration('2562047h')).to.equal(2_562_047 * 3_600_000);
  });
});

describe('timeUntil', () => {
  const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1) + seconds * 1000);

  it('counts from the last step', () => {
    expect(timeUntil({ now: at(70), lastStep: at(60), phaseStartedAt: at(0) }, '1m')).to.equal(
      '50000ms',
    );
    expect(timeUntil({ now: at(120), lastStep: at(60), phaseStartedAt: at(0) }, '1m')).to.equal(
      undefined,
    );
  });
  it('counts from the start of the phase before the first step', () => {
    expect(timeUntil({ now: at(20), lastStep: undefined, phaseStartedAt: at(0) }, '30s')).to.equal(
      '10000ms',
    );
  });
  it('refuses a string that is not a duration', () => {
    expect(() =>
      timeUntil({ now: at(0), lastStep: undefined, phaseStartedAt: at(0) }, 'soon'),
    ).to.throw("'soon' is not a duration");
  });
});
