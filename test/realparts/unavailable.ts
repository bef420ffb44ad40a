/** What all real parts share: where they are kept, and how one says that it cannot be had. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A real part cannot be had on this machine; the message says why. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** Outside of the clone, so that parts are made once for all of them. */
export function cacheRoot(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'autopilot', 'realparts');
}
