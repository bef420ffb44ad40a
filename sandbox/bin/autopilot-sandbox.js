#!/usr/bin/env node
// Plain JavaScript, so that a checkout needs no build to have it. Which sources run is decided by the conditions of the package.
import { main } from 'autopilot-sandbox/verify';

process.exitCode = await main(process.argv.slice(2));
