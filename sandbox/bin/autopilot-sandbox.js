#!/usr/bin/env node
// Plain JavaScript for any Node, so that a checkout needs no build to have it, and an older Node
// says which one is needed. Which sources
// run is decided by the conditions of the package.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  process.stderr.write(
    `autopilot-sandbox needs Node 24.12 or newer; this is Node ${process.versions.node}.\n`,
  );
  process.exit(1);
}
const { main } = await import('autopilot-sandbox/verify');
process.exitCode = await main(process.argv.slice(2));
