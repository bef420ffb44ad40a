/**
 * Other frameworks that do the same work, built from their own lock files into a cache outside the
 * clone.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** @returns the binary of the controller. @throws Error when Go is not there */
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
