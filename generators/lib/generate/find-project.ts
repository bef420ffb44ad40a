/** Finds the folder of a project, and checks the folder of a new one. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Name of the file that makes a folder a project. */
export const PROJECT_FILE = 'autopilot.yaml';

/**
 * Finds the nearest folder with an autopilot.yaml.
 *
 * @param from folder to begin with; its parents follow
 * @throws Error when neither has one, or when the nearest is called autopilot.yml
 */
export function findProject(from: string): string {
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    if (existsSync(join(dir, PROJECT_FILE))) {
      return dir;
    }
    refuseOtherEnding(dir, PROJECT_FILE);
    if (dirname(dir) === dir) {
      throw new Error(
        `there is no ${PROJECT_FILE} in ${resolve(from)} or above: start a project with 'yo autopilot' or 'autopilot init'`,
      );
    }
  }
}

/**
 * Refuses a folder where a file has the ending `.yml`, under which nothing would read it.
 *
 * @param file name of the file with the ending `.yaml`
 * @throws Error with the name that the file must have
 */
export function refuseOtherEnding(dir: string, file: string): void {
  const other = file.replace(/yaml$/, 'yml');
  if (!existsSync(join(dir, file)) && existsSync(join(dir, other))) {
    throw new Error(`${other} in ${dir} must be called ${file}: rename it`);
  }
}

/**
 * Checks that a new project can be written to a folder.
 *
 * @param force allows a folder that has a project already
 * @throws Error when the folder has a project, or is a file
 */
export function refuseExisting(dir: string, force: boolean): void {
  if (!force && existsSync(join(dir, PROJECT_FILE))) {
    throw new Error(
      `${dir} has an ${PROJECT_FILE} already: 'autopilot generate' brings it up to date, 'autopilot phase' adds a phase, --force starts over (your workers stay)`,
    );
  }
  if (!force) {
    refuseOtherEnding(dir, PROJECT_FILE);
  }
  if (existsSync(dir) && !statSync(dir).isDirectory()) {
    throw new Error(`${dir} is a file, a project needs a folder`);
  }
}
