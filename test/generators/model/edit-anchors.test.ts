import { expect } from 'chai';
import fc from 'fast-check';
import { parse } from 'yaml';
import {
  addPhase,
  editPhase,
  movePhase,
  removePhase,
  renamePhase,
} from '../../../generators/lib/model/edit.ts';

interface Phase {
  name: string;
  initial?: boolean;
  inputs?: string[];
  next?: string[];
  timeout?: string;
  onTimeout?: string;
  formerly?: string[];
}

const phasesOf = (text: string): Phase[] => (parse(text) as { phases: Phase[] }).phases;
const named = (text: string, name: string): Phase | undefined =>
  phasesOf(text).find((phase) => phase.name === name);

/**
 * A file in which names, lists of inputs and lists of targets are randomly shared through anchors.
 */
const shape = fc.record({
  inputs: fc.constantFrom('own', 'anchor', 'alias', 'none'),
  next: fc.constantFrom('own', 'anchor', 'alias'),
  late: fc.boolean(),
  comment: fc.boolean(),
});
const file = fc.array(shape, { minLength: 3, maxLength: 6 }).map((shapes) => {
  const names = shapes.map((_, index) => `P${index}`);
  const anchors = { inputs: [] as string[], next: [] as string[] };
  const blocks = shapes.map(({ inputs, next, late, comment }, index) => {
    const lines = [
      `${comment ? `  # about ${index}\n` : ''}  - name: &name${index} P${index}${comment ? ` # name ${index}` : ''}`,
    ];
    if (index === 0) {
      lines.push('    initial: true');
    }
    if (inputs === 'alias' && anchors.inputs.length > 0) {
      lines.push(`    inputs: *${anchors.inputs.at(-1)}`);
    } else if (inputs !== 'none') {
      lines.push(`    inputs: ${inputs === 'anchor' ? `&in${index} ` : ''}[pods, kind${index}]`);
    }
    if (inputs === 'anchor') {
      anchors.inputs.push(`in${index}`);
    }
    const targets = [
      names[(index + 1) % names.length],
      ...(late && index > 1 && index < names.length - 1 ? ['*name0'] : []),
    ];
    if (next === 'alias' && anchors.next.length > 0) {
      lines.push(`    next: *${anchors.next.at(-1)}`);
    } else {
      lines.push(`    next: ${next === 'anchor' ? `&to${index} ` : ''}[${targets.join(', ')}]`);
    }
    if (next === 'anchor') {
      anchors.next.push(`to${index}`);
    }
    if (late) {
      lines.push('    timeout: 1m', `    onTimeout: ${index > 0 ? `*name${index - 1}` : 'P1'}`);
    }
    return lines.join('\n');
  });
  return {
    count: shapes.length,
    text: `kind: Canary # kind\napiVersion: examples.io/v1\nphases:\n${blocks.join('\n')}\n`,
  };
});

const comments = (text: string): readonly string[] =>
  [...text.matchAll(/# .*$/gm)].map(([comment]) => comment).sort();
const unique = (names: readonly string[]): string[] => [...new Set(names)];

describe('editing a file with anchors and aliases', () => {
  it('keeps the meaning after a rename, except for the name', () => {
    fc.assert(
      fc.property(file, fc.nat(), ({ text, count }, pick) => {
        const name = `P${pick % count}`;
        const follow = (other: string): string => (other === name ? 'Renamed' : other);
        const expected = phasesOf(text).map((phase) => ({
          ...phase,
          name: follow(phase.name),
          ...(phase.next && { next: phase.next.map(follow) }),
          ...(phase.onTimeout && { onTimeout: follow(phase.onTimeout) }),
          ...(phase.name === name && { formerly: [name] }),
        }));
        const after = renamePhase(text, name, 'Renamed');
        expect(phasesOf(after)).to.deep.equal(expected);
        expect(comments(after)).to.deep.equal(comments(text));
      }),
    );
  });

  it('keeps the meaning after a move, except for the order', () => {
    fc.assert(
      fc.property(file, fc.nat(), fc.nat(), ({ text, count }, pick, place) => {
        const [name, behind] = [`P${pick % count}`, `P${place % count}`];
        const after = movePhase(text, name, name === behind ? undefined : behind);
        const byName = (phases: readonly Phase[]): readonly Phase[] =>
          phases.toSorted((a, b) => (a.name < b.name ? -1 : 1));
        expect(byName(phasesOf(after))).to.deep.equal(byName(phasesOf(text)));
        const order = phasesOf(after).map((phase) => phase.name);
        expect(order[order.indexOf(name) - 1]).to.equal(name === behind ? undefined : behind);
        expect(comments(after)).to.deep.equal(comments(text));
      }),
    );
  });

  it('keeps the meaning after an edit, except for the edited phase', () => {
    fc.assert(
      fc.property(file, fc.nat(), ({ text, count }, pick) => {
        const name = `P${pick % count}`;
        const after = editPhase(text, name, { inputs: ['jobs'], next: [`P${(pick + 2) % count}`] });
        const expected = phasesOf(text).map((phase) =>
          phase.name === name
            ? { ...phase, inputs: ['jobs'], next: [`P${(pick + 2) % count}`] }
            : phase,
        );
        expect(phasesOf(after)).to.deep.equal(expected);
        expect(comments(after)).to.deep.equal(comments(text));
      }),
    );
  });

  it('keeps the meaning after a removal, with the replacement in place of the removed phase', () => {
    fc.assert(
      fc.property(file, fc.nat(), fc.nat(), ({ text, count }, pick, other) => {
        const name = `P${pick % count}`;
        const replacement = `P${other % count}`;
        if (name === replacement) {
          return;
        }
        const follow = (target: string): string => (target === name ? replacement : target);
        const expected = phasesOf(text)
          .filter((phase) => phase.name !== name)
          .map((phase) => ({
            ...phase,
            ...(phase.next && {
              next: unique(phase.next.map(follow)).filter(
                (target) => phase.name !== replacement || target !== replacement,
              ),
            }),
            ...(phase.onTimeout && { onTimeout: follow(phase.onTimeout) }),
            ...(phase.name === replacement && { formerly: [name] }),
          }));
        const left = new Map(expected.map((phase) => [phase.name, phase]));
        const seen = new Set<string>();
        const visit = (one: string): void => {
          if (seen.has(one)) {
            return;
          }
          seen.add(one);
          for (const target of [...(left.get(one)?.next ?? []), left.get(one)?.onTimeout]) {
            if (target !== undefined) {
              visit(target);
            }
          }
        };
        visit(name === 'P0' ? replacement : 'P0');
        const led = phasesOf(text)
          .find((phase) => phase.name === replacement)
          ?.next?.includes(name);
        const targets = (phasesOf(text).find((phase) => phase.name === name)?.next ?? []).filter(
          (target) => target !== name && target !== replacement,
        );
        const takenOver = targets.filter((target) => led || !seen.has(target));
        const successor = left.get(replacement);
        if (successor?.next) {
          successor.next = unique([...successor.next, ...takenOver]);
        }
        const after = phasesOf(removePhase(text, name, replacement)).map(
          ({ initial: _, ...phase }) => phase,
        );
        expect(after).to.deep.equal(expected.map(({ initial: _, ...phase }) => phase));
      }),
    );
  });

  it('keeps an anchor at its place unless the edit concerns it', () => {
    const text =
      'phases:\n  - name: A\n    initial: true\n    inputs: &watched [pods]\n    next: [B]\n  - name: B\n    inputs: *watched\n    next: [A]\n';
    expect(renamePhase(text, 'B', 'C'))
      .to.contain('inputs: &watched [pods]')
      .and.to.contain('inputs: *watched');
    expect(
      editPhase(text, 'A', { inputs: ['jobs'] }),
      'the anchor moves to the phase that shared the list',
    )
      .to.contain('inputs: [jobs]')
      .and.to.contain('inputs: &watched [pods]');
    expect(removePhase(text, 'A', 'B')).to.contain('inputs: &watched [pods]');
    expect(movePhase(text, 'B', undefined)).to.match(
      /name: B\n {4}inputs: &watched \[pods\][^]*inputs: \*watched/,
    );
    expect(named(addPhase(text, { name: 'C', next: ['A'] }, 'B'), 'B')?.next).to.deep.equal([
      'A',
      'C',
    ]);
  });
});
