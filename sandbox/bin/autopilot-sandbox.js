#!/usr/bin/env node
// Plain JavaScript, so that a checkout needs no build and an older Node prints which version is
// needed. The conditions of the package decide which sources run.
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const required = manifest.engines.node.replace('>=', '');
const [requiredMajor, requiredMinor] = required.split('.').map(Number);
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < requiredMajor || (major === requiredMajor && minor < requiredMinor)) {
  process.stderr.write(
    `autopilot-sandbox needs Node ${required} or newer; this is Node ${process.versions.node}.\n`,
  );
  process.exit(1);
}
const { main } = await import('#verify');
process.exitCode = await main(process.argv.slice(2));
