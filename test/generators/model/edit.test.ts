import { expect } from 'chai';
import fc from 'fast-check';
import {
  editPhase,
  movePhase,
  removePhase,
  renamePhase,
} from '../../../generators/lib/model/edit.ts';
import { loadModel } from '../../../generators/lib/model/load.ts';
import type { Model } from '../../../generators/lib/model/model.ts';

const machine = `# The release machine.
kind: Canary   # what users write
apiVersion: "examples.io/v1"
operatorName: 'canary-operator'

phases:
  # where everything begins
  - name: Waiting
    initial: true
    inputs: [deployments] # only these
    next: [Shifting]
  - name: "Shifting"
    inputs: &watched
      - { name: virtualservices, namespace: all }
      - metrics
    outputs: [virtualservices]
    timeout: 10m
    onTimeout: Failed # give up
    next: [Waiting, Done]
  - name: Done
    final: true
  - name: Failed
    final: true
    ready: false
`;

function load(text: string): Model {
  const loaded = loadModel(text, 'autopilot.yaml');
  if ('problems' in loaded) {
    throw new Error(JSON.stringify(loaded.problems));
  }
  return loaded.model;
}
const phase = (text: string, name: string) => load(text).phases.find((one) => one.name === name);
const names = (text: string): readonly string[] => load(text).phases.map(({ name }) => name);

describe('renaming a phase', () => {
  const text = renamePhase(renamePhase(machine, 'Shifting', 'Routing'), 'Failed', 'Broken');

  it('changes all transitions to the phase, and adds the old name to formerly', () => {
    expect(names(text)).to.deep.equal(['Waiting', 'Routing', 'Done', 'Broken']);
    expect(phase(text, 'Waiting')?.next).to.include('Routing');
    expect(phase(text, 'Routing')).to.deep.include({ onTimeout: 'Broken', formerly: ['Shifting'] });
  });

  it('changes no line that does not name the phase', () => {
    const before = new Set(machine.split('\n'));
    const changed = text.split('\n').filter((line) => !before.has(line));
    expect(changed).to.deep.equal([
      '    next: [Routing]',
      '  - name: "Routing"',
      '    onTimeout: Broken # give up',
      '    formerly: [Shifting]',
      '  - name: Broken',
      '    formerly: [Failed]',
    ]);
  });

  it('changes whenUndone of outputs too', () => {
    const watching = machine.replace(
      'outputs: [virtualservices]',
      'outputs: [{ name: virtualservices, whenUndone: Failed }]',
    );
    const renamed = renamePhase(watching, 'Failed', 'Broken');
    expect(phase(renamed, 'Shifting')?.outputs[0]?.whenUndone).to.equal('Broken');
    expect(() =>
      removePhase(watching.replace('onTimeout: Failed', 'onTimeout: Done'), 'Failed', undefined),
    ).to.throw("Shifting goes to 'Failed' by whenUndone");
  });

  it('back to the first name does not leave that name in formerly', () => {
    const back = renamePhase(renamePhase(machine, 'Done', 'Over'), 'Over', 'Done');
    expect(phase(back, 'Done')?.formerly).to.deep.equal(['Over']);
  });
});

describe('removing a phase', () => {
  it('gives its resources and the transitions to it to the replacement', () => {
    const text = removePhase(machine, 'Failed', 'Waiting');
    expect(names(text)).to.deep.equal(['Waiting', 'Shifting', 'Done']);
    expect(phase(text, 'Shifting')?.onTimeout).to.equal('Waiting');
    expect(phase(text, 'Waiting')?.formerly).to.deep.equal(['Failed']);
  });

  it('does not put its resources into a phase that requires an approval', () => {
    const guarded = machine.replace('  - name: Done\n', '  - name: Done\n    approval: required\n');
    expect(() => removePhase(guarded, 'Failed', 'Done')).to.throw(
      "--replacement names 'Done', which requires an approval: resources in Failed would be in Done without one. Name another phase, or none to leave such resources Stalled",
    );
    expect(phase(removePhase(guarded, 'Failed', 'Waiting'), 'Waiting')?.formerly).to.deep.equal([
      'Failed',
    ]);
    const alias = guarded
      .replace('initial: true', 'initial: true\n    description: &what required')
      .replace('approval: required', 'approval: *what');
    expect(() => removePhase(alias, 'Failed', 'Done')).to.throw('requires an approval');
  });

  it('gives its own former names to the replacement', () => {
    expect(
      phase(removePhase(renamePhase(machine, 'Failed', 'Broken'), 'Broken', 'Done'), 'Done')
        ?.formerly,
    ).to.deep.equal(['Broken', 'Failed']);
  });

  const line = `kind: Canary
apiVersion: examples.io/v1
phases:
  - { name: A, initial: true, next: [B] }
  - { name: B, next: [C, E] }
  - { name: C, next: [D] }
  - { name: D, final: true }
  - { name: E, final: true }
`;
  const next = (text: string): object =>
    Object.fromEntries(
      load(text).phases.map(({ name, next: targets }) => [
        name,
        targets.filter((target) => target !== name).join(),
      ]),
    );

  it('gives its targets to a replacement that could go to it', () => {
    expect(next(removePhase(line, 'C', 'B'))).to.deep.equal({ A: 'B', B: 'D,E', D: '', E: '' });
    expect(next(removePhase(line, 'B', 'A'))).to.deep.equal({ A: 'C,E', C: 'D', D: '', E: '' });
  });

  it('adds phases that would become unreachable to next of the replacement, or of the phases that could go to the removed one when the replacement is final or absent', () => {
    expect(next(removePhase(line, 'B', 'C'))).to.deep.equal({ A: 'C', C: 'D,E', D: '', E: '' });
    expect(next(removePhase(line, 'B', 'E'))).to.deep.equal({ A: 'C,E', C: 'D', D: '', E: '' });
    expect(next(removePhase(line, 'B', undefined))).to.deep.equal({
      A: 'C,E',
      C: 'D',
      D: '',
      E: '',
    });
  });

  it('adds no transition that is not needed, and no list to a phase without next', () => {
    const both = line.replace('next: [B]', 'next: [B, E]');
    expect(next(removePhase(both, 'B', 'C'))).to.deep.equal({ A: 'C,E', C: 'D', D: '', E: '' });
    expect(
      removePhase(line.replace('A, initial: true, next: [B]', 'A, initial: true'), 'B', 'A'),
    ).to.match(/\{ ?name: A, initial: true, formerly: \[B\] ?\}/);
  });

  it('without a replacement fails when another phase needs it', () => {
    expect(() => removePhase(machine, 'Failed', undefined)).to.throw(
      "Shifting goes to 'Failed' by onTimeout: name a replacement with --replacement, or change onTimeout first",
    );
  });
});

describe('editing a phase', () => {
  it('keeps the form of list items that stay, and adds new items as plain names', () => {
    const text = editPhase(machine, 'Shifting', { inputs: ['virtualservices', 'pods'] });
    expect(text).to.contain('      - { name: virtualservices, namespace: all }\n      - pods\n');
  });

  it('sets and removes fields', () => {
    const text = editPhase(
      editPhase(machine, 'Waiting', { description: 'Waits', outputs: ['services'] }),
      'Shifting',
      { outputs: [] },
    );
    expect(phase(text, 'Waiting')?.description).to.equal('Waits');
    expect([
      phase(text, 'Waiting')?.outputs.length,
      phase(text, 'Shifting')?.outputs.length,
    ]).to.deep.equal([1, 0]);
  });
});

describe('editing final, ready and next of a phase', () => {
  it('writes final and ready only when they differ from the default', () => {
    const open = editPhase(machine, 'Failed', { final: false });
    expect(open).to.contain('  - name: Failed\n').and.to.not.contain('ready:');
    expect(phase(editPhase(machine, 'Failed', { ready: true }), 'Failed')).to.deep.include({
      final: true,
      ready: true,
    });
    expect(editPhase(machine, 'Failed', { ready: true })).to.not.contain('ready:');
    expect(editPhase(machine, 'Done', { ready: false })).to.contain(
      '  - name: Done\n    final: true\n    ready: false\n',
    );
    expect(
      phase(
        editPhase(editPhase(machine, 'Waiting', { ready: true }), 'Waiting', { ready: false }),
        'Waiting',
      )?.ready,
    ).to.equal(false);
  });

  it('removes next with any', () => {
    expect(phase(editPhase(machine, 'Waiting', { next: 'any' }), 'Waiting')?.nextDeclared).to.equal(
      false,
    );
  });
});

describe('moving a phase', () => {
  it('puts it at its new place, with its comments', () => {
    const text = movePhase(machine, 'Failed', 'Waiting');
    expect(names(text)).to.deep.equal(['Waiting', 'Failed', 'Shifting', 'Done']);
    expect(movePhase(text, 'Failed', 'Done')).to.equal(machine);
  });
});

describe('any autopilot.yaml', () => {
  const word = fc.stringMatching(/^[a-z]{3,8}$/);
  const quote = fc.constantFrom('', "'", '"');
  const phaseText = fc.record({
    comment: fc.option(word),
    end: fc.option(word),
    quote,
    flow: fc.boolean(),
    gap: fc.nat(2),
  });
  /**
   * A file of phases P0, P1 and so on, each of which may go to the next one, with random comments,
   * quotes, gaps and styles.
   */
  const file = fc.array(phaseText, { minLength: 3, maxLength: 6 }).map((phases) => {
    const blocks = phases.map(({ comment, end, quote: mark, flow, gap }, index) => {
      const last = index === phases.length - 1;
      const head = `${comment === null ? '' : `  # ${comment} ${index}\n`}  - name: ${mark}P${index}${mark}${end === null ? '' : ` # ${end} of ${index}`}\n`;
      const first = index === 0 ? '    initial: true\n' : '';
      const next = flow
        ? `    next: [P${index + 1}]\n`
        : `    next:\n      - ${mark}P${index + 1}${mark}\n`;
      return `${head}${first}${last ? '    final: true\n' : next}${'\n'.repeat(gap)}`;
    });
    return {
      count: phases.length,
      text: `# the phases\nkind: Canary # kind\napiVersion: 'examples.io/v1'\n\nphases:\n${blocks.join('')}`,
    };
  });
  const comments = (text: string): readonly string[] =>
    [...text.matchAll(/# .*$/gm)].map(([comment]) => comment).sort();

  it('keeps all comments, all quotes and each line that does not name the phase when a phase is renamed', () => {
    fc.assert(
      fc.property(file, fc.nat(), ({ text, count }, pick) => {
        const name = `P${pick % count}`;
        const after = renamePhase(text, name, 'Renamed');
        expect(comments(after)).to.deep.equal(comments(text));
        const untouched = text
          .split('\n')
          .filter((line) => line.trim() !== '' && !line.includes(name));
        expect(after.split('\n')).to.include.members(untouched);
        expect(names(after)).to.deep.equal(
          names(text).map((one) => (one === name ? 'Renamed' : one)),
        );
      }),
    );
  });

  it('keeps all comments and all phases when a phase is moved', () => {
    fc.assert(
      fc.property(file, fc.nat(), fc.nat(), ({ text, count }, pick, place) => {
        const [name, after] = [`P${pick % count}`, `P${place % count}`];
        if (name === after) {
          return;
        }
        const moved = movePhase(text, name, after);
        expect(comments(moved)).to.deep.equal(comments(text));
        expect(names(moved)[names(moved).indexOf(after) + 1]).to.equal(name);
      }),
    );
  });
});
