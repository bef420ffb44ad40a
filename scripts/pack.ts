/**
 * Packs the three packages as they are published: `node scripts/pack.ts FOLDER [OWNER/REPOSITORY]`.
 *
 * A published manifest has no development needs: no devDependencies, no scripts, no workspaces and
 * no export conditions for the source. Each package carries the license and a README of its own.
 */
import { execaSync } from 'execa';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Folders of the packages, in the order in which they are published. */
export const PACKAGE_FOLDERS = ['runtime', 'sandbox', '.'] as const;

/** A folder with the manifest of a package. */
export type PackageFolder = (typeof PACKAGE_FOLDERS)[number];

/** A package.json, as far as packing reads it. */
type Manifest = Readonly<Record<string, unknown>>;

const SOURCE_CONDITION = 'autopilot-source';
const DEVELOPMENT_FIELDS = ['devDependencies', 'workspaces', 'scripts'];

/**
 * Packs one package, which has to be built.
 *
 * @param repository `owner/name` on GitHub, which provenance requires. Default: not named
 * @returns path of the tarball
 */
export function packPackage(
  folder: PackageFolder,
  destination: string,
  repository?: string,
): string {
  const source = join(root, folder);
  const staging = mkdtempSync(join(tmpdir(), 'autopilot-pack-'));
  try {
    for (const path of filesOf(source)) {
      mkdirSync(dirname(join(staging, path)), { recursive: true });
      copyFileSync(join(source, path), join(staging, path));
    }
    copyFileSync(join(root, 'LICENSE'), join(staging, 'LICENSE'));
    const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as Manifest;
    const published = publishedManifest(manifest, folder, repository);
    writeFileSync(join(staging, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
    mkdirSync(destination, { recursive: true });
    const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', destination];
    const { stdout } = execaSync('npm', args, { cwd: staging });
    return join(destination, stdout.trim().split('\n').at(-1) ?? '');
  } finally {
    rmSync(staging, { recursive: true });
  }
}

/** Paths that npm packs, relative to the folder of the package. */
function filesOf(source: string): readonly string[] {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = execaSync('npm', args, { cwd: source });
  const answer = JSON.parse(stdout) as object;
  const [packed] = Object.values(answer) as readonly {
    readonly files: readonly { readonly path: string }[];
  }[];
  return (packed?.files ?? []).map(({ path }) => path);
}

/** The manifest without development needs. Exported for its test. */
export function publishedManifest(
  manifest: Manifest,
  folder: PackageFolder,
  repository?: string,
): Manifest {
  const kept = Object.entries(manifest).filter(([name]) => !DEVELOPMENT_FIELDS.includes(name));
  return {
    ...(withoutSource(Object.fromEntries(kept)) as Manifest),
    ...(repository !== undefined && repositoryFields(repository, folder)),
    publishConfig: { access: 'public', provenance: true },
  };
}

/** Removes the conditions that lead to sources, which are not in the package. */
function withoutSource(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value;
  }
  const members = Object.entries(value).filter(([name]) => name !== SOURCE_CONDITION);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutSource(member)]));
}

function repositoryFields(repository: string, folder: PackageFolder): Manifest {
  const url = `https://github.com/${repository}`;
  return {
    homepage: `${url}#readme`,
    bugs: `${url}/issues`,
    repository: {
      type: 'git',
      url: `git+${url}.git`,
      ...(folder !== '.' && { directory: folder }),
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [destination, repository] = process.argv.slice(2);
  if (destination === undefined) {
    console.error('usage: npm run pack -- FOLDER [OWNER/REPOSITORY]');
    process.exit(2);
  }
  for (const folder of PACKAGE_FOLDERS) {
    if (!existsSync(join(root, folder, 'dist'))) {
      console.error(`${join(folder, 'dist')} is missing: run npm run build first`);
      process.exit(1);
    }
    console.log(packPackage(folder, resolve(destination), repository));
  }
}
