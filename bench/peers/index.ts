/**
 * Builds contenders of other frameworks from their own lock files, into a cache outside of the
 * repository.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** @returns path of the controller's binary. @throws Error when Go is not installed. */
export async function buildPeer(): Promise<string> {
  const cache = join(homedir(), '.cache/autopilot/peers');
  const binary = join(cache, 'controller-runtime');
  mkdirSync(cache, { recursive: true });
  console.log('building the controller of controller-runtime …');
  await execa('go', ['build', '-o', binary, '.'], {
    cwd: join(import.meta.dirname, 'controller-runtime'),
  });
  if (!existsSync(binary)) {
    throw new Error('go build made no binary');
  }
  return binary;
}
