/** Edits of the phases in autopilot.yaml: add, edit, rename, remove and move. */
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document, YAMLMap, YAMLSeq } from 'yaml';
import { uniqueBy } from '../util/values.ts';
import { getOwnList, isAliased, resolveAlias, scalarString } from '../util/yaml-anchors.ts';
import { editDocument, phaseIndex, phaseName, phaseNodes, requirePhase } from './edit-document.ts';
import type { EditedDocument } from './edit-document.ts';
import type { NewPhase } from './new-project.ts';
import type { PhaseDocument, ProjectDocument } from './project-schema.ts';
import { phaseNode } from './project-text.ts';
import { reachablePhases } from './validate-project.ts';

/**
 * Adds a phase at the end of the list, or after another phase.
 * @param text content of autopilot.yaml
 * @param after phase before the new one, which may then go to the new one. Default: the last phase
 * of the list, without a transition.
 * @param sources further phases that may then go to the new one. A phase without `next` may already
 * go to each phase and stays as it is.
 * @throws Error when `after` or a source does not exist
 */
export function addPhase(
  text: string,
  phase: NewPhase,
  after?: string,
  sources: readonly string[] = [],
): string {
  return editDocument(text, (edited) => {
    const { document, phases } = edited;
    for (const source of [...sources, ...(after === undefined ? [] : [after])]) {
      addTarget(document, requirePhase(edited, source, '--after'), phase.name);
    }
    const index = after === undefined ? phases.items.length : phaseIndex(edited, after) + 1;
    phases.items.splice(index, 0, phaseNode(document, phase));
  });
}

/**
 * Fields that `editPhase` can set. `next: 'any'` removes the list, so that each phase may follow.
 */
export type PhaseFields = Partial<Omit<NewPhase, 'name' | 'next'>> & {
  readonly next?: readonly string[] | 'any';
};

/**
 * Sets fields of a phase. An empty list, an empty string and a default value (`final: false`,
 * `ready: true` of an end) remove the field. A phase that becomes final loses the fields that need
 * a worker: inputs, outputs, next, resting and whilePaused. A phase that becomes resting is not
 * final.
 * @throws Error when the phase does not exist
 */
export function editPhase(text: string, name: string, fields: PhaseFields): string {
  return editDocument(text, (edited) => {
    const phase = requirePhase(edited, name, 'edit');
    const wasFinal = phase.get('final') === true;
    const wasResting = phase.get('resting') === true;
    const { final = wasFinal && fields.resting !== true } = fields;
    const { resting = wasResting && !final } = fields;
    if (final && !wasFinal) {
      for (const key of WORKER_FIELDS.filter((one) => !(one in fields))) {
        phase.delete(key);
      }
    }
    if (wasFinal && !final) {
      phase.delete('final');
    }
    const isEnd = final || resting;
    if (isEnd !== (wasFinal || wasResting) && fields.ready === undefined) {
      phase.delete('ready');
    }
    for (const [key, value] of Object.entries(fields)) {
      setField(edited.document, phase, key, isDefault(key, value, isEnd) ? undefined : value);
    }
  });
}

/** Fields that a final phase cannot have. */
const WORKER_FIELDS = ['inputs', 'outputs', 'next', 'resting', 'whilePaused'];

function isDefault(key: string, value: unknown, isEnd: boolean): boolean {
  if (key === 'next') {
    // An empty list is a value: no other phase may follow.
    return value === 'any';
  }
  if (key === 'ready') {
    return value === isEnd;
  }
  if (key === 'whilePaused') {
    return value === 'keep';
  }
  return value === false || value === '' || (Array.isArray(value) && value.length === 0);
}

/** @param value undefined removes the field */
function setField(document: Document, phase: YAMLMap, key: string, value: unknown): void {
  if (value === undefined) {
    phase.delete(key);
    return;
  }
  if (Array.isArray(value)) {
    const list = getOwnList(document, phase, key);
    phase.set(key, updateListNode(document, list, value as readonly string[]));
    return;
  }
  setScalar(document, phase, key, value);
}

/**
 * Sets the names in a list. Items that stay keep their form, for example `{ name: services, prune:
 * true }`. New items are plain names.
 */
function updateListNode(
  document: Document,
  before: YAMLSeq | undefined,
  names: readonly string[],
): YAMLSeq {
  const list = before ?? (document.createNode([]) as YAMLSeq);
  if (before === undefined) {
    list.flow = true;
  }
  const nameOf = (item: unknown): string | undefined =>
    scalarString(document, isMap(item) ? item.get('name', true) : item);
  const kept = new Map(list.items.map((item) => [nameOf(item), item]));
  list.items = names.map((name) => kept.get(name) ?? document.createNode(name));
  return list;
}

/** Sets a scalar of one phase. Other phases that share the value through an alias keep it. */
function setScalar(document: Document, map: YAMLMap, key: string, value: unknown): void {
  const before = map.get(key, true);
  if (isScalar(before) && !isAliased(document, before)) {
    before.value = value;
  } else {
    map.set(key, document.createNode(value));
  }
}

/**
 * Renames a phase. `next`, `onTimeout`, `onSpecChange` and `whenUndone` of all phases follow. The
 * old name is added to `formerly`, so that stored resources are found in the renamed phase.
 * @throws Error when the phase does not exist
 */
export function renamePhase(text: string, from: string, to: string): string {
  return editDocument(text, (edited) => {
    const { document } = edited;
    const phase = requirePhase(edited, from, 'rename');
    // An alias of the name elsewhere means this phase, so the anchored scalar itself changes.
    const name = resolveAlias(document, phase.get('name', true));
    if (isScalar(name)) {
      name.value = to;
    }
    renameTargets(edited, from, to);
    addFormerNames(document, phase, [from]);
    removeFormerName(document, phase, to);
  });
}

/**
 * Removes a phase.
 *
 * - Phases that could go to the removed phase go to the replacement.
 * - Resources in the removed phase are treated as being in the replacement.
 * - A replacement that could go to the removed phase takes over its targets.
 * - A phase that would become unreachable is added to `next` of the replacement. If there is no
 *   replacement or it is final, the phase is added to `next` of the phases that could go to the
 *   removed one.
 *
 * @param replacement phase that takes over the resources. Undefined: none; resources in the removed
 * phase become Stalled.
 * @throws Error when a phase does not exist, when another phase needs the removed one, or when the
 * replacement requires an approval
 */
export function removePhase(text: string, name: string, replacement: string | undefined): string {
  refuseUnapproved(text, name, replacement);
  const without = editDocument(text, (edited) => {
    if (replacement === undefined) {
      removeWithoutReplacement(edited, name);
    } else {
      replacePhase(edited, name, replacement);
    }
  });
  const [before, after] = [parsePhases(text), parsePhases(without)];
  return editDocument(without, (edited) => {
    for (const [source, target] of transitionsToAdd(before, after, name, replacement)) {
      addTarget(edited.document, requirePhase(edited, source, 'remove'), target);
    }
  });
}

/** Resources enter the phase that takes them over without a transition, so without an approval. */
function refuseUnapproved(text: string, name: string, replacement: string | undefined): void {
  const successor = parsePhases(text).find((phase) => phase.name === replacement);
  if (successor?.approval === 'required') {
    throw new Error(
      `--replacement names '${replacement}', which requires an approval: resources in ${name} would be in ${replacement} without one. Name another phase, or none to leave such resources Stalled`,
    );
  }
}

function removeWithoutReplacement(edited: EditedDocument, name: string): void {
  const { document } = edited;
  const phase = requirePhase(edited, name, 'remove');
  for (const other of phaseNodes(edited).filter((one) => one !== phase)) {
    for (const [map, key] of targetFields(other)) {
      if (scalarString(document, map.get(key, true)) === name) {
        throw new Error(
          `${phaseName(edited, other)} goes to '${name}' by ${key}: name a replacement with --replacement, or change ${key} first`,
        );
      }
    }
  }
  renameTargets(edited, name, undefined);
  removeNode(edited, name);
}

function replacePhase(edited: EditedDocument, name: string, replacement: string): void {
  const { document } = edited;
  const phase = requirePhase(edited, name, 'remove');
  const successor = requirePhase(edited, replacement, '--replacement');
  const isInitial = phase.get('initial') === true;
  // The successor does not go to itself, but another phase that shares its list goes to it.
  getOwnList(document, successor, 'next');
  renameTargets(edited, name, replacement);
  addFormerNames(document, successor, [name, ...formerNames(document, phase)]);
  removeNode(edited, name);
  if (isInitial && !phaseNodes(edited).some((other) => other.get('initial') === true)) {
    successor.set('initial', true);
  }
}

function removeNode(edited: EditedDocument, name: string): void {
  edited.phases.items.splice(phaseIndex(edited, name), 1);
}

function parsePhases(text: string): readonly PhaseDocument[] {
  return (parseDocument(text).toJS() as ProjectDocument).phases;
}

/** Transitions to add, so that the removal of a phase makes no other phase unreachable. */
function transitionsToAdd(
  before: readonly PhaseDocument[],
  after: readonly PhaseDocument[],
  removed: string,
  replacement: string | undefined,
): readonly (readonly [source: string, target: string])[] {
  const sources = before
    .filter(({ name, next }) => name !== removed && next?.includes(removed))
    .map(({ name }) => name);
  const targets = (before.find(({ name }) => name === removed)?.next ?? []).filter(
    (target) => target !== removed && target !== replacement,
  );
  const takesOver = replacement !== undefined && sources.includes(replacement);
  const reached = reachablePhases(after);
  const wanted = takesOver ? targets : targets.filter((target) => !reached.has(target));
  const isReplacementFinal = after.find(({ name }) => name === replacement)?.final === true;
  const from = replacement === undefined || isReplacementFinal ? sources : [replacement];
  return wanted.flatMap((target) => from.map((source) => [source, target] as const));
}

/** Adds a phase to `next` of another phase. Without `next` each phase may follow already. */
function addTarget(document: Document, phase: YAMLMap, target: string): void {
  const next = getOwnList(document, phase, 'next');
  if (next?.items.every((item) => scalarString(document, item) !== target)) {
    next.add(document.createNode(target));
  }
}

/**
 * Moves a phase in the list.
 * @param after phase before it. Undefined: the phase becomes the first.
 * @throws Error when a phase does not exist
 */
export function movePhase(text: string, name: string, after: string | undefined): string {
  return editDocument(text, (edited) => {
    const phase = requirePhase(edited, name, 'move');
    if (after !== undefined) {
      requirePhase(edited, after, '--after');
    }
    removeNode(edited, name);
    const index = after === undefined ? 0 : phaseIndex(edited, after) + 1;
    edited.phases.items.splice(index, 0, phase);
  });
}

/**
 * Changes the target of all transitions to a phase.
 * @param to the new target. Undefined: the transitions are removed. A phase does not get a
 * transition to itself, nor two to the same target.
 */
function renameTargets(edited: EditedDocument, from: string, to: string | undefined): void {
  const { document } = edited;
  for (const phase of phaseNodes(edited)) {
    const next = phase.get('next');
    if (isSeq(next)) {
      next.items = renamedItems(edited, phase, next, [from, to]);
    }
    for (const [map, key] of targetFields(phase)) {
      if (to !== undefined && scalarString(document, map.get(key, true)) === from) {
        setScalar(document, map, key, to);
      }
    }
  }
}

/** The fields of a phase that name one phase, each with the map that has the field. */
function targetFields(phase: YAMLMap): readonly (readonly [map: YAMLMap, key: string])[] {
  const outputs = phase.get('outputs');
  const maps = isSeq(outputs) ? outputs.items.filter((output) => isMap(output)) : [];
  return [
    [phase, 'onTimeout'],
    [phase, 'onSpecChange'],
    ...maps.map((output) => [output, 'whenUndone'] as const),
  ];
}

function renamedItems(
  edited: EditedDocument,
  phase: YAMLMap,
  next: YAMLSeq,
  [from, to]: readonly [from: string, to: string | undefined],
): unknown[] {
  const { document } = edited;
  const nameOf = (item: unknown): string | undefined => scalarString(document, item);
  if (to === undefined) {
    return uniqueBy(
      next.items.filter((item) => nameOf(item) !== from),
      nameOf,
    );
  }
  const own = phaseName(edited, phase);
  const wouldNameItself = to === own && from !== own;
  const renamed = next.items.map((item) =>
    nameOf(item) === from ? renamedItem(document, item, to) : item,
  );
  return uniqueBy(
    renamed.filter((item) => !wouldNameItself || nameOf(item) !== to),
    nameOf,
  );
}

/** An item of a list with another name. An aliased scalar is replaced, not changed. */
function renamedItem(document: Document, item: unknown, to: string): unknown {
  if (!isScalar(item) || isAliased(document, item)) {
    return document.createNode(to);
  }
  item.value = to;
  return item;
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

/** Removes a name from `formerly`, which must not contain the name of a phase. */
function removeFormerName(document: Document, phase: YAMLMap, name: string): void {
  const formerly = getOwnList(document, phase, 'formerly');
  if (formerly === undefined) {
    return;
  }
  formerly.items = formerly.items.filter((item) => scalarString(document, item) !== name);
  if (formerly.items.length === 0) {
    phase.delete('formerly');
  }
}
