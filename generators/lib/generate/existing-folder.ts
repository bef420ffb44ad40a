/** The first generate in a folder with files: what is merged, kept, said and refused. */
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from '../util/files.ts';
import { isSameJson, keptValueNote, mergeJsonText } from '../util/merge.ts';
import type { MergeResult } from '../util/merge.ts';
import { isRecord } from '../util/values.ts';
import type { JsonObject } from '../util/values.ts';

/** Values of package.json that `npm init` writes without asking. They follow the generator. */
const NPM_INIT: JsonObject = {
  type: 'commonjs',
  scripts: { test: 'echo "Error: no test specified" && exit 1' },
};
/** Keys of package.json that are the user's choice. */
const OWN_KEYS = ['name', 'version', 'private'];

/** Merges JSON that was there before the first generate, and says what differs. */
export function adoptJson(path: string, existing: string, incoming: string): MergeResult {
  const base = path === 'package.json' ? npmInitPart(existing) : undefined;
  const merged = mergeJsonText(base, existing, incoming);
  const [is, wanted, got] = [existing, incoming, merged.text].map(parseObject);
  if (is === undefined || wanted === undefined || got === undefined) {
    return merged;
  }
  return { text: merged.text, notes: [...merged.notes, ...describeAdopted(is, wanted, got)] };
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The values of a package.json that are those of `npm init`, as base of a merge. */
function npmInitPart(existing: string): string {
  const manifest = parseObject(existing) ?? {};
  const scripts = manifest['scripts'];
  const test = isRecord(scripts) && isSameJson(scripts['test'], testOf(NPM_INIT));
  return JSON.stringify({
    ...(manifest['type'] === NPM_INIT['type'] && { type: NPM_INIT['type'] }),
    ...(test && { scripts: NPM_INIT['scripts'] }),
  });
}

function testOf({ scripts }: JsonObject): unknown {
  return isRecord(scripts) ? scripts['test'] : undefined;
}

/** A sentence for each value of the user that differs from the generated one. */
function describeAdopted(
  existing: JsonObject,
  incoming: JsonObject,
  merged: JsonObject,
  parent = '',
): readonly string[] {
  return Object.entries(incoming).flatMap(([key, wanted]) => {
    const path = parent === '' ? key : `${parent}.${key}`;
    const [is, got] = [existing[key], merged[key]];
    if (is === undefined || isSameJson(is, wanted) || OWN_KEYS.includes(path)) {
      return [];
    }
    if (isRecord(is) && isRecord(wanted) && isRecord(got)) {
      return describeAdopted(is, wanted, got, path);
    }
    return isSameJson(is, got)
      ? [keptValueNote(path, wanted)]
      : [`${path} is ${JSON.stringify(got)} now (was ${JSON.stringify(is)})`];
  });
}

const IGNORE_FILES = ['.gitignore', '.dockerignore', '.prettierignore'];

/** Adds missing lines to an ignore file. Returns undefined for every other file. */
export function adoptIgnoreFile(
  path: string,
  existing: string,
  generated: string,
): string | undefined {
  if (!IGNORE_FILES.includes(path)) {
    return undefined;
  }
  const lines = existing.split('\n');
  const missing = generated
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !lines.includes(line));
  const text = existing === '' || existing.endsWith('\n') ? existing : `${existing}\n`;
  return missing.length === 0 ? existing : `${text}${missing.join('\n')}\n`;
}

/** Sentence about a file of the user in the place of a generated one. */
export function keptFileNote(path: string): string {
  return `${path} was there already and stays: move it away and generate again to see the file of the project`;
}

const LOCK_FILES = ['pnpm-lock.yaml', 'yarn.lock', 'bun.lock'];

/** Sentences about the package manager of a folder. */
export function packageManagerNotes(dir: string): readonly string[] {
  const workspaces = parseObject(readText(join(dir, 'package.json')) ?? '')?.['workspaces'];
  return [
    ...LOCK_FILES.filter((name) => existsSync(join(dir, name))).map(
      (name) =>
        `${name}: scripts, Dockerfile and workflow of the project use npm, which reads package-lock.json`,
    ),
    ...(workspaces === undefined
      ? []
      : [
          'package.json has workspaces: the image is built from the packages of this folder alone, so start the operator in a folder of its own if its code imports them',
        ]),
  ];
}

/**
 * Refuses a folder whose modules would not load any more.
 *
 * @throws Error with a CommonJS module that "type": "module" would break
 */
export function refuseCommonJs(dir: string): void {
  const manifest = readText(join(dir, 'package.json'));
  if (manifest === undefined || parseObject(manifest)?.['type'] === 'module') {
    return;
  }
  const modules = globSync(['*.js', '{src,lib,test,scripts}/**/*.js'], { cwd: dir }).sort();
  const found = modules.find((path) =>
    /\brequire\(|\bmodule\.exports\b/.test(readText(join(dir, path)) ?? ''),
  );
  if (found !== undefined) {
    throw new Error(
      `${found} is a CommonJS module, and package.json of an operator says "type": "module": rename it to ${found.replace(/js$/, 'cjs')}, or begin in an empty folder. Nothing was written.`,
    );
  }
}
