/** Changes of autopilot.yaml through its document model: comments, order and formatting of the rest survive. Also its first text. */
import { Document, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { YAMLMap, YAMLSeq } from 'yaml';
import { diff3Merge } from 'node-diff3';

export interface NewPhase {
  readonly name: string;
  readonly description?: string;
  readonly initial?: boolean;
  readonly final?: boolean;
  readonly ready?: boolean;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly next?: readonly string[];
}

export interface NewProject {
  readonly kind: string;
  readonly apiVersion: string;
  readonly operatorName: string;
  readonly phases: readonly NewPhase[];
}

/** Long texts stay on one line; lists of names are written `[a, b]`. */
const STYLE = { lineWidth: 0, flowCollectionPadding: false } as const;

type Phases = YAMLSeq<unknown>;

/** An edit of the document: comments, order, quoting, anchors and line ends of everything else survive. @throws Error when there is no list of phases */
function edited(text: string, change: (document: Document, phases: Phases) => void): string {
  const document = parseDocument(text);
  const phases = document.get('phases');
  if (!isSeq(phases)) throw new Error('autopilot.yaml has no list of phases');
  const style = { ...STYLE, flowCollectionPadding: /\[ /.test(text) };
  const before = document.toString(style);
  change(document, phases);
  const after = document.toString(style);
  const written = relaid(before, text.replaceAll('\r\n', '\n'), after);
  return text.includes('\r\n') ? written.replaceAll('\n', '\r\n') : written;
}

/**
 * The edit alone, in the user's own layout: writing a document again also changes spacing and indentation of lines that nobody has
 * touched, so what the edit has changed is merged into the text as it was.
 */
function relaid(before: string, text: string, after: string): string {
  const regions = diff3Merge(text.split('\n'), before.split('\n'), after.split('\n'), { excludeFalseConflicts: true });
  const merged = regions.flatMap(({ ok, conflict }) => ok ?? (conflict === undefined ? [] : inLayout(conflict))).join('\n');
  const document = parseDocument(merged);
  const same = document.errors.length === 0 && JSON.stringify(document.toJS()) === JSON.stringify(parseDocument(after).toJS());
  return same ? merged : after;
}

/** Of lines that edit and layout have both changed: those that the edit has only carried along stay as the user wrote them. */
function inLayout({
  a: text,
  o: before,
  b: after,
}: {
  readonly a: readonly string[];
  readonly o: readonly string[];
  readonly b: readonly string[];
}): readonly string[] {
  if (text.length !== before.length) return after;
  return after.map((line) => text[before.indexOf(line)] ?? line);
}

function indexOf(phases: Phases, name: string): number {
  return phases.items.findIndex((item) => isMap(item) && item.get('name') === name);
}

/** @throws Error when there is none */
function phaseNamed(phases: Phases, name: string, option: string): YAMLMap {
  const found = phases.items[indexOf(phases, name)];
  if (!isMap(found)) throw new Error(`${option} names '${name}', which is not a phase of autopilot.yaml`);
  return found;
}

/**
 * Adds a phase at the end, or after another one. That one and `sources` then also may go to it (where they say where they may go at all).
 * @throws Error when `after` or a source names no phase
 */
export function addPhase(text: string, phase: NewPhase, after?: string, sources: readonly string[] = []): string {
  return edited(text, (document, phases) => {
    for (const source of [...sources, ...(after === undefined ? [] : [after])]) {
      const next = phaseNamed(phases, source, '--after').get('next');
      if (isSeq(next) && !next.items.some((item) => String(item) === phase.name)) next.add(document.createNode(phase.name));
    }
    const place = after === undefined ? phases.items.length : indexOf(phases, after) + 1;
    phases.items.splice(place, 0, phaseNode(document, phase));
  });
}

/** Sets the fields that are given; an empty list or text, or `false`, takes a field away. What becomes final loses what a worker would use. */
export function editPhase(text: string, name: string, fields: Partial<Omit<NewPhase, 'name'>>): string {
  return edited(text, (document, phases) => {
    const phase = phaseNamed(phases, name, 'edit');
    if (fields.final) for (const key of ['inputs', 'outputs', 'next', 'ready']) if (!(key in fields)) phase.delete(key);
    for (const [key, value] of Object.entries(fields)) {
      const empty = value === false || value === '' || (Array.isArray(value) && value.length === 0 && key !== 'next');
      if (empty) phase.delete(key);
      else if (Array.isArray(value)) phase.set(key, listNode(document, phase.get(key), value as readonly string[]));
      else setScalar(phase, key, value);
    }
  });
}

/** Items that stay keep their form (`{ name: services, prune: true }`), new ones are plain names. */
function listNode(document: Document, before: unknown, names: readonly string[]): YAMLSeq {
  const old = isSeq(before) ? before : document.createNode([]);
  const nameOf = (item: unknown): string => String(isMap(item) ? item.get('name') : item);
  const kept = new Map(old.items.map((item) => [nameOf(item), item]));
  const list = isSeq(before) ? before : (document.createNode([]) as YAMLSeq);
  if (!isSeq(before)) list.flow = true;
  list.items = names.map((name) => kept.get(name) ?? document.createNode(name));
  return list;
}

function setScalar(map: YAMLMap, key: string, value: unknown): void {
  const before = map.get(key, true);
  if (isScalar(before)) before.value = value;
  else map.set(key, value);
}

/** Gives a phase another name: `next`, `onTimeout` and `onSpecChange` follow, and the old name goes into `formerly`. */
export function renamePhase(text: string, from: string, to: string): string {
  return edited(text, (document, phases) => {
    const phase = phaseNamed(phases, from, 'rename');
    setScalar(phase, 'name', to);
    retarget(phases, from, to);
    remember(document, phase, [from]);
    const formerly = phase.get('formerly');
    if (isSeq(formerly)) formerly.items = formerly.items.filter((item) => String(item) !== to);
    if (isSeq(formerly) && formerly.items.length === 0) phase.delete('formerly');
  });
}

/**
 * Takes a phase away. Phases that might go to it may go to the heir instead, and resources standing in it are taken as standing there.
 * @param heir undefined: nobody takes over; resources standing there will be Stalled.
 * @throws Error when another phase cannot do without it
 */
export function removePhase(text: string, name: string, heir: string | undefined): string {
  return edited(text, (document, phases) => {
    const phase = phaseNamed(phases, name, 'remove');
    const formerly = phase.get('formerly');
    const names = [name, ...(isSeq(formerly) ? formerly.items.map(String) : [])];
    phases.items.splice(indexOf(phases, name), 1);
    for (const other of phases.items) {
      if (!isMap(other) || heir !== undefined) continue;
      for (const key of ['onTimeout', 'onSpecChange'])
        if (other.get(key) === name)
          throw new Error(`${String(other.get('name'))} goes to '${name}' by ${key}: name an heir with --heir, or change that first`);
    }
    if (heir === undefined) return retarget(phases, name, undefined);
    const successor = phaseNamed(phases, heir, '--heir');
    retarget(phases, name, heir);
    remember(document, successor, names);
    if (phase.get('initial') === true && !phases.items.some((item) => isMap(item) && item.get('initial') === true)) successor.set('initial', true);
  });
}

/** Puts a phase behind another one; undefined: to the front. */
export function movePhase(text: string, name: string, after: string | undefined): string {
  return edited(text, (_, phases) => {
    const phase = phaseNamed(phases, name, 'move');
    if (after !== undefined) phaseNamed(phases, after, '--after');
    phases.items.splice(indexOf(phases, name), 1);
    phases.items.splice(after === undefined ? 0 : indexOf(phases, after) + 1, 0, phase);
  });
}

/** Every place that names a phase names another one, or none. A phase never names itself or one twice by it. */
function retarget(phases: Phases, from: string, to: string | undefined): void {
  for (const phase of phases.items) {
    if (!isMap(phase)) continue;
    const own = phase.get('name');
    const next = phase.get('next');
    if (isSeq(next)) {
      for (const item of next.items) if (isScalar(item) && item.value === from && to !== undefined) item.value = to;
      const seen = new Set(to !== undefined && to === own && from !== own ? [to] : []);
      next.items = next.items
        .filter((item) => String(item) !== from || to !== undefined)
        .filter((item) => !seen.has(String(item)) && Boolean(seen.add(String(item))));
    }
    for (const key of ['onTimeout', 'onSpecChange']) if (phase.get(key) === from && to !== undefined) setScalar(phase, key, to);
  }
}

function remember(document: Document, phase: YAMLMap, names: readonly string[]): void {
  const formerly = phase.get('formerly');
  const before = isSeq(formerly) ? formerly.items.map(String) : [];
  phase.set('formerly', listNode(document, formerly, [...new Set([...before, ...names])]));
}

/** Where editors find the schema, from autopilot.yaml. */
export const SCHEMA_FILE = '.autopilot/autopilot.schema.json';

export function projectText(project: NewProject): string {
  const document = new Document({ kind: project.kind, apiVersion: project.apiVersion, operatorName: project.operatorName });
  document.commentBefore = ` yaml-language-server: $schema=${SCHEMA_FILE}\n The state machine of ${project.kind}: the only source of what is generated. After an edit: yo autopilot:generate`;
  document.set('phases', document.createNode([]));
  const phases = document.get('phases');
  if (isSeq(phases)) for (const phase of project.phases) phases.add(phaseNode(document, phase));
  return document.toString(STYLE);
}

/** The original's first project: Initializing, Processing, Finished. */
export function defaultPhases(kind: string): NewPhase[] {
  return [
    { name: 'Initializing', description: `${kind} has begun initializing`, initial: true, outputs: ['virtualservices'], next: ['Processing'] },
    { name: 'Processing', description: `${kind} has begun processing`, inputs: ['metrics'], outputs: ['virtualservices'], next: ['Finished'] },
    { name: 'Finished', description: `${kind} has finished`, final: true },
  ];
}

function phaseNode(document: Document, phase: NewPhase): ReturnType<Document['createNode']> {
  const node = document.createNode({
    name: phase.name,
    ...(phase.description && { description: phase.description }),
    ...(phase.initial && { initial: true }),
    ...(phase.final && { final: true }),
    ...(phase.ready && { ready: true }),
    ...(phase.inputs?.length && { inputs: phase.inputs }),
    ...(phase.outputs?.length && { outputs: phase.outputs }),
    ...(phase.next && !phase.final && { next: phase.next }),
  });
  if (isMap(node))
    for (const key of ['inputs', 'outputs', 'next']) {
      const list = node.get(key);
      if (isSeq(list)) list.flow = true;
    }
  return node;
}
