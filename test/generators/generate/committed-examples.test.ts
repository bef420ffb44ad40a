import { expect } from 'chai';
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generateProject, scaffold, upToDate } from '../../../generators/lib/index.ts';

const examples = resolve(import.meta.dirname, '../../../examples');

function files(dir: string): readonly string[] {
  return globSync('**', { cwd: dir, exclude: ['**/node_modules/**'], withFileTypes: true })
    .flatMap((entry) =>
      entry.isFile() ? [join(entry.parentPath, entry.name).slice(dir.length + 1)] : [],
    )
    .concat(readdirSync(dir).filter((name) => name.startsWith('.') && name.endsWith('ignore')))
    .sort();
}

for (const example of readdirSync(examples)) {
  describe(`the committed example ${example}`, () => {
    const committed = join(examples, example);

    it('is what the generators write today', async () => {
      const { plan } = await generateProject(committed, { dryRun: true });
      expect(plan.changes.map(({ path }) => path)).to.deep.equal([]);
      expect(upToDate(plan)).to.equal(true);
    });

    it('is what --example makes of it, byte for byte', async () => {
      const dir = mkdtempSync(join(tmpdir(), 'autopilot-golden-'));
      try {
        await scaffold({ dir, example, runtime: 'registry' });
        expect(files(dir)).to.deep.equal(files(committed));
        for (const path of files(committed)) {
          expect(readFileSync(join(dir, path), 'utf8'), path).to.equal(
            readFileSync(join(committed, path), 'utf8'),
          );
        }
      } finally {
        rmSync(dir, { recursive: true });
      }
    });
  });
}
