import { expect } from 'chai';
import { requireModel } from '../../../generators/lib/model/load.ts';

function warningsOf(...phases: readonly string[]): readonly string[] {
  const lines = phases.map((phase) => `  - { ${phase} }\n`).join('');
  const text = `kind: Fault\napiVersion: examples.io/v1\nphases:\n${lines}`;
  return requireModel(text, 'autopilot.yaml').warnings.filter((one) => one.includes('is final'));
}

const CLAIMS = 'inputs: [virtualservices], outputs: [virtualservices]';

describe('the note about a final phase after field claims', () => {
  it('names each final phase that can follow a phase with claims, also through other phases', () => {
    const warnings = warningsOf(
      `name: Attacking, initial: true, ${CLAIMS}, next: [Recovering], timeout: 1h, onTimeout: Late`,
      'name: Recovering, inputs: [virtualservices], next: [Finished]',
      'name: Finished, final: true',
      'name: Late, final: true',
    );
    expect(warnings).to.have.length(2);
    expect(warnings[0]).to.match(/^Finished is final and follows Attacking, which can claim/);
    expect(warnings[0]).to.contain('Make Finished `resting: true` instead of `final: true`');
    expect(warnings[1]).to.match(/^Late is final/);
  });

  it('is not there without claims, before them, or for a resting phase', () => {
    const plain = 'inputs: [virtualservices], outputs: [services]';
    expect(
      warningsOf(`name: A, initial: true, ${plain}`, 'name: Done, final: true'),
    ).to.have.length(0);
    expect(
      warningsOf(
        'name: Checking, initial: true, next: [Refused, Attacking]',
        `name: Attacking, ${CLAIMS}, next: [Kept]`,
        'name: Refused, final: true',
        'name: Kept, resting: true, inputs: [virtualservices], next: []',
      ),
    ).to.have.length(0);
    expect(
      warningsOf(
        `name: Attacking, initial: true, ${CLAIMS}, next: [Kept]`,
        `name: Kept, resting: true, ${CLAIMS}, next: []`,
      ),
    ).to.have.length(0);
  });
});
