import { expect } from 'chai';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';

const repository = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: repository }).sort();

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: object;
  readonly devDependencies?: object;
  readonly optionalDependencies?: object;
  readonly peerDependencies?: object;
}
const manifest = (path: string): Manifest => JSON.parse(read(path)) as Manifest;

describe('the documents', () => {
  for (const document of documents) {
    it(`${document} links to files that exist`, () => {
      const links = [...read(document).matchAll(/\]\(([^)#]+)[^)]*\)/g)].flatMap(([, link]) =>
        link === undefined || link.includes('://') ? [] : [link],
      );
      const broken = links.filter((link) => !existsSync(join(repository, dirname(document), link)));
      expect(broken).to.deep.equal([]);
    });
  }

  it('name a reason for every dependency, and no dependency that is not there', () => {
    const packages = ['.', 'runtime', 'sandbox', 'scripts/node'];
    const used = packages
      .map((folder) => join(folder, 'package.json'))
      .flatMap((path) => {
        const {
          dependencies = {},
          devDependencies = {},
          optionalDependencies = {},
        } = manifest(path);
        return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
      });
    const rows = [...read('docs/dependencies.md').matchAll(/^\| (`.*?) \| (.+) \|$/gm)].flatMap(
      ([, names]) => [...(names ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    );
    expect([...new Set(rows)]).to.have.members([...new Set(used)]);
  });

  it('name only npm scripts that exist', () => {
    const { scripts = {} } = manifest('package.json');
    const named = ['README.md', 'CONTRIBUTING.md'].flatMap((path) =>
      [...read(path).matchAll(/npm (?:run ([\w:]+)|(start|test))\b/g)].map(
        ([, script, plain]) => script ?? plain ?? '',
      ),
    );
    expect(named.filter((name) => !(name in scripts))).to.deep.equal([]);
    expect(named).to.include.members(['start', 'test', 'test:unit']);
  });

  it('CONTRIBUTING.md names only places that exist, with their whole path', () => {
    const [, section = ''] = read('CONTRIBUTING.md').split('## Find the place');
    const [table = ''] = section.split('\n## ');
    const rows = [...table.matchAll(/^\| (Where .+?\?) \| (.+) \|$/gm)].map(
      ([, question = '', place = '']) => ({
        question,
        paths: [...place.matchAll(/`([^`\s]+)`/g)].map(([, path = '']) => path),
      }),
    );
    expect(rows).to.have.length.greaterThan(30);
    for (const { question, paths } of rows) {
      expect(paths, question).to.have.length.greaterThan(0);
      const missing = paths.filter((path) => !existsSync(join(repository, path)));
      expect(missing, question).to.deep.equal([]);
    }
  });

  it('.ci/run calls the test commands that the README shows and nothing else', () => {
    const [, section = ''] = read('README.md').split('## Test this repository');
    const shown = [...section.matchAll(/^```\n(npm .*)\n```$/gm)].map(([, command]) => command);
    const lines = read('.ci/run')
      .split('\n')
      .filter(
        (line) =>
          line.trim() !== '' &&
          !line.startsWith('#') &&
          !line.startsWith('set ') &&
          !line.startsWith('cd '),
      );
    expect(shown).to.include('npm test');
    expect(lines).to.deep.equal(shown);
  });

  it('docs/operations.md says what to do for each alert of the chart', () => {
    const alerts = [
      ...read('charts/operator/templates/metrics/_alerts.tpl').matchAll(/alert: <%= kind %>(\w+)/g),
    ].map(([, name]) => name ?? '');
    const rows = [...read('docs/operations.md').matchAll(/^\| …(\w+) \|/gm)].map(
      ([, name]) => name,
    );
    expect(rows).to.have.members(alerts);
  });

  it('name only values that the chart has', () => {
    const values = parse(
      read('examples/autoroute/charts/autoroute-operator/values.yaml'),
    ) as object;
    const has = (path: string): boolean =>
      path.split('.').reduce<unknown>((node, key) => {
        return (node as Readonly<Record<string, unknown>> | null | undefined)?.[key];
      }, values) !== undefined;
    const sections = Object.keys(values).join('|');
    const named = ['docs/operations.md', 'docs/chart-comparison.md', 'docs/design.md'].flatMap(
      (path) =>
        [...read(path).matchAll(new RegExp(`\`((?:${sections})\\.[\\w.]+)\``, 'g'))].map(
          ([, name = '']) => name,
        ),
    );
    expect(named).to.include('metrics.prometheusRule.stuckAfterSeconds');
    expect(named.filter((name) => !has(name))).to.deep.equal([]);
  });

  for (const [example, count] of [
    ['autoroute', 4],
    ['canary', 10],
  ] as const) {
    it(`the tutorial shows the example ${example} as it is`, () => {
      const blocks = [
        ...read(`docs/tutorial-${example}.md`).matchAll(/```(?:ts|yaml) (\S+)\n([^]*?)```/g),
      ];
      expect(blocks).to.have.length(count);
      for (const [, file = '', text = ''] of blocks) {
        const source = read(join('examples', example, file));
        for (const part of text.trim().split('\n\n')) {
          expect(source, file).to.contain(part.trimEnd());
        }
      }
    });
  }

  it('the tutorial shows files of src to paste whole', () => {
    const code = (text: string): string => text.replaceAll(/^\/\*\*[^]*?\*\/\n/gm, '').trim();
    for (const [, file = '', text = ''] of read('docs/tutorial-autoroute.md').matchAll(
      /```ts (src\/\S+)\n([^]*?)```/g,
    )) {
      expect(code(text), file).to.equal(code(read(join('examples/autoroute', file))));
    }
  });
});
