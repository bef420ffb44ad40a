/**
 * Debian's buildah, unpacked, with a store of its own: it builds Dockerfiles as root, without a
 * daemon, a runtime or a registry.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { unpacked } from '../debian.ts';

export interface Buildah {
  /** The folder with a program `buildah`, for a PATH. */
  readonly bin: string;
  run(args: readonly string[]): Promise<string>;
}

/**
 * @param folder an empty one, which takes program and store
 * @throws Unavailable when it cannot be downloaded
 */
export async function buildah(folder: string): Promise<Buildah> {
  const files = await unpacked(
    'buildah',
    'golang-github-containers-common',
    'golang-github-containers-image',
    'libdevmapper1.02.1',
    'libgpgme11',
    'libassuan0',
    'libseccomp2',
  );
  const place = (name: string): string => join(folder, name);
  for (const name of ['bin', 'home/.config/containers']) {
    mkdirSync(place(name), { recursive: true });
  }
  // Where it looks for its trust policy, beside /etc.
  writeFileSync(
    place('home/.config/containers/policy.json'),
    readFileSync(join(files, 'etc/containers/policy.json')),
  );
  writeFileSync(
    place('storage.conf'),
    `[storage]\ndriver = "overlay"\ngraphroot = "${place('store')}"\nrunroot = "${place('run')}"\n`,
  );
  writeFileSync(place('registries.conf'), '');
  const settings = {
    HOME: place('home'),
    CONTAINERS_STORAGE_CONF: place('storage.conf'),
    CONTAINERS_REGISTRIES_CONF: place('registries.conf'),
    BUILDAH_ISOLATION: 'chroot',
  };
  const exports = Object.entries(settings).map(([name, value]) => `export ${name}='${value}'\n`);
  const program = join(place('bin'), 'buildah');
  // It starts itself again with a bare environment, so its libraries must lie where the loader
  // looks; no other process sees these mounts.
  const libraries = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
  const lower = [
    join(files, libraries),
    join(files, libraries.slice('/usr'.length)),
    libraries,
  ].join(':');
  const inside = `mount -t overlay overlay -o lowerdir=${lower} ${libraries} && exec ${join(files, 'usr/bin/buildah')} "$@"`;
  writeFileSync(
    program,
    `#!/bin/sh\n${exports.join('')}exec unshare --mount sh -c '${inside}' buildah "$@"\n`,
  );
  chmodSync(program, 0o755);
  return {
    bin: place('bin'),
    run: async (args) => (await execa(program, args)).stdout,
  };
}
