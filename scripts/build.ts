/**
 * Compiles the three packages and packs runtime and sandbox into dist/vendor, from where generated
 * projects get them until they are published. The file name changes with the content because npm
 * trusts names. Does nothing when no source has changed.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execaSync } from 'execa';
import { packPackage } from './pack.ts';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const PACKAGES = [
  { folder: 'runtime', project: 'runtime/tsconfig.json', sources: 'runtime/src/**/*.ts' },
  { folder: 'sandbox', project: 'sandbox/tsconfig.json', sources: 'sandbox/src/**/*.ts' },
  { folder: '.', project: 'generators/tsconfig.json', sources: 'generators/**/*.ts' },
] as const;

/** @throws Error with the compiler's messages. */
export function build(): void {
  const stamp = join(root, 'dist', '.sources');
  const hash = sourcesHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) {
    return;
  }
  for (const { folder, project, sources } of PACKAGES) {
    if (globSync(sources, { cwd: root }).length === 0) {
      continue;
    }
    rmSync(join(root, folder, 'dist'), { recursive: true, force: true });
    const { exitCode, stdout } = execaSync('tsc', ['-p', project], {
      cwd: root,
      reject: false,
      preferLocal: true,
    });
    if (exitCode !== 0) {
      throw new Error(`${project} does not compile:\n${stdout}`);
    }
  }
  pack('runtime');
  pack('sandbox');
  writeFileSync(stamp, hash);
}

function sourcesHash(): string {
  const hash = createHash('sha256');
  const files = globSync(
    [
      'package-lock.json',
      'tsconfig.base.json',
      'LICENSE',
      'scripts/pack.ts',
      '{runtime,sandbox}/README.md',
      '{.,runtime,sandbox,generators}/{package,tsconfig}.json',
      ...PACKAGES.map(({ sources }) => sources),
    ],
    { cwd: root },
  );
  for (const file of files.sort()) {
    hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

function pack(name: 'runtime' | 'sandbox'): void {
  const vendor = join(root, 'dist', 'vendor');
  mkdirSync(vendor, { recursive: true });
  for (const old of readdirSync(vendor)) {
    if (old.startsWith(`autopilot-${name}-`)) {
      rmSync(join(vendor, old));
    }
  }
  const file = packPackage(name, vendor);
  const content = createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 8);
  renameSync(file, file.replace(/\.tgz$/, `-${content}.tgz`));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    build();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
