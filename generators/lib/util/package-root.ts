/** Folder, version and examples of this package. The same from source and from dist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Absolute path of the package's folder. */
export const packageRoot = findRoot(import.meta.dirname);

/** Version of the package. */
export const packageVersion = (
  JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
).version;

function findRoot(from: string): string {
  for (let dir = from; dirname(dir) !== dir; dir = dirname(dir)) {
    const file = join(dir, 'package.json');
    if (
      existsSync(file) &&
      (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'generator-autopilot'
    ) {
      return dir;
    }
  }
  throw new Error('generator-autopilot cannot find its own package.json');
}

/** Names of the examples that a project can start from, sorted. */
export function exampleNames(): string[] {
  const dir = join(packageRoot, 'examples');
  if (!existsSync(dir)) {
    return [];
  }
  return readdirSync(dir)
    .filter((name) => existsSync(join(dir, name, 'autopilot.yaml')))
    .sort();
}

/** One line about an example: its kind and its phases. */
export function exampleTitle(name: string): string {
  const text = readFileSync(join(packageRoot, 'examples', name, 'autopilot.yaml'), 'utf8');
  const kind = /^kind: *(\w+)/m.exec(text)?.[1] ?? '';
  const phases = [...text.matchAll(/^ *- name: *(\w+)/gm)].map(([, phase]) => phase);
  return `${kind}: ${phases.join(', ')}`;
}
