/** autopilot.yaml of a new project, and the YAML of one phase. */
import { Document, isMap, isSeq } from 'yaml';
import { renderTemplate } from '../util/template.ts';
import type { NewPhase, NewProject } from './new-project.ts';

/** Long strings stay on one line; lists of names are written `[a, b]`. */
export const YAML_STYLE = { lineWidth: 0, flowCollectionPadding: false } as const;

/** Path of the JSON schema for editors, from autopilot.yaml. */
export const SCHEMA_FILE = '.autopilot/autopilot.schema.json';

/** Renders autopilot.yaml of a new project from its template. */
export function projectText({
  kind,
  apiVersion,
  operatorName,
  phases,
  finalizer,
}: NewProject): string {
  const stateMachine = new Document({ phases: [] });
  const list = stateMachine.get('phases');
  if (isSeq(list)) {
    for (const phase of phases) {
      list.add(phaseNode(stateMachine, phase));
    }
  }
  if (finalizer !== undefined) {
    const node = stateMachine.createNode({ ...usedKinds(finalizer) });
    stateMachine.set('finalizer', useFlowLists(node));
  }
  return renderTemplate('autopilot.yaml', {
    schemaFile: SCHEMA_FILE,
    kind: yamlString(kind),
    apiVersion: yamlString(apiVersion),
    operatorName: yamlString(operatorName),
    stateMachine: stateMachine.toString(YAML_STYLE),
  });
}

/** A string in YAML, in quotes when YAML would read it as another type. */
function yamlString(text: string): string {
  return new Document(text).toString(YAML_STYLE).trimEnd();
}

/** The YAML node of a phase, with only the fields that differ from their defaults. */
export function phaseNode(document: Document, phase: NewPhase): ReturnType<Document['createNode']> {
  const { final = false, resting = false, whilePaused = 'keep' } = phase;
  const isEnd = final || resting;
  const { ready = isEnd } = phase;
  return useFlowLists(
    document.createNode({
      name: phase.name,
      ...(phase.description && { description: phase.description }),
      ...(phase.initial && { initial: true }),
      ...(final && { final }),
      ...(resting && { resting }),
      ...(ready !== isEnd && { ready }),
      ...usedKinds(phase),
      ...(phase.next && !final && { next: phase.next }),
      ...(whilePaused !== 'keep' && { whilePaused }),
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
