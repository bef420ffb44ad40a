#!/usr/bin/env node
// Plain JavaScript, so that an older Node prints which version is needed. Runs the source in a
// checkout, otherwise the compiled command line.
import { existsSync, readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const required = manifest.engines.node.replace('>=', '');
const [requiredMajor, requiredMinor] = required.split('.').map(Number);
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < requiredMajor || (major === requiredMajor && minor < requiredMinor)) {
  process.stderr.write(
    `generator-autopilot needs Node ${required} or newer; this is Node ${process.versions.node}.\n`,
  );
  process.exit(1);
}
const source = new URL('../generators/lib/cli/main.ts', import.meta.url);
const compiled = new URL('../dist/generators/lib/cli/main.js', import.meta.url);
const { main } = await import((existsSync(source) ? source : compiled).href);
process.exitCode = await main(process.argv.slice(2));
