import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { expect } from 'chai';
import { execa } from 'execa';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { build } from '../../scripts/build.ts';

const repository = resolve(import.meta.dirname, '../..');

/**
 * How consumers that cannot use the packages resolve modules: the packages are ES modules with
 * `exports`, for Node 24 and newer.
 */
const UNSUPPORTED: readonly string[] = ['node10', 'node16-cjs'];

describe('the packed packages', function () {
  this.timeout(120_000);
  let folder: string;

  before(async () => {
    build();
    folder = mkdtempSync(join(tmpdir(), 'autopilot-lint-'));
    const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
    await execa('npm', args, { cwd: repository });
  });
  after(() => rmSync(folder, { recursive: true }));

  function tarball(name: string): Uint8Array<ArrayBuffer> {
    const vendored = globSync(join(repository, `dist/vendor/${name}-*.tgz`));
    const files = [...vendored, ...globSync(join(folder, `${name}-*.tgz`))];
    expect(files, `tarballs of ${name}`).to.have.length(1);
    return new Uint8Array(readFileSync(files[0] ?? ''));
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
  }
});
