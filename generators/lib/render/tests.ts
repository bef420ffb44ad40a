/** The first tests of a project: one for each worker, one that flies the whole machine. The user's from the moment they exist. */
import type { Model, ModelPhase, ProjectFile } from '../model.ts';
import { quote } from './source.ts';

export function renderTests(model: Model): ProjectFile[] {
  const yours = (path: string, content: string): ProjectFile => ({ path, content, ownership: 'yours' });
  return [...model.phases.filter((phase) => !phase.final).map((phase) => yours(`test/${phase.file}.test.ts`, workerTest(model, phase))), yours('test/machine.test.ts', machineTest(model))];
}

function workerTest(model: Model, phase: ModelPhase): string {
  return '';
}

function machineTest(model: Model): string {
  return '';
}
