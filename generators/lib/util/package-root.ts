/** Files of this package, found alike from source and from dist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly engines: { readonly node: string };
}

/** Folder of generator-autopilot's package.json. */
export const packageRoot = findPackageRoot(import.meta.dirname);

/** package.json of generator-autopilot. */
export const packageManifest = readManifest(packageRoot);

/** Version of generator-autopilot. */
export const packageVersion = packageManifest.version;

function findPackageRoot(from: string): string {
  for (let dir = from; dirname(dir) !== dir; dir = dirname(dir)) {
    if (existsSync(join(dir, 'package.json')) && readManifest(dir).name === 'generator-autopilot') {
      return dir;
    }
  }
  throw new Error(`no package.json of generator-autopilot in ${from} or above: reinstall it`);
}

function readManifest(dir: string): PackageManifest {
  return JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as PackageManifest;
}

/**
 * Names of the examples that a project can start from: folders of examples/ with an autopilot.yaml.
 */
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
