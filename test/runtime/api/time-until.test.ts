import { timeUntil } from 'autopilot-runtime';
import { expect } from 'chai';

describe('the pace of a worker', () => {
  const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1) + seconds * 1000);

  it('is counted from the last step', () => {
    expect(timeUntil({ now: at(70), lastStep: at(60), phaseStartedAt: at(0) }, '1m')).to.equal(
      '50000ms',
    );
    expect(timeUntil({ now: at(120), lastStep: at(60), phaseStartedAt: at(0) }, '1m')).to.equal(
      undefined,
    );
  });
  it('is counted from the beginning of the phase before there was a step', () => {
    expect(timeUntil({ now: at(20), lastStep: undefined, phaseStartedAt: at(0) }, '30s')).to.equal(
      '10000ms',
    );
  });
  it('needs a duration', () => {
    expect(() =>
      timeUntil({ now: at(0), lastStep: undefined, phaseStartedAt: at(0) }, 'soon'),
    ).to.throw("'soon' is not a duration");
  });
});
