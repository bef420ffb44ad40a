import { expect } from 'chai';
import {
  boxes,
  dot,
  machineSection,
  mermaid,
  svg,
  replaceMachineSection,
} from '../../../generators/lib/model/graph.ts';

const phases = [
  { name: 'Waiting', initial: true, next: ['Running'] },
  { name: 'Running', next: ['Waiting', 'Done'], timeout: '10m', onTimeout: 'Done' },
  { name: 'Done', final: true, ready: true, next: [] },
];

describe('the diagram of a state machine', () => {
  it('is a Mermaid state diagram', () => {
    expect(
      mermaid(phases)
        .split('\n')
        .map((line) => line.trim()),
    ).to.deep.equal([
      'stateDiagram-v2',
      '[*] --> Waiting',
      'Waiting --> Running',
      'Running --> Waiting',
      'Running --> Done',
      'Running --> Done : after 10m',
      'Done --> [*]',
      '',
    ]);
  });

  it('shows a resting phase as an end', () => {
    const resting = [{ name: 'Kept', resting: true, ready: true, next: [] }];
    expect(mermaid(resting)).to.contain('Kept --> [*] : rests');
    expect(dot(resting)).to.contain('"Kept" [peripheries=2');
    expect(boxes(resting)).to.contain('║ Kept ║  (resting)');
  });

  it('is DOT, and an SVG that names every phase', async () => {
    expect(dot(phases)).to.contain('"Running" -> "Done" [style=dashed label="after 10m"];');
    const picture = await svg(phases);
    expect(picture).to.match(/<svg /);
    for (const { name } of phases) {
      expect(picture).to.contain(`>${name}</text>`);
    }
  });

  it('is boxes of one width for a terminal, and marks targets that do not exist yet', () => {
    const lines = boxes(phases.slice(0, 1)).split('\n');
    expect(lines).to.deep.equal([
      '   ┌─────────┐',
      '●▶ │ Waiting │ ──▶ Running (not there yet)',
      '   └─────────┘',
    ]);
    expect(
      new Set(
        boxes(phases)
          .split('\n')
          .filter((line) => /[┌╔]/.test(line))
          .map((line) => line.length),
      ).size,
    ).to.equal(1);
  });

  it('in a README is replaced between its markers, and a README without markers stays', () => {
    const phase = (name: string) => ({
      name,
      file: name.toLowerCase(),
      initial: true,
      final: false,
      ready: false,
      next: [],
      nextDeclared: true,
      approval: false,
      formerly: [],
      metrics: false,
      inputs: [],
      outputs: [],
      line: 1,
    });
    const [one, two] = [
      machineSection({ phases: [phase('One')] }),
      machineSection({ phases: [phase('Two')] }),
    ];
    expect(replaceMachineSection(`mine\n${one}\nalso mine`, two)).to.equal(
      `mine\n${two}\nalso mine`,
    );
    expect(replaceMachineSection('no marks', two)).to.equal('no marks');
  });
});
