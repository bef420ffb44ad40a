#!/usr/bin/env node
// Plain JavaScript for any Node: says which Node is needed, then runs the compiled command line, or
// the source in a checkout.
import { existsSync } from 'node:fs';

const [major = 0, minor = 0, patch = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && (minor < 22 || (minor === 22 && patch < 2)))) {
  process.stderr.write(
    `generator-autopilot needs Node 22.22.2 or newer (24 recommended); this is Node ${process.versions.node}.\n`,
  );
  process.exit(1);
}
const source = new URL('../generators/lib/cli/main.ts', import.meta.url);
const compiled = new URL('../dist/generators/lib/cli/main.js', import.meta.url);
const { main } = await import((existsSync(source) ? source : compiled).href);
process.exitCode = await main(process.argv.slice(2));
