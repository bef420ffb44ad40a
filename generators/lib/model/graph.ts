/**
 * Diagrams of a state machine: Mermaid for READMEs, DOT and SVG for documents, boxes for terminals.
 * The same model always gives the same diagram.
 */
import type { Model, ModelPhase } from './model.ts';

/** The part of a phase that diagrams show. Prompts have it before there is a model. */
export interface GraphPhase {
  readonly name: string;
  readonly initial?: boolean;
  readonly final?: boolean;
  /** Whether the phase is an end with a worker. Default: false. */
  readonly resting?: boolean;
  readonly ready?: boolean;
  /** Phases that may follow, without the phase itself. */
  readonly next: readonly string[];
  readonly onTimeout?: string;
  readonly timeout?: string;
  /** Phases that outputs name in `whenUndone`. Default: none. */
  readonly undoneTargets?: readonly string[];
}

/** The phases of a model for a diagram. */
export function graphPhases(model: Pick<Model, 'phases'>): readonly GraphPhase[] {
  return model.phases.map((phase: ModelPhase) => ({
    name: phase.name,
    initial: phase.initial,
    final: phase.final,
    ...(phase.resting === true && { resting: true }),
    ready: phase.ready,
    next: phase.next.filter((name) => name !== phase.name),
    ...(phase.onTimeout !== undefined && { onTimeout: phase.onTimeout }),
    ...(phase.timeout !== undefined && { timeout: phase.timeout }),
    undoneTargets: undoneTargetsOf(phase),
  }));
}

function undoneTargetsOf({ outputs }: ModelPhase): readonly string[] {
  const targets = outputs.flatMap(({ whenUndone }) => whenUndone ?? []);
  return [...new Set(targets)].filter((target) => target !== 'giveUp');
}

interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly label?: string;
}

function graphEdges(phases: readonly GraphPhase[]): readonly GraphEdge[] {
  return phases.flatMap(({ name, next, onTimeout, timeout, undoneTargets = [] }) => [
    ...next.map((to): GraphEdge => ({ from: name, to })),
    ...(onTimeout === undefined
      ? []
      : [{ from: name, to: onTimeout, label: `after ${timeout ?? ''}` }]),
    ...undoneTargets.map((to): GraphEdge => ({ from: name, to, label: 'when undone' })),
  ]);
}

/** Mermaid state diagram (https://mermaid.js.org/syntax/stateDiagram.html). */
export function mermaid(phases: readonly GraphPhase[]): string {
  const lines = [
    ...phases.flatMap(({ name, initial }) => (initial ? [`[*] --> ${name}`] : [])),
    ...graphEdges(phases).map(
      ({ from, to, label }) => `${from} --> ${to}${label === undefined ? '' : ` : ${label}`}`,
    ),
    ...phases.flatMap(({ name, final }) => (final ? [`${name} --> [*]`] : [])),
    ...phases.flatMap(({ name, resting }) => (resting ? [`${name} --> [*] : rests`] : [])),
  ];
  return `stateDiagram-v2\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

/** Graphviz DOT. Final and resting phases have a double border, ready phases are filled. */
export function dot(phases: readonly GraphPhase[]): string {
  const nodes = phases.map(({ name, final, resting, ready }) => {
    const marks = [
      final || resting ? 'peripheries=2' : undefined,
      ready ? 'style="rounded,filled" fillcolor="#e6f4ea"' : undefined,
    ].filter((mark) => mark !== undefined);
    return `  ${quoteDot(name)}${marks.length === 0 ? '' : ` [${marks.join(' ')}]`};`;
  });
  const start = phases.flatMap(({ name, initial }) =>
    initial ? ['  start [shape=point];', `  start -> ${quoteDot(name)};`] : [],
  );
  const arrows = graphEdges(phases).map(
    ({ from, to, label }) =>
      `  ${quoteDot(from)} -> ${quoteDot(to)}${label === undefined ? '' : ` [style=dashed label=${quoteDot(label)}]`};`,
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

function quoteDot(text: string): string {
  return `"${text.replaceAll('"', '\\"')}"`;
}

/** SVG, with the layout of Graphviz. */
export async function svg(phases: readonly GraphPhase[]): Promise<string> {
  const { instance } = await import('@viz-js/viz');
  const viz = await instance();
  return viz.renderString(dot(phases), { format: 'svg' });
}

function isEnd({ final = false, resting = false }: GraphPhase): boolean {
  return final || resting;
}

const SINGLE_BORDER = ['┌', '─', '┐', '│', '└', '┘'] as const;
const DOUBLE_BORDER = ['╔', '═', '╗', '║', '╚', '╝'] as const;

/** One box per phase for a terminal, with the arrows to the phases that may follow. */
export function boxes(phases: readonly GraphPhase[]): string {
  const known = new Set(phases.map(({ name }) => name));
  const width = Math.max(...phases.map(({ name }) => name.length));
  const lines = phases.flatMap((phase) => {
    const [topLeft, line, topRight, side, bottomLeft, bottomRight] = isEnd(phase)
      ? DOUBLE_BORDER
      : SINGLE_BORDER;
    const targets = [
      ...phase.next.map((name) => (known.has(name) ? name : `${name} (not there yet)`)),
      ...(phase.onTimeout === undefined ? [] : [`${phase.onTimeout} after ${phase.timeout}`]),
      ...(phase.undoneTargets ?? []).map((target) => `${target} when undone`),
    ];
    const exits = targets.length === 0 ? '' : ` ──▶ ${targets.join(', ')}`;
    const mark = phase.initial ? '●▶' : '  ';
    const notes = [
      phase.final ? 'final' : undefined,
      phase.resting ? 'resting' : undefined,
      phase.ready && !isEnd(phase) ? 'ready' : undefined,
    ].filter((note) => note !== undefined);
    return [
      `   ${topLeft}${line.repeat(width + 2)}${topRight}`,
      `${mark} ${side} ${phase.name.padEnd(width)} ${side}${exits}${notes.length === 0 ? '' : `  (${notes.join(', ')})`}`,
      `   ${bottomLeft}${line.repeat(width + 2)}${bottomRight}`,
    ];
  });
  return lines.join('\n');
}

const GRAPH_BEGIN = '<!-- autopilot:machine -->';
const GRAPH_END = '<!-- /autopilot:machine -->';

/**
 * Section of a README with the phases as a diagram and as a table. The section is between two
 * markers, so that `replaceMachineSection` finds it.
 */
export function machineSection({ phases }: Pick<Model, 'phases'>): string {
  const rows = phases.map((phase) => {
    const next = phase.next.filter((name) => name !== phase.name).join(', ');
    const to = phase.final ? 'the end' : next || (phase.resting === true ? 'rests' : 'stays');
    const description = phase.description?.trim().replaceAll('\n', ' ') ?? '';
    return `| ${phase.name} | ${description} | ${to} |`;
  });
  return [
    GRAPH_BEGIN,
    '',
    `\`\`\`mermaid\n${mermaid(graphPhases({ phases }))}\`\`\``,
    '',
    '| phase | what happens | goes to |',
    '|---|---|---|',
    ...rows,
    '',
    GRAPH_END,
  ].join('\n');
}

/**
 * Replaces the section between the markers.
 * @returns the same text when it has no markers
 */
export function replaceMachineSection(text: string, section: string): string {
  const begin = text.indexOf(GRAPH_BEGIN);
  const end = text.indexOf(GRAPH_END, begin);
  return begin < 0 || end < 0
    ? text
    : text.slice(0, begin) + section + text.slice(end + GRAPH_END.length);
}
