import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { explore } from '../../sandbox/src/exploration/index.ts';
import { bugs, correctScenarios, hunt } from './seeded/bugs.ts';

const page = readFileSync(new URL('../../docs/reference/exploration.md', import.meta.url), 'utf8');

describe('exploration', () => {
  for (const { subject, scenario, maxRuns } of correctScenarios) {
    // @promise exploration/seeded-bugs
    it(`finds nothing in the correct operator in '${scenario.name}', with all single faults, pairs and other orders of events`, async () => {
      const { findings, singles, pairs } = await explore(subject, scenario, {
        maxFindings: 9,
        hasBudget: (runs) => runs < maxRuns,
      });
      expect(
        findings.map(
          ({ violation, token }) => `${violation.invariant}: ${violation.detail} (${token})`,
        ),
      ).to.deep.equal([]);
      expect(singles[0]).to.equal(singles[1]).and.to.be.greaterThan(100);
      expect(pairs).to.be.greaterThan(100);
    }).timeout(300_000);
  }

  for (const bug of bugs) {
    // @promise exploration/seeded-bugs
    it(`finds a ${bug.where} that ${bug.name}`, async () => {
      const { findings } = await hunt(bug);
      expect(findings).to.have.length(1);
    });
  }

  it('lists exactly the seeded bugs on its reference page', () => {
    const listed = [...page.matchAll(/^\| (worker|runtime) \| (.*?) \|/gm)].map(
      ([, where, name]) => `${where} ${name}`,
    );
    expect(listed).to.deep.equal(bugs.map(({ where, name }) => `${where} ${name}`));
  });
});
