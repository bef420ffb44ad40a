import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { expect } from 'chai';
import { execaSync } from 'execa';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { build } from '../../scripts/build.ts';
import { PACKAGE_FOLDERS, packPackage } from '../../scripts/pack.ts';

/**
 * How consumers that cannot use the packages resolve modules: the packages are ES modules with
 * `exports`, for Node 24 and newer.
 */
const UNSUPPORTED: readonly string[] = ['node10', 'node16-cjs'];

describe('the packed packages', function () {
  this.timeout(120_000);
  let folder: string;
  const tarballs = new Map<string, string>();

  before(() => {
    build();
    folder = mkdtempSync(join(tmpdir(), 'autopilot-lint-'));
    const names = ['autopilot-runtime', 'autopilot-sandbox', 'generator-autopilot'];
    for (const [index, source] of PACKAGE_FOLDERS.entries()) {
      tarballs.set(names[index] ?? '', packPackage(source, folder, 'example/repository'));
    }
  });
  after(() => rmSync(folder, { recursive: true }));

  const tarball = (name: string): Uint8Array<ArrayBuffer> =>
    new Uint8Array(readFileSync(tarballs.get(name) ?? ''));

  function packedText(name: string, path: string): string {
    const file = tarballs.get(name) ?? '';
    return execaSync('tar', ['--extract', '--to-stdout', '--file', file, `package/${path}`]).stdout;
  }

  for (const name of ['autopilot-runtime', 'autopilot-sandbox', 'generator-autopilot']) {
    it(`${name} passes publint`, async () => {
      const { messages, pkg } = await publint({
        strict: true,
        pack: { tarball: tarball(name).buffer },
      });
      const texts = messages.map((message) => formatMessage(message, pkg, { color: false }));
      expect(texts).to.deep.equal([]);
    });

    it(`${name} has types that every supported consumer resolves`, async () => {
      const result = await checkPackage(createPackageFromTarballData(tarball(name)));
      expect(result.types, 'types').to.not.equal(false);
      const problems = 'problems' in result ? result.problems : [];
      const relevant = problems.filter((problem) => {
        const how = 'resolutionKind' in problem ? problem.resolutionKind : undefined;
        return how === undefined || !UNSUPPORTED.includes(how);
      });
      expect(relevant).to.deep.equal([]);
    });

    it(`${name} carries the license, a README and the repository it comes from`, () => {
      expect(packedText(name, 'LICENSE')).to.contain('Apache License');
      expect(packedText(name, 'README.md')).to.match(/^# \w/);
      const manifest = JSON.parse(packedText(name, 'package.json')) as Record<string, unknown>;
      expect(manifest['repository']).to.deep.include({
        url: 'git+https://github.com/example/repository.git',
      });
      expect(manifest['license']).to.equal('Apache-2.0');
      expect(manifest['publishConfig']).to.deep.equal({ access: 'public', provenance: true });
    });

    it(`${name} brings no development needs to those who install it`, () => {
      const text = packedText(name, 'package.json');
      const fields = Object.keys(JSON.parse(text) as object);
      for (const field of ['devDependencies', 'optionalDependencies', 'workspaces', 'scripts']) {
        expect(fields, field).to.not.include(field);
      }
      expect(text).to.not.contain('autopilot-source');
    });
  }
});
