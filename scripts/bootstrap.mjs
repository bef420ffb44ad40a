#!/usr/bin/env node
// Runs a script of this repository on the project's own Node, installing what is missing first.
// Needs nothing but Node (also an
// old one) and npm:  node scripts/bootstrap.mjs scripts/test.ts [arguments]
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const required = manifest.engines.node.replace('>=', '');
const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  fail('usage: node scripts/bootstrap.mjs SCRIPT [arguments]');
}

install();
const env = {
  ...process.env,
  PATH: [join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter),
};
const child = spawn(
  ownNode(),
  [
    '--conditions=autopilot-source',
    '--disable-warning=ExperimentalWarning',
    join(root, script),
    ...args,
  ],
  {
    stdio: 'inherit',
    env,
  },
);
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => child.kill(signal));
}
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));

// Nothing to do when node_modules was made from this very lock file.
function install() {
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const mark = join(root, 'node_modules', '.autopilot-lock');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === hash) {
    return;
  }
  const started = Date.now();
  console.log('Installing packages from the lock file (once, about half a minute) …');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // Not `npm ci`: it refuses a lock file that lacks another platform's optional package, which some
  // registries do not carry.
  // `install --no-save` takes the same locked versions and never writes the lock file.
  const result = spawnSync(
    npm,
    [
      'install',
      '--no-save',
      '--loglevel=error',
      '--no-audit',
      '--no-fund',
      '--include=dev',
      '--include=optional',
    ],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    },
  );
  if (result.error) {
    fail(`npm could not be started (${result.error.message}); install Node.js with npm`);
  }
  if (result.status !== 0) {
    fail(
      'npm install failed; the lines above say why. Without a network it cannot install anything.',
    );
  }
  writeFileSync(mark, hash);
  console.log(`Installed in ${Math.round((Date.now() - started) / 1000)} s.`);
}

// The platform's Node from the lock file, else this one if it is new enough.
function ownNode() {
  const own = join(
    root,
    'node_modules',
    '.bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  if (existsSync(own) && spawnSync(own, ['--version']).status === 0) {
    return own;
  }
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [requiredMajor, requiredMinor] = required.split('.').map(Number);
  if (major > requiredMajor || (major === requiredMajor && minor >= requiredMinor)) {
    return process.execPath;
  }
  return fail(
    `this project needs Node ${required} or newer; this is ${process.version} and none came with the packages for ${process.platform}-${process.arch}`,
  );
}

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(1);
}
