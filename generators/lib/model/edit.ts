/** Changes of autopilot.yaml through its document model: comments, order and formatting of the rest survive. */
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document, YAMLMap, YAMLSeq } from 'yaml';
import { diff3Merge } from 'node-diff3';
import { anchorsOf, isShared, meant, ownList, settleAnchors, textOf } from './anchors.ts';
import { reachable } from './check.ts';
import type { NewPhase } from './new-project.ts';
import { phaseNode, STYLE } from './project-text.ts';
import type { PhaseDocument, ProjectDocument } from './schema.ts';

type Phases = YAMLSeq<unknown>;

/** An edit of the document: comments, order, quoting, anchors and line ends of everything else survive. @throws Error when there is no list of phases */
function edited(text: string, change: (document: Document, phases: Phases) => unknown): string {
  const document = parseDocument(text);
  const phases = document.get('phases');
  if (!isSeq(phases)) throw new Error('autopilot.yaml has no list of phases');
  const style = { ...STYLE, flowCollectionPadding: /\[ /.test(text) };
  const before = document.toString(style);
  const anchors = anchorsOf(document);
  change(document, phases);
  settleAnchors(document, anchors);
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

function indexOf(document: Document, phases: Phases, name: string): number {
  return phases.items.findIndex((item) => isMap(item) && textOf(document, item.get('name', true)) === name);
}

/** @throws Error when there is none */
function phaseNamed(document: Document, phases: Phases, name: string, option: string): YAMLMap {
  const found = phases.items[indexOf(document, phases, name)];
  if (!isMap(found)) throw new Error(`${option} names '${name}', which is not a phase of autopilot.yaml`);
  return found;
}

/**
 * Adds a phase at the end, or after another one. That one and `sources` then also may go to it (where they say where they may go at all).
 * @throws Error when `after` or a source names no phase
 */
export function addPhase(text: string, phase: NewPhase, after?: string, sources: readonly string[] = []): string {
  return edited(text, (document, phases) => {
    for (const source of [...sources, ...(after === undefined ? [] : [after])]) leadTo(document, phaseNamed(document, phases, source, '--after'), phase.name);
    const place = after === undefined ? phases.items.length : indexOf(document, phases, after) + 1;
    phases.items.splice(place, 0, phaseNode(document, phase));
  });
}

/** What `editPhase` can set; of `next`, `any` takes the list away. */
export type PhaseFields = Partial<Omit<NewPhase, 'name' | 'next'>> & { readonly next?: readonly string[] | 'any' };

/**
 * Sets the fields that are given. An empty list or text, and what is so anyway, takes a field away: `final: false`, `ready` as `final`.
 * What becomes final loses what a worker would use.
 */
export function editPhase(text: string, name: string, fields: PhaseFields): string {
  return edited(text, (document, phases) => {
    const phase = phaseNamed(document, phases, name, 'edit');
    const wasFinal = phase.get('final') === true;
    const { final = wasFinal } = fields;
    if (final && !wasFinal) for (const key of ['inputs', 'outputs', 'next']) if (!(key in fields)) phase.delete(key);
    if (final !== wasFinal && fields.ready === undefined) phase.delete('ready');
    for (const [key, value] of Object.entries(fields)) {
      const usual = key === 'ready' ? final : key === 'next' ? 'any' : false;
      const empty = value === usual || value === '' || (Array.isArray(value) && value.length === 0 && key !== 'next');
      if (empty) phase.delete(key);
      else if (Array.isArray(value)) phase.set(key, listNode(document, ownList(document, phase, key), value as readonly string[]));
      else setScalar(document, phase, key, value);
    }
  });
}

/** Items that stay keep their form (`{ name: services, prune: true }`), new ones are plain names. */
function listNode(document: Document, before: unknown, names: readonly string[]): YAMLSeq {
  const old = isSeq(before) ? before : document.createNode([]);
  const nameOf = (item: unknown): string | undefined => textOf(document, isMap(item) ? item.get('name', true) : item);
  const kept = new Map(old.items.map((item) => [nameOf(item), item]));
  const list = isSeq(before) ? before : (document.createNode([]) as YAMLSeq);
  if (!isSeq(before)) list.flow = true;
  list.items = names.map((name) => kept.get(name) ?? document.createNode(name));
  return list;
}

/** Only here: what shares the value through an alias keeps the old one. */
function setScalar(document: Document, map: YAMLMap, key: string, value: unknown): void {
  const before = map.get(key, true);
  if (isScalar(before) && !isShared(document, before)) before.value = value;
  else map.set(key, document.createNode(value));
}

/** Gives a phase another name: `next`, `onTimeout` and `onSpecChange` follow, and the old name goes into `formerly`. */
export function renamePhase(text: string, from: string, to: string): string {
  return edited(text, (document, phases) => {
    const phase = phaseNamed(document, phases, from, 'rename');
    // Aliases of the name stand for this phase, so they follow.
    const name = meant(document, phase.get('name', true));
    if (isScalar(name)) name.value = to;
    retarget(document, phases, from, to);
    remember(document, phase, [from]);
    const formerly = ownList(document, phase, 'formerly');
    if (formerly !== undefined) formerly.items = formerly.items.filter((item) => textOf(document, item) !== to);
    if (formerly?.items.length === 0) phase.delete('formerly');
  });
}

/**
 * Takes a phase away. Phases that might go to it may go to the heir instead, and resources standing in it are taken as standing there. An
 * heir that might go to it may go where it might go; and what nothing leads to any more may be reached from the heir, or where that is
 * final or there is none, from the phases that led to it.
 * @param heir undefined: nobody takes over; resources standing there will be Stalled.
 * @throws Error when another phase cannot do without it
 */
export function removePhase(text: string, name: string, heir: string | undefined): string {
  const without = edited(text, (document, phases) => takeAway(document, phases, name, heir));
  return edited(without, (document, phases) => {
    for (const [source, target] of bridges(machineIn(text), machineIn(without), name, heir))
      leadTo(document, phaseNamed(document, phases, source, 'remove'), target);
  });
}

function takeAway(document: Document, phases: Phases, name: string, heir: string | undefined): void {
  const phase = phaseNamed(document, phases, name, 'remove');
  const names = [name, ...formerNames(document, phase)];
  const gone = (): unknown => phases.items.splice(indexOf(document, phases, name), 1);
  if (heir === undefined) {
    for (const other of phases.items)
      for (const key of ['onTimeout', 'onSpecChange'])
        if (isMap(other) && other !== phase && textOf(document, other.get(key, true)) === name)
          throw new Error(`${textOf(document, other.get('name', true))} goes to '${name}' by ${key}: name an heir with --heir, or change that first`);
    retarget(document, phases, name, undefined);
    gone();
    return;
  }
  const successor = phaseNamed(document, phases, heir, '--heir');
  // It does not go to itself, but whoever shares its list goes to it.
  ownList(document, successor, 'next');
  retarget(document, phases, name, heir);
  remember(document, successor, names);
  const initial = phase.get('initial') === true;
  gone();
  if (initial && !phases.items.some((item) => isMap(item) && item.get('initial') === true)) successor.set('initial', true);
}

function machineIn(text: string): readonly PhaseDocument[] {
  return (parseDocument(text).toJS() as ProjectDocument).phases;
}

/** Which phases may go where they could not before, so that nothing is cut off by the removal of a phase. */
function bridges(
  before: readonly PhaseDocument[],
  after: readonly PhaseDocument[],
  removed: string,
  heir: string | undefined,
): readonly (readonly [source: string, target: string])[] {
  const targets = (before.find(({ name }) => name === removed)?.next ?? []).filter((target) => target !== removed && target !== heir);
  const sources = before.flatMap(({ name, next }) => (name !== removed && next?.includes(removed) ? [name] : []));
  const reached = reachable(after);
  const wanted = heir !== undefined && sources.includes(heir) ? targets : targets.filter((target) => !reached.has(target));
  const heirEnds = after.find(({ name }) => name === heir)?.final === true;
  return wanted.flatMap((target) => (heir === undefined || heirEnds ? sources : [heir]).map((source) => [source, target] as const));
}

/** The phase may also go there, if it says at all where it may go. */
function leadTo(document: Document, phase: YAMLMap, target: string): void {
  const next = ownList(document, phase, 'next');
  if (next?.items.every((item) => textOf(document, item) !== target)) next.add(document.createNode(target));
}

/** Puts a phase behind another one; undefined: to the front. */
export function movePhase(text: string, name: string, after: string | undefined): string {
  return edited(text, (document, phases) => {
    const phase = phaseNamed(document, phases, name, 'move');
    if (after !== undefined) phaseNamed(document, phases, after, '--after');
    phases.items.splice(indexOf(document, phases, name), 1);
    phases.items.splice(after === undefined ? 0 : indexOf(document, phases, after) + 1, 0, phase);
  });
}

/** Every place that names a phase names another one, or none. A phase never names itself or one twice by it. */
function retarget(document: Document, phases: Phases, from: string, to: string | undefined): void {
  for (const phase of phases.items) {
    if (!isMap(phase)) continue;
    const own = textOf(document, phase.get('name', true));
    const next = phase.get('next');
    if (isSeq(next)) {
      next.items = next.items.map((item) => {
        if (to === undefined || textOf(document, item) !== from) return item;
        if (!isScalar(item) || isShared(document, item)) return document.createNode(to);
        item.value = to;
        return item;
      });
      const seen = new Set<string | undefined>(to !== undefined && to === own && from !== own ? [to] : []);
      next.items = next.items
        .filter((item) => textOf(document, item) !== from || to !== undefined)
        .filter((item) => !seen.has(textOf(document, item)) && Boolean(seen.add(textOf(document, item))));
    }
    for (const key of ['onTimeout', 'onSpecChange'])
      if (textOf(document, phase.get(key, true)) === from && to !== undefined) setScalar(document, phase, key, to);
  }
}

function formerNames(document: Document, phase: YAMLMap): readonly string[] {
  const formerly = meant(document, phase.get('formerly', true));
  return isSeq(formerly) ? formerly.items.flatMap((item) => textOf(document, item) ?? []) : [];
}

function remember(document: Document, phase: YAMLMap, names: readonly string[]): void {
  const all = [...new Set([...formerNames(document, phase), ...names])];
  phase.set('formerly', listNode(document, ownList(document, phase, 'formerly'), all));
}
