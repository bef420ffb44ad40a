/**
 * Parts that Debian packages as a program that needs nothing else: downloaded with apt, unpacked
 * without installing (no root), kept in the cache beside the built ones.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { cacheRoot, Unavailable } from './unavailable.ts';

/** @throws Unavailable when it is not installed and cannot be downloaded */
export async function prometheusPath(): Promise<string> {
  return program('prometheus', 'prometheus');
}

/** @throws Unavailable when it is not installed and cannot be downloaded */
export async function promtoolPath(): Promise<string> {
  return program('prometheus', 'promtool');
}

async function program(name: string, command: string): Promise<string> {
  const installed = join('/usr/bin', command);
  if (existsSync(installed)) {
    return installed;
  }
  return join(await unpacked(name), 'usr/bin', command);
}

/**
 * The folder with a package's files, and those of packages that it needs.
 * @throws Unavailable when one cannot be downloaded
 */
export async function unpacked(name: string, ...needed: readonly string[]): Promise<string> {
  const folder = join(cacheRoot(), `debian-${name}`);
  if (existsSync(folder)) {
    return folder;
  }
  mkdirSync(cacheRoot(), { recursive: true });
  const work = mkdtempSync(join(cacheRoot(), '.debian-'));
  try {
    console.log(`downloading Debian's package ${name} (once) …`);
    await execa('apt-get', ['download', name, ...needed], { cwd: work });
    for (const file of readdirSync(work)) {
      await execa('dpkg', ['-x', join(work, file), join(work, 'files')]);
    }
    if (!existsSync(folder)) {
      renameSync(join(work, 'files'), folder);
    }
    return folder;
  } catch (error) {
    const reason =
      (error as { code?: string }).code === 'ENOENT'
        ? 'this is not Debian'
        : (error as Error).message;
    throw new Unavailable(
      `Debian's package ${name} cannot be had: ${reason}. Install its programs into /usr/bin.`,
      { cause: error },
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
