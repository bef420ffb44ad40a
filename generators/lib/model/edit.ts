/**
 * Changes of autopilot.yaml through its document model: comments, order and formatting of the rest
 * survive.
 */
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document, YAMLMap, YAMLSeq } from 'yaml';
import { diff3Merge } from 'node-diff3';
import {
  collectAnchors,
  isAliased,
  resolveAlias,
  getOwnList,
  repairAnchors,
  scalarString,
} from '../util/yaml-anchors.ts';
import { reachablePhases } from './validate-project.ts';
import type { NewPhase } from './new-project.ts';
import { phaseNode, YAML_STYLE } from './project-text.ts';
import type { PhaseDocument, ProjectDocument } from './project-schema.ts';

type PhaseList = YAMLSeq<unknown>;

/**
 * An edit of the document: comments, order, quoting, anchors and line ends of everything else
 * survive. @throws Error when there is no list of phases
 */
function editDocument(
  text: string,
  change: (document: Document, phases: PhaseList) => unknown,
): string {
  const document = parseDocument(text);
  const phases = document.get('phases');
  if (!isSeq(phases)) {
    throw new Error('autopilot.yaml has no list of phases');
  }
  const style = { ...YAML_STYLE, flowCollectionPadding: /\[ /.test(text) };
  const before = document.toString(style);
  const anchors = collectAnchors(document);
  change(document, phases);
  repairAnchors(document, anchors);
  const after = document.toString(style);
  const written = keepLayout(before, text.replaceAll('\r\n', '\n'), after);
  return text.includes('\r\n') ? written.replaceAll('\n', '\r\n') : written;
}

/**
 * The edit alone, in the user's own layout: writing a document again also changes spacing and
 * indentation of lines that nobody has
 * touched, so what the edit has changed is merged into the text as it was.
 */
function keepLayout(before: string, text: string, after: string): string {
  const regions = diff3Merge(text.split('\n'), before.split('\n'), after.split('\n'), {
    excludeFalseConflicts: true,
  });
  const merged = regions
    .flatMap(({ ok, conflict }) => ok ?? (conflict === undefined ? [] : keepUserLines(conflict)))
    .join('\n');
  const document = parseDocument(merged);
  const same =
    document.errors.length === 0 &&
    JSON.stringify(document.toJS()) === JSON.stringify(parseDocument(after).toJS());
  return same ? merged : after;
}

/**
 * Of lines that edit and layout have both changed: those that the edit has only carried along stay
 * as the user wrote them.
 */
function keepUserLines({
  a: text,
  o: before,
  b: after,
}: {
  readonly a: readonly string[];
  readonly o: readonly string[];
  readonly b: readonly string[];
}): readonly string[] {
  if (text.length !== before.length) {
    return after;
  }
  return after.map((line) => text[before.indexOf(line)] ?? line);
}

function phaseIndex(document: Document, phases: PhaseList, name: string): number {
  return phases.items.findIndex(
    (item) => isMap(item) && scalarString(document, item.get('name', true)) === name,
  );
}

/** @throws Error when there is none */
function requirePhase(
  document: Document,
  phases: PhaseList,
  name: string,
  option: string,
): YAMLMap {
  const found = phases.items[phaseIndex(document, phases, name)];
  if (!isMap(found)) {
    throw new Error(`${option} names '${name}', which is not a phase of autopilot.yaml`);
  }
  return found;
}

/**
 * Adds a phase at the end, or after another one. That one and `sources` then also may go to it
 * (where they say where they may go at all).
 * @throws Error when `after` or a source names no phase
 */
export function addPhase(
  text: string,
  phase: NewPhase,
  after?: string,
  sources: readonly string[] = [],
): string {
  return editDocument(text, (document, phases) => {
    for (const source of [...sources, ...(after === undefined ? [] : [after])]) {
      addTarget(document, requirePhase(document, phases, source, '--after'), phase.name);
    }
    const place =
      after === undefined ? phases.items.length : phaseIndex(document, phases, after) + 1;
    phases.items.splice(place, 0, phaseNode(document, phase));
  });
}

/** What `editPhase` can set; of `next`, `any` takes the list away. */
export type PhaseFields = Partial<Omit<NewPhase, 'name' | 'next'>> & {
  readonly next?: readonly string[] | 'any';
};

/**
 * Sets the fields that are given. An empty list or text, and what is so anyway, takes a field away:
 * `final: false`, `ready` as `final`.
 * What becomes final loses what a worker would use.
 */
export function editPhase(text: string, name: string, fields: PhaseFields): string {
  return editDocument(text, (document, phases) => {
    const phase = requirePhase(document, phases, name, 'edit');
    const wasFinal = phase.get('final') === true;
    const { final = wasFinal } = fields;
    if (final && !wasFinal) {
      for (const key of ['inputs', 'outputs', 'next']) {
        if (!(key in fields)) {
          phase.delete(key);
        }
      }
    }
    if (final !== wasFinal && fields.ready === undefined) {
      phase.delete('ready');
    }
    for (const [key, value] of Object.entries(fields)) {
      const usual = key === 'ready' ? final : key === 'next' ? 'any' : false;
      const empty =
        value === usual ||
        value === '' ||
        (Array.isArray(value) && value.length === 0 && key !== 'next');
      if (empty) {
        phase.delete(key);
      } else if (Array.isArray(value)) {
        phase.set(
          key,
          updateListNode(document, getOwnList(document, phase, key), value as readonly string[]),
        );
      } else {
        setScalar(document, phase, key, value);
      }
    }
  });
}

/**
 * Items that stay keep their form (`{ name: services, prune: true }`), new ones are plain names.
 */
function updateListNode(document: Document, before: unknown, names: readonly string[]): YAMLSeq {
  const old = isSeq(before) ? before : document.createNode([]);
  const nameOf = (item: unknown): string | undefined =>
    scalarString(document, isMap(item) ? item.get('name', true) : item);
  const kept = new Map(old.items.map((item) => [nameOf(item), item]));
  const list = isSeq(before) ? before : (document.createNode([]) as YAMLSeq);
  if (!isSeq(before)) {
    list.flow = true;
  }
  list.items = names.map((name) => kept.get(name) ?? document.createNode(name));
  return list;
}

/** Only here: what shares the value through an alias keeps the old one. */
function setScalar(document: Document, map: YAMLMap, key: string, value: unknown): void {
  const before = map.get(key, true);
  if (isScalar(before) && !isAliased(document, before)) {
    before.value = value;
  } else {
    map.set(key, document.createNode(value));
  }
}

/**
 * Gives a phase another name: `next`, `onTimeout` and `onSpecChange` follow, and the old name goes
 * into `formerly`.
 */
export function renamePhase(text: string, from: string, to: string): string {
  return editDocument(text, (document, phases) => {
    const phase = requirePhase(document, phases, from, 'rename');
    // Aliases of the name stand for this phase, so they follow.
    const name = resolveAlias(document, phase.get('name', true));
    if (isScalar(name)) {
      name.value = to;
    }
    renameTargets(document, phases, from, to);
    addFormerNames(document, phase, [from]);
    const formerly = getOwnList(document, phase, 'formerly');
    if (formerly !== undefined) {
      formerly.items = formerly.items.filter((item) => scalarString(document, item) !== to);
    }
    if (formerly?.items.length === 0) {
      phase.delete('formerly');
    }
  });
}

/**
 * Takes a phase away. Phases that might go to it may go to the replacement instead, and resources
 * standing in it are taken as standing there. A
 * replacement that might go to it may go where it might go; and what nothing leads to any more may
 * be reached from the replacement, or where that is
 * final or there is none, from the phases that led to it.
 * @param replacement undefined: nobody takes over; resources standing there will be Stalled.
 * @throws Error when another phase cannot do without it
 */
export function removePhase(text: string, name: string, replacement: string | undefined): string {
  const without = editDocument(text, (document, phases) =>
    removePhaseNode(document, phases, name, replacement),
  );
  return editDocument(without, (document, phases) => {
    for (const [source, target] of transitionsToAdd(
      parsePhases(text),
      parsePhases(without),
      name,
      replacement,
    )) {
      addTarget(document, requirePhase(document, phases, source, 'remove'), target);
    }
  });
}

function removePhaseNode(
  document: Document,
  phases: PhaseList,
  name: string,
  replacement: string | undefined,
): void {
  const phase = requirePhase(document, phases, name, 'remove');
  const names = [name, ...formerNames(document, phase)];
  const removeNode = (): unknown => phases.items.splice(phaseIndex(document, phases, name), 1);
  if (replacement === undefined) {
    for (const other of phases.items) {
      for (const key of ['onTimeout', 'onSpecChange']) {
        if (
          isMap(other) &&
          other !== phase &&
          scalarString(document, other.get(key, true)) === name
        ) {
          throw new Error(
            `${scalarString(document, other.get('name', true))} goes to '${name}' by ${key}: name a replacement with --replacement, or change that first`,
          );
        }
      }
    }
    renameTargets(document, phases, name, undefined);
    removeNode();
    return;
  }
  const successor = requirePhase(document, phases, replacement, '--replacement');
  // It does not go to itself, but whoever shares its list goes to it.
  getOwnList(document, successor, 'next');
  renameTargets(document, phases, name, replacement);
  addFormerNames(document, successor, names);
  const initial = phase.get('initial') === true;
  removeNode();
  if (initial && !phases.items.some((item) => isMap(item) && item.get('initial') === true)) {
    successor.set('initial', true);
  }
}

function parsePhases(text: string): readonly PhaseDocument[] {
  return (parseDocument(text).toJS() as ProjectDocument).phases;
}

/**
 * Which phases may go where they could not before, so that nothing is cut off by the removal of a
 * phase.
 */
function transitionsToAdd(
  before: readonly PhaseDocument[],
  after: readonly PhaseDocument[],
  removed: string,
  replacement: string | undefined,
): readonly (readonly [source: string, target: string])[] {
  const targets = (before.find(({ name }) => name === removed)?.next ?? []).filter(
    (target) => target !== removed && target !== replacement,
  );
  const sources = before.flatMap(({ name, next }) =>
    name !== removed && next?.includes(removed) ? [name] : [],
  );
  const reached = reachablePhases(after);
  const wanted =
    replacement !== undefined && sources.includes(replacement)
      ? targets
      : targets.filter((target) => !reached.has(target));
  const isReplacementFinal = after.find(({ name }) => name === replacement)?.final === true;
  return wanted.flatMap((target) =>
    (replacement === undefined || isReplacementFinal ? sources : [replacement]).map(
      (source) => [source, target] as const,
    ),
  );
}

/** The phase may also go there, if it says at all where it may go. */
function addTarget(document: Document, phase: YAMLMap, target: string): void {
  const next = getOwnList(document, phase, 'next');
  if (next?.items.every((item) => scalarString(document, item) !== target)) {
    next.add(document.createNode(target));
  }
}

/** Puts a phase behind another one; undefined: to the front. */
export function movePhase(text: string, name: string, after: string | undefined): string {
  return editDocument(text, (document, phases) => {
    const phase = requirePhase(document, phases, name, 'move');
    if (after !== undefined) {
      requirePhase(document, phases, after, '--after');
    }
    phases.items.splice(phaseIndex(document, phases, name), 1);
    phases.items.splice(
      after === undefined ? 0 : phaseIndex(document, phases, after) + 1,
      0,
      phase,
    );
  });
}

/**
 * Every place that names a phase names another one, or none. A phase never names itself or one
 * twice by it.
 */
function renameTargets(
  document: Document,
  phases: PhaseList,
  from: string,
  to: string | undefined,
): void {
  for (const phase of phases.items) {
    if (!isMap(phase)) {
      continue;
    }
    const own = scalarString(document, phase.get('name', true));
    const next = phase.get('next');
    if (isSeq(next)) {
      next.items = next.items.map((item) => {
        if (to === undefined || scalarString(document, item) !== from) {
          return item;
        }
        if (!isScalar(item) || isAliased(document, item)) {
          return document.createNode(to);
        }
        item.value = to;
        return item;
      });
      const seen = new Set<string | undefined>(
        to !== undefined && to === own && from !== own ? [to] : [],
      );
      next.items = next.items
        .filter((item) => scalarString(document, item) !== from || to !== undefined)
        .filter(
          (item) =>
            !seen.has(scalarString(document, item)) &&
            Boolean(seen.add(scalarString(document, item))),
        );
    }
    for (const key of ['onTimeout', 'onSpecChange']) {
      if (scalarString(document, phase.get(key, true)) === from && to !== undefined) {
        setScalar(document, phase, key, to);
      }
    }
  }
}

function formerNames(document: Document, phase: YAMLMap): readonly string[] {
  const formerly = resolveAlias(document, phase.get('formerly', true));
  return isSeq(formerly)
    ? formerly.items.flatMap((item) => scalarString(document, item) ?? [])
    : [];
}

function addFormerNames(document: Document, phase: YAMLMap, names: readonly string[]): void {
  const all = [...new Set([...formerNames(document, phase), ...names])];
  phase.set('formerly', updateListNode(document, getOwnList(document, phase, 'formerly'), all));
}
