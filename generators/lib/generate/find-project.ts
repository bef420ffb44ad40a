/** Where a project begins, and whether one may begin there. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const PROJECT_FILE = 'autopilot.yaml';

/** The nearest folder, here or above, that has an autopilot.yaml. @throws Error */
export function findProject(from: string): string {
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    if (existsSync(join(dir, PROJECT_FILE))) {
      return dir;
    }
    if (dirname(dir) === dir) {
      throw new Error(
        `there is no ${PROJECT_FILE} in ${resolve(from)} or above: start a project with 'yo autopilot' or 'autopilot init'`,
      );
    }
  }
}

/** @throws Error when there is a project already, and `force` does not allow to replace it */
export function refuseExisting(dir: string, force: boolean): void {
  if (!force && existsSync(join(dir, PROJECT_FILE))) {
    throw new Error(
      `${dir} has an ${PROJECT_FILE} already: 'autopilot generate' brings it up to date, 'autopilot phase' adds a phase, --force starts over (your workers stay)`,
    );
  }
  if (existsSync(dir) && !statSync(dir).isDirectory()) {
    throw new Error(`${dir} is a file, a project needs a folder`);
  }
}
