/**
 * A stand-in for `node:…-slim` without a registry: the Node and npm of this computer, a shell, and
 * the libraries that they need.
 */
import { cpSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { writeImage } from '../realparts/index.ts';

/**
 * Writes an image whose programs are `node`, `npm`, `sh`, `mkdir` and `chown`, to a file.
 *
 * @param work an empty folder
 */
export async function nodeImage(work: string, reference: string): Promise<string> {
  const root = join(work, 'root');
  await placePrograms(root, {
    [process.execPath]: '/usr/local/bin/node',
    '/bin/sh': '/bin/sh',
    '/bin/mkdir': '/bin/mkdir',
    '/bin/chown': '/bin/chown',
  });
  const npm = '/usr/local/lib/node_modules/npm';
  const { stdout: program } = await execa('sh', ['-c', 'command -v npm']);
  place(root, dirname(dirname(realpathSync(program))), npm);
  symlinkSync(`${npm}/bin/npm-cli.js`, join(root, 'usr/local/bin/npm'));
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  writeFileSync(join(root, 'usr/bin/env'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
  await takeRegistry(root);
  return writeRoot(work, reference, '/usr/local/bin:/usr/bin:/bin');
}

/**
 * Writes an image with `node` and nothing else, in the place where distroless has it, to a file.
 *
 * @param work an empty folder
 */
export async function shellLessImage(work: string, reference: string): Promise<string> {
  await placePrograms(join(work, 'root'), { [process.execPath]: '/nodejs/bin/node' });
  return writeRoot(work, reference, '/usr/bin:/bin');
}

/** @param programs path in the image, by path on this computer */
async function placePrograms(
  root: string,
  programs: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [program, to] of Object.entries(programs)) {
    place(root, program, to);
    const { stdout } = await execa('ldd', [realpathSync(program)]);
    for (const [path] of stdout.matchAll(/\/\S+(?= \()/g)) {
      place(root, path, path);
    }
  }
}

function place(root: string, from: string, to: string): void {
  mkdirSync(dirname(join(root, to)), { recursive: true });
  cpSync(realpathSync(from), join(root, to), { recursive: true });
}

async function writeRoot(work: string, reference: string, path: string): Promise<string> {
  const root = join(work, 'root');
  mkdirSync(join(root, 'tmp'), { mode: 0o1777 });
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  const file = join(work, 'node.tar');
  await writeImage(file, {
    reference,
    layers: [root],
    entrypoint: [],
    user: 'root',
    env: [`PATH=${path}`],
  });
  return file;
}

/** npm finds in there the registry that it finds here, and trusts whom this machine trusts. */
async function takeRegistry(root: string): Promise<void> {
  const { stdout: registry } = await execa('npm', ['config', 'get', 'registry']);
  const trusted = '/etc/ssl/certs/ca-certificates.crt';
  if (existsSync(trusted)) {
    place(root, trusted, trusted);
  }
  mkdirSync(join(root, 'usr/local/etc'), { recursive: true });
  writeFileSync(
    join(root, 'usr/local/etc/npmrc'),
    `registry=${registry}\n${existsSync(trusted) ? `cafile=${trusted}\n` : ''}`,
  );
}
