/** The text of a new autopilot.yaml, and the YAML of a new phase. */
import { Document, isMap, isSeq } from 'yaml';
import type { NewPhase, NewProject } from './new-project.ts';

/** Formatting of autopilot.yaml: long strings stay on one line, lists of names are `[a, b]`. */
export const YAML_STYLE = { lineWidth: 0, flowCollectionPadding: false } as const;

/** Path of the JSON Schema that editors use for autopilot.yaml. */
export const SCHEMA_FILE = '.autopilot/autopilot.schema.json';

/** The text of autopilot.yaml in a new project. */
export function projectText({
  kind,
  apiVersion,
  operatorName,
  phases,
  finalizer,
}: NewProject): string {
  const document = new Document({ kind, apiVersion, operatorName });
  document.commentBefore = [
    ` yaml-language-server: $schema=${SCHEMA_FILE}`,
    ` The state machine of ${kind}. Run yo autopilot:generate after each edit.`,
  ].join('\n');
  document.set('phases', document.createNode([]));
  const list = document.get('phases');
  if (isSeq(list)) {
    for (const phase of phases) {
      list.add(phaseNode(document, phase));
    }
  }
  if (finalizer !== undefined) {
    document.set('finalizer', useFlowLists(document.createNode({ ...usedKinds(finalizer) })));
  }
  return document.toString(YAML_STYLE);
}

/** The YAML of a new phase. Fields with their default are left out. */
export function phaseNode(document: Document, phase: NewPhase): ReturnType<Document['createNode']> {
  const { final = false, ready = final } = phase;
  return useFlowLists(
    document.createNode({
      name: phase.name,
      ...(phase.description && { description: phase.description }),
      ...(phase.initial && { initial: true }),
      ...(final && { final }),
      ...(ready !== final && { ready }),
      ...usedKinds(phase),
      ...(phase.next && !final && { next: phase.next }),
    }),
  );
}

function usedKinds({ inputs, outputs }: Pick<NewPhase, 'inputs' | 'outputs'>): object {
  return { ...(inputs?.length && { inputs }), ...(outputs?.length && { outputs }) };
}

function useFlowLists<T>(node: T): T {
  if (isMap(node)) {
    for (const key of ['inputs', 'outputs', 'next']) {
      const list = node.get(key);
      if (isSeq(list)) {
        list.flow = true;
      }
    }
  }
  return node;
}
