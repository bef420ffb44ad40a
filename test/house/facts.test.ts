/** Facts that several files repeat, compared with the one place that decides them. */
import { expect } from 'chai';
import { execaSync } from 'execa';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MEASURED_MEMORY } from '../../generators/lib/generate/chart-files.ts';

const repository = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const engines = (path: string): string =>
  (JSON.parse(read(path)) as { engines: { node: string } }).engines.node;

describe('the Node version', () => {
  const range = engines('package.json');
  const version = range.replace('>=', '');

  it('is the same in all packages', () => {
    expect(engines('runtime/package.json')).to.equal(range);
    expect(engines('sandbox/package.json')).to.equal(range);
  });

  it('is the one that documents ask for', () => {
    const paths = ['*.md', 'docs/*.md', 'bench/*.md', 'examples/*/README.md'];
    const templates = 'generators/templates/*.md.ejs';
    const documents = execaSync('git', ['ls-files', ...paths, templates], {
      cwd: repository,
    }).stdout.split('\n');
    const minimums = documents.flatMap((path) =>
      [...read(path).matchAll(/Node\s(\d+(?:\.\d+)*)\sor\snewer/g)].map(([, found]) => [
        path,
        found,
      ]),
    );
    const naming = minimums.map(([path]) => path);
    expect(naming).to.include.members(['README.md', 'docs/tutorial-autoroute.md']);
    expect(minimums.filter(([, found]) => found !== version)).to.deep.equal([]);
  });

  it('is written as a number nowhere in code that checks it', () => {
    for (const path of [
      'bin/autopilot.js',
      'sandbox/bin/autopilot-sandbox.js',
      'scripts/bootstrap.mjs',
      'generators/lib/util/node-version.ts',
    ]) {
      const code = read(path).replaceAll(/^ *(?:\/\/|\/?\*).*$/gm, '');
      expect(code, path)
        .to.contain('engines')
        .and.not.match(/\b2[0-9](\.[0-9]+)+\b/);
    }
  });
});

describe('the measured memory', () => {
  it('is the same in values.yaml and in docs/chart-comparison.md', () => {
    const table = read('docs/chart-comparison.md');
    const figure = (row: string): number =>
      Number(new RegExp(`^\\| ${row}[^|]*\\| (\\d+) MB`, 'm').exec(table)?.[1]);
    expect(figure('idle')).to.equal(MEASURED_MEMORY.idle);
    expect(figure('1,000 Deployments')).to.equal(MEASURED_MEMORY.with1000Deployments);
  });
});
