import { expect } from 'chai';
import { createProgressMeter } from '../../../sandbox/src/verify/progress.ts';

const at = {
  scenario: 'examples/autoroute.yaml',
  stage: 'singles',
  runs: 1234,
  singles: [59, 200],
  findings: 0,
} as const;

/**
 * The rows of a simulated terminal after some updates. The terminal wraps at its last column, and
 * the clear sequence clears only the last row.
 */
function shown(columns: () => number, times: number): readonly string[] {
  const rows = [''];
  const write = (text: string): void => {
    for (const char of text.replaceAll('\u001B[2K', '\u0000')) {
      if (char === '\r') {
        continue;
      }
      if (char === '\u0000') {
        rows[rows.length - 1] = '';
      } else if ((rows.at(-1) ?? '').length < columns()) {
        rows[rows.length - 1] += char;
      } else {
        rows.push(char);
      }
    }
  };
  const bar = createProgressMeter(write, columns, 60_000);
  for (let time = 0; time < times; time++) {
    bar.show({ ...at, runs: 1234 + time }, time * 1000);
  }
  return rows;
}

describe('the progress of npm run verify', () => {
  for (const columns of [20, 40, 80, 200]) {
    it(`stays in one line of a terminal of ${columns} columns`, () => {
      const rows = shown(() => columns, 3);
      expect(rows).to.have.length(1);
      expect(rows[0])
        .to.contain(`${columns < 40 ? '' : '1236 runs'}`)
        .and.to.match(/^[█░]+ \d/);
      if (columns > 80) {
        expect(rows[0]).to.contain('single fault 59 of 200: examples/autoroute.yaml');
      }
    });
  }

  it('adapts to a terminal that becomes narrower', () => {
    const widths = [200, 200, 30];
    const lines: string[] = [];
    let time = 0;
    const bar = createProgressMeter(
      (text) => lines.push(text.replace('\r\u001B[2K', '')),
      () => widths[Math.min(time, 2)],
      60_000,
    );
    for (; time < 3; time++) {
      bar.show(at, time * 1000);
    }
    expect(lines.map((line) => line.length < 30)).to.deep.equal([false, false, true]);
  });

  it('is a line every 10 s if the output is not a terminal', () => {
    const lines: string[] = [];
    const bar = createProgressMeter(
      (text) => lines.push(text),
      () => undefined,
      60_000,
    );
    for (let time = 0; time <= 30_000; time += 1000) {
      bar.show({ ...at, singles: [200, 200], findings: 2 }, time);
    }
    bar.clear();
    expect(lines).to.deep.equal(
      [17, 33, 50].map(
        (percent) =>
          `${percent} % 1234 runs, 2 violated, pairs and orders: examples/autoroute.yaml\n`,
      ),
    );
  });
});
