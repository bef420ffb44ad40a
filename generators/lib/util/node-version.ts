/**
 * Check of the Node version. It runs before other modules are imported, because on an older Node a
 * dependency would fail with a stack trace. The module uses old syntax and imports only Node's own
 * modules.
 */
import module from 'node:module';

const REQUIRED = [22, 22, 2] as const;

/** Ends the process with exit code 1 and one line on stderr when the Node version is too old. */
export function requireNode(version: string = process.versions.node): void {
  const problem = nodeProblem(version);
  if (problem === undefined) {
    // Modules that are imported from here on are compiled once, not at each start.
    module.enableCompileCache();
    return;
  }
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}

/** Why a Node version is too old. Undefined when it is not. */
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
