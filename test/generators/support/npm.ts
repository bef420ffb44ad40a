/**
 * npm of a major version, kept in the cache: what users have differs, and majors have changed what
 * they install.
 */
import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** @returns a PATH on which that npm comes first. @throws Error when it cannot be had */
export async function pathWithNpm(major: number): Promise<string> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const prefix = join(cache, 'autopilot', 'npm', String(major));
  const bin = join(prefix, 'node_modules/.bin');
  if (!existsSync(join(bin, 'npm'))) {
    await execa(
      'npm',
      [
        'install',
        '--prefix',
        prefix,
        '--no-audit',
        '--no-fund',
        '--no-save',
        '--silent',
        `npm@${major}`,
      ],
      { env: { NODE_OPTIONS: '' } },
    );
  }
  return `${bin}${delimiter}${process.env['PATH']}`;
}
