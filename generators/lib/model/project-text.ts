/** The first text of autopilot.yaml, and how a phase stands in it. */
import { Document, isMap, isSeq } from 'yaml';
import type { NewPhase, NewProject } from './new-project.ts';

/** Long texts stay on one line; lists of names are written `[a, b]`. */
export const YAML_STYLE = { lineWidth: 0, flowCollectionPadding: false } as const;

/** Where editors find the schema, from autopilot.yaml. */
export const SCHEMA_FILE = '.autopilot/autopilot.schema.json';

/** The first text of autopilot.yaml. */
export function projectText({
  kind,
  apiVersion,
  operatorName,
  phases,
  finalizer,
}: NewProject): string {
  const document = new Document({ kind, apiVersion, operatorName });
  document.commentBefore = ` yaml-language-server: $schema=${SCHEMA_FILE}\n The state machine of ${kind}: the only source of what is generated. After an edit: yo autopilot:generate`;
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
