/**
 * Edits of autopilot.yaml that change only what the edit is about: comments, order, quoting,
 * spacing, anchors and line ends of everything else stay as the user wrote them.
 */
import { diff3Merge } from 'node-diff3';
import { isMap, isSeq, parseDocument } from 'yaml';
import type { Document, YAMLMap, YAMLSeq } from 'yaml';
import { collectAnchors, repairAnchors, scalarString } from '../util/yaml-anchors.ts';
import { YAML_STYLE } from './project-text.ts';

/** A document that is being edited, with its list of phases. */
export interface EditedDocument {
  readonly document: Document;
  readonly phases: YAMLSeq<unknown>;
}

/**
 * Applies an edit to the text of autopilot.yaml.
 * @param edit changes the document in place
 * @returns the text after the edit
 * @throws Error when the file has no list of phases
 */
export function editDocument(text: string, edit: (edited: EditedDocument) => void): string {
  const document = parseDocument(text);
  const phases = document.get('phases');
  if (!isSeq(phases)) {
    throw new Error('autopilot.yaml has no list of phases');
  }
  const style = { ...YAML_STYLE, flowCollectionPadding: /\[ /.test(text) };
  const before = document.toString(style);
  const anchors = collectAnchors(document);
  edit({ document, phases });
  repairAnchors(document, anchors);
  const after = document.toString(style);
  const written = keepLayout(before, text.replaceAll('\r\n', '\n'), after);
  return text.includes('\r\n') ? written.replaceAll('\n', '\r\n') : written;
}

/**
 * Merges the edit into the user's own layout. Writing a YAML document also changes the spacing and
 * indentation of lines that the edit does not concern, so the difference between the two written
 * documents is applied to the original text.
 * @param before the document as the YAML library writes it before the edit
 * @param text the document as the user wrote it
 * @param after the document as the YAML library writes it after the edit
 * @returns `after` when the merged text would have another meaning
 */
function keepLayout(before: string, text: string, after: string): string {
  const regions = diff3Merge(text.split('\n'), before.split('\n'), after.split('\n'), {
    excludeFalseConflicts: true,
  });
  const merged = regions
    .flatMap(({ ok, conflict }) => ok ?? (conflict === undefined ? [] : keepUserLines(conflict)))
    .join('\n');
  const document = parseDocument(merged);
  const isSame =
    document.errors.length === 0 &&
    JSON.stringify(document.toJS()) === JSON.stringify(parseDocument(after).toJS());
  return isSame ? merged : after;
}

/**
 * Lines that differ both by the edit and by the layout. Lines that the edit has not changed stay as
 * the user wrote them.
 */
function keepUserLines(conflict: {
  readonly a: readonly string[];
  readonly o: readonly string[];
  readonly b: readonly string[];
}): readonly string[] {
  const { a: text, o: before, b: after } = conflict;
  if (text.length !== before.length) {
    return after;
  }
  return after.map((line) => text[before.indexOf(line)] ?? line);
}

/** Name of a phase, also when it is written as an alias. */
export function phaseName({ document }: EditedDocument, phase: YAMLMap): string | undefined {
  return scalarString(document, phase.get('name', true));
}

/** The phases as nodes. Other items of the list, which are errors, are left out. */
export function phaseNodes({ phases }: EditedDocument): readonly YAMLMap[] {
  return phases.items.filter((item): item is YAMLMap => isMap(item));
}

/** Index of a phase in the list. -1 when there is no such phase. */
export function phaseIndex(edited: EditedDocument, name: string): number {
  return edited.phases.items.findIndex((item) => isMap(item) && phaseName(edited, item) === name);
}

/**
 * The node of a phase.
 * @param option option or command that names the phase, for the error message
 * @throws Error when there is no such phase
 */
export function requirePhase(edited: EditedDocument, name: string, option: string): YAMLMap {
  const phase = edited.phases.items[phaseIndex(edited, name)];
  if (!isMap(phase)) {
    throw new Error(`${option} names '${name}', which is not a phase of autopilot.yaml`);
  }
  return phase;
}
