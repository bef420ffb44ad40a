/**
 * The Node version that the packages need. `requireNode` runs before anything else is imported,
 * because a dependency would end on an older Node with a stack trace; this file imports only Node's
 * own modules and package-root.ts.
 */
import module from 'node:module';
import { packageManifest } from './package-root.ts';

/** Versions of Node that the packages accept, from `engines` in package.json: `>=24.12`. */
export const nodeRange = packageManifest.engines.node;

const [requiredMajor = 0, requiredMinor = 0] = nodeRange.replace('>=', '').split('.').map(Number);

/** Major version of Node for images and CI: `24`. */
export const nodeMajor = requiredMajor;

/**
 * Ends the process with exit code 1 and one line on stderr when Node is too old. Otherwise enables
 * Node's compile cache, so that modules imported from here on are compiled once and not at every
 * start.
 *
 * @param version version of Node without `v`. Default: the version that runs.
 */
export function requireNode(version: string = process.versions.node): void {
  const problem = nodeProblem(version);
  if (problem === undefined) {
    module.enableCompileCache();
    return;
  }
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}

/** Returns why `version` is refused, or undefined when it is new enough. */
export function nodeProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > requiredMajor || (major === requiredMajor && minor >= requiredMinor)) {
    return undefined;
  }
  return `generator-autopilot needs Node ${requiredMajor}.${requiredMinor} or newer; this is Node ${version}.`;
}
