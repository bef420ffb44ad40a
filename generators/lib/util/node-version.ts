/**
 * Asked before anything else is imported: on an older Node a dependency would die with a stack
 * trace. Plain syntax, nothing but Node's own.
 */
import module from 'node:module';

const REQUIRED = [22, 22, 2] as const;

/** Ends the process with one sentence on a Node that is too old. */
export function requireNode(version: string = process.versions.node): void {
  const problem = nodeProblem(version);
  if (problem === undefined) {
    // What is imported from here on is compiled once, not at every start.
    module.enableCompileCache();
    return;
  }
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}

export function nodeProblem(version: string): string | undefined {
  const parts = version.split('.').map(Number);
  for (let index = 0; index < REQUIRED.length; index++) {
    const difference = (parts[index] ?? 0) - (REQUIRED[index] ?? 0);
    if (difference > 0) {
      return undefined;
    }
    if (difference < 0) {
      return `generator-autopilot needs Node ${REQUIRED.join('.')} or newer (24 recommended); this is Node ${version}.`;
    }
  }
  return undefined;
}
