/** The first text of autopilot.yaml, and how a phase stands in it. */
import { Document, isMap, isSeq } from 'yaml';

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
export const STYLE = { lineWidth: 0, flowCollectionPadding: false } as const;

/** Where editors find the schema, from autopilot.yaml. */
export const SCHEMA_FILE = '.autopilot/autopilot.schema.json';

/** The first text of autopilot.yaml. */
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

export function phaseNode(document: Document, phase: NewPhase): ReturnType<Document['createNode']> {
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
