/**
 * An OCI image written from folders, without Docker or a registry. Equal folders give equal
 * digests.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

export interface ImageOptions {
  /** `localhost/name:tag`; `latest` would make the kubelet look for a registry. */
  readonly reference: string;
  /** Folders whose content becomes the root folder, the later over the earlier. */
  readonly layers: readonly string[];
  readonly entrypoint: readonly string[];
  /** Default: 65532:65532. */
  readonly user?: string;
  readonly workdir?: string;
  readonly env?: readonly string[];
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Sorted, and without times or owners. */
const DETERMINISTIC = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];

/** Writes an image layout (https://github.com/opencontainers/image-spec) as one tar file. */
export async function writeImage(file: string, options: ImageOptions): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'autopilot-image-'));
  const blobs = join(work, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const put = (mediaType: string, data: Buffer): Descriptor => {
    const hash = createHash('sha256').update(data).digest('hex');
    writeFileSync(join(blobs, hash), data);
    return { mediaType, digest: `sha256:${hash}`, size: data.length };
  };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  try {
    const layers: Descriptor[] = [];
    for (const [index, folder] of options.layers.entries()) {
      const tar = join(work, `layer-${index}.tar`);
      await execa('tar', [...DETERMINISTIC, '--hard-dereference', '-cf', tar, '-C', folder, '.']);
      layers.push(put('application/vnd.oci.image.layer.v1.tar', await readFile(tar)));
      rmSync(tar);
    }
    const config = put(
      'application/vnd.oci.image.config.v1+json',
      json({
        architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
        os: 'linux',
        config: {
          User: options.user ?? '65532:65532',
          WorkingDir: options.workdir ?? '/',
          Entrypoint: options.entrypoint,
          Env: options.env ?? ['PATH=/usr/local/bin:/usr/bin:/bin'],
        },
        rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
        // buildah counts these when it builds upon the image.
        history: layers.map(() => ({ created_by: 'writeImage' })),
      }),
    );
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = put(mediaType, json({ schemaVersion: 2, mediaType, config, layers }));
    const annotations = { 'io.containerd.image.name': options.reference };
    writeFileSync(join(work, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
    writeFileSync(
      join(work, 'index.json'),
      json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
    );
    await execa('tar', [
      ...DETERMINISTIC,
      '-cf',
      file,
      '-C',
      work,
      'oci-layout',
      'index.json',
      'blobs',
    ]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
