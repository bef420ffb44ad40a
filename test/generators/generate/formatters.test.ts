import { expect } from 'chai';
import { execa } from 'execa';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { generateProject, scaffold, upToDate } from '../../../generators/lib/index.ts';

const oxfmt = resolve(import.meta.dirname, '../../../node_modules/.bin/oxfmt');

describe('a project whose user formats on save', function () {
  this.timeout(120_000);
  let dir: string;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-format-'));
    await scaffold({ dir, kind: 'Shop', runtime: 'registry' });
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const read = (path: string): string => readFileSync(join(dir, path), 'utf8');
  const GENERATED = [
    'src/generated/shop.ts',
    'src/generated/scheduler.ts',
    'src/generated/processing.ts',
    'src/generated/crd.json',
    'scripts/operator.ts',
  ];

  /** Formats as an editor does that gives the formatter one file and knows no ignore file. */
  async function formatOnSave(options: object): Promise<void> {
    const config = join(dir, 'node_modules/format.json');
    mkdirSync(dirname(config), { recursive: true });
    writeFileSync(config, JSON.stringify(options));
    for (const path of GENERATED) {
      const { stdout } = await execa(oxfmt, ['-c', config, '--stdin-filepath', path], {
        cwd: tmpdir(),
        input: read(path),
        stripFinalNewline: false,
      });
      writeFileSync(join(dir, path), stdout);
    }
  }

  for (const [words, options] of [
    ['wide and with double quotes', { printWidth: 120, semi: false }],
    ['narrow and with tabs', { printWidth: 40, useTabs: true, singleQuote: true }],
    ['without commas at the end', { trailingComma: 'none', quoteProps: 'consistent' }],
  ] as const) {
    it(`${words}: check finds no edit, and the next change is generated`, async () => {
      const before = GENERATED.map(read);
      await formatOnSave(options);
      expect(GENERATED.map(read)).to.not.deep.equal(before);
      expect(upToDate((await generateProject(dir, { dryRun: true })).plan)).to.equal(true);
      const changed = read('autopilot.yaml').replace('has finished', 'is done');
      writeFileSync(join(dir, 'autopilot.yaml'), changed);
      const { plan } = await generateProject(dir);
      expect(plan.edited).to.deep.equal([]);
      expect(read('src/generated/shop.ts')).to.contain('is done');
    });
  }

  it('but an edit of a name, a string or a comment of a generated file stays an edit', async () => {
    const text = read('src/generated/scheduler.ts');
    for (const edited of [
      text.replace('defineScheduler(', 'defineOther('),
      text.replace("'../workers/processing.ts'", "'../workers/other.ts'"),
      text.replace('Do not edit', 'Do edit'),
    ]) {
      expect(edited).to.not.equal(text);
      writeFileSync(join(dir, 'src/generated/scheduler.ts'), edited);
      const { plan } = await generateProject(dir, { dryRun: true });
      expect(plan.edited).to.deep.equal(['src/generated/scheduler.ts']);
    }
  });

  it('all at once: the formatter leaves generated files and the chart as they are', async () => {
    const chart = 'charts/shop-operator/templates/deployment.yaml';
    const paths = [...GENERATED, chart, 'charts/shop-operator/values.yaml'];
    const before = paths.map(read);
    writeFileSync(join(dir, '.oxfmtrc.json'), JSON.stringify({ printWidth: 40, useTabs: true }));
    await execa(oxfmt, [], { cwd: dir, reject: false });
    expect(paths.map(read)).to.deep.equal(before);
  });
});
