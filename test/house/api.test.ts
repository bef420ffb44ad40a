import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { missingDocs } from '../../scripts/api-missing.ts';
import { apiReports, committedReports } from '../../scripts/api-report.ts';
import { build } from '../../scripts/build.ts';

const repository = resolve(import.meta.dirname, '../..');
const UPDATE = 'run: node --conditions=autopilot-source scripts/api-report.ts';

describe('the public API', function () {
  this.timeout(120_000);

  it('is what the reports in docs/api say', () => {
    build();
    const reports = apiReports();
    expect(committedReports(), UPDATE).to.have.members(Object.keys(reports));
    for (const [path, text] of Object.entries(reports)) {
      const isCurrent = readFileSync(join(repository, path), 'utf8') === text;
      expect(isCurrent, `${path} is stale; ${UPDATE}`).to.equal(true);
    }
  });

  it('has a TSDoc comment on every export and on every member of an exported type', () => {
    const lines = missingDocs().map(({ file, line, name }) => `${file}:${line} ${name}`);
    expect(lines, `without a TSDoc comment:\n${lines.join('\n')}\n`).to.have.length(0);
  });
});
