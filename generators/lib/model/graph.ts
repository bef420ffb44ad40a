/** Pictures of a machine: Mermaid for READMEs, DOT and SVG for documents, boxes for terminals. Pure, and the same for the same model. */
import type { Model, ModelPhase } from './model.ts';

/** Phases and where they may go; the dialogue has these before there is a model. */
export interface Drawn {
  readonly name: string;
  readonly initial?: boolean;
  readonly final?: boolean;
  readonly ready?: boolean;
  /** Itself left out. */
  readonly next: readonly string[];
  readonly onTimeout?: string;
  readonly timeout?: string;
}

export function drawn(model: Pick<Model, 'phases'>): readonly Drawn[] {
  return model.phases.map((phase: ModelPhase) => ({
    name: phase.name,
    initial: phase.initial,
    final: phase.final,
    ready: phase.ready,
    next: phase.next.filter((name) => name !== phase.name),
    ...(phase.onTimeout !== undefined && { onTimeout: phase.onTimeout }),
    ...(phase.timeout !== undefined && { timeout: phase.timeout }),
  }));
}

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly label?: string;
}

function edges(phases: readonly Drawn[]): readonly Edge[] {
  return phases.flatMap(({ name, next, onTimeout, timeout }) => [
    ...next.map((to): Edge => ({ from: name, to })),
    ...(onTimeout === undefined ? [] : [{ from: name, to: onTimeout, label: `after ${timeout ?? ''}` }]),
  ]);
}

/** A Mermaid state diagram (https://mermaid.js.org/syntax/stateDiagram.html). */
export function mermaid(phases: readonly Drawn[]): string {
  const lines = [
    ...phases.flatMap(({ name, initial }) => (initial ? [`[*] --> ${name}`] : [])),
    ...edges(phases).map(({ from, to, label }) => `${from} --> ${to}${label === undefined ? '' : ` : ${label}`}`),
    ...phases.flatMap(({ name, final }) => (final ? [`${name} --> [*]`] : [])),
  ];
  return `stateDiagram-v2\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

/** Graphviz DOT: final phases have a double border, ready ones are filled. */
export function dot(phases: readonly Drawn[]): string {
  const nodes = phases.map(({ name, final, ready }) => {
    const marks = [final ? 'peripheries=2' : undefined, ready ? 'style="rounded,filled" fillcolor="#e6f4ea"' : undefined].filter((mark) => mark !== undefined);
    return `  ${quoted(name)}${marks.length === 0 ? '' : ` [${marks.join(' ')}]`};`;
  });
  const start = phases.flatMap(({ name, initial }) => (initial ? ['  start [shape=point];', `  start -> ${quoted(name)};`] : []));
  const arrows = edges(phases).map(
    ({ from, to, label }) => `  ${quoted(from)} -> ${quoted(to)}${label === undefined ? '' : ` [style=dashed label=${quoted(label)}]`};`,
  );
  return [
    'digraph machine {',
    '  node [shape=box style=rounded fontname="sans-serif"];',
    '  edge [fontname="sans-serif"];',
    ...nodes,
    ...start,
    ...arrows,
    '}',
    '',
  ].join('\n');
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '\\"')}"`;
}

/** SVG, laid out by Graphviz. */
export async function svg(phases: readonly Drawn[]): Promise<string> {
  const { instance } = await import('@viz-js/viz');
  const viz = await instance();
  return viz.renderString(dot(phases), { format: 'svg' });
}

const SINGLE = ['┌', '─', '┐', '│', '└', '┘'] as const;
const DOUBLE = ['╔', '═', '╗', '║', '╚', '╝'] as const;

/** One box for each phase, with the arrows that leave it. */
export function boxes(phases: readonly Drawn[]): string {
  const known = new Set(phases.map(({ name }) => name));
  const width = Math.max(...phases.map(({ name }) => name.length));
  const lines = phases.flatMap((phase) => {
    const [topLeft, line, topRight, side, bottomLeft, bottomRight] = phase.final ? DOUBLE : SINGLE;
    const targets = [
      ...phase.next.map((name) => (known.has(name) ? name : `${name} (not there yet)`)),
      ...(phase.onTimeout === undefined ? [] : [`${phase.onTimeout} after ${phase.timeout}`]),
    ];
    const exits = targets.length === 0 ? '' : ` ──▶ ${targets.join(', ')}`;
    const mark = phase.initial ? '●▶' : '  ';
    const notes = [phase.final ? 'final' : undefined, phase.ready && !phase.final ? 'ready' : undefined].filter((note) => note !== undefined);
    return [
      `   ${topLeft}${line.repeat(width + 2)}${topRight}`,
      `${mark} ${side} ${phase.name.padEnd(width)} ${side}${exits}${notes.length === 0 ? '' : `  (${notes.join(', ')})`}`,
      `   ${bottomLeft}${line.repeat(width + 2)}${bottomRight}`,
    ];
  });
  return lines.join('\n');
}

const BEGIN = '<!-- autopilot:machine -->';
const END = '<!-- /autopilot:machine -->';

/** The machine for a README, as a picture and as a table, between marks by which it is found again. */
export function machineSection({ phases }: Pick<Model, 'phases'>): string {
  const rows = phases.map((phase) => {
    const to = phase.final ? 'the end' : phase.next.filter((name) => name !== phase.name).join(', ') || 'stays';
    return `| ${phase.name} | ${phase.description?.trim().replaceAll('\n', ' ') ?? ''} | ${to} |`;
  });
  return [BEGIN, '', `\`\`\`mermaid\n${mermaid(drawn({ phases }))}\`\`\``, '', '| phase | what happens | goes to |', '|---|---|---|', ...rows, '', END].join(
    '\n',
  );
}

/** `text` with what stands between the marks brought up to date; the same text when it has no marks. */
export function withMachine(text: string, section: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END, begin);
  return begin < 0 || end < 0 ? text : text.slice(0, begin) + section + text.slice(end + END.length);
}
