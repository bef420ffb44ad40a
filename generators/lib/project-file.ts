/** Where a project begins. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const PROJECT_FILE = 'autopilot.yaml';

/** The nearest folder, here or above, that has an autopilot.yaml. @throws Error */
export function findProject(from: string): string {
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    if (existsSync(join(dir, PROJECT_FILE))) return dir;
    if (dirname(dir) === dir)
      throw new Error(`there is no ${PROJECT_FILE} in ${resolve(from)} or above: start a project with 'yo autopilot' or 'autopilot init'`);
  }
}
