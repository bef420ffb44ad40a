import { expect } from 'chai';
import type { TraceEntry } from '../../../sandbox/src/exploration/index.ts';
import { excerptTrace } from '../../../sandbox/src/verify/trace-excerpt.ts';

/** A trace of 200 lines, one a second, with a fault in line 50. */
const trace = Array.from({ length: 200 }, (_, nth): TraceEntry => ({
  at: nth * 1000,
  who: 'operator-1',
  what: nth % 10 === 9 ? `watch things` : `does number ${nth}`,
  ...(nth === 50 && { fault: 'the response is 409' }),
}));

describe('the excerpt of a trace', () => {
  it('shows the fault and the violation, and counts the lines that are left out', () => {
    const lines = excerptTrace(trace, 150_500, 120);
    expect(lines.length).to.be.lessThan(40);
    expect(lines.find((line) => line.startsWith('✘')))
      .to.contain('does number 50')
      .and.contain('the response is 409');
    expect(lines.find((line) => line.endsWith('← violated'))).to.contain('does number 150');
    const omitted = lines
      .map((line) => Number(/^ *… (\d+) lines?$/.exec(line)?.[1] ?? 0))
      .reduce((sum, count) => sum + count, 0);
    const shown = lines.filter((line) => !/^ *… \d+ lines?$/.test(line));
    expect(omitted + shown.length).to.equal(trace.length);
  });

  it('does not show watches that are opened again before the violation', () => {
    const lines = excerptTrace(trace, 150_500, 120);
    const afterFault = lines.slice(lines.findLastIndex((line) => line.includes('number 58')));
    expect(afterFault.length).to.be.greaterThan(10);
    expect(afterFault.join('\n')).not.to.contain('watch things');
  });

  it('cuts lines at the width of the terminal', () => {
    expect(Math.max(...excerptTrace(trace, 150_500, 40).map(({ length }) => length))).to.equal(40);
  });
});
