import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import { parse } from 'yaml';
import { generateProject, scaffold } from '../../../generators/lib/index.ts';
import { mergeYamlText } from '../../../generators/lib/util/merge-yaml.ts';

describe('values that both sides have changed', () => {
  const base =
    'replicas: 1\n# How large.\nsize: 10\nlist: [a]\nimage:\n  tag: "1"\n  pull: Always\n';
  const merged = (mine: string, theirs: string): unknown => {
    const { text } = mergeYamlText(base, mine, theirs);
    return parse(text);
  };

  it('are merged as text where lines do not clash, every comment and blank line kept', () => {
    const { text, notes } = mergeYamlText(
      base,
      `${base}\n# mine\nown: 1\n`,
      base.replace('replicas: 1', 'replicas: 2'),
    );
    expect(text).to.equal(`${base.replace('replicas: 1', 'replicas: 2')}\n# mine\nown: 1\n`);
    expect(notes).to.deep.equal([]);
  });

  it('keep the user’s value and take the generated one beside it, without conflict marks', () => {
    const theirs = base
      .replace('size: 10', 'size: 11')
      .replace('list: [a]', 'list: [a]\n# New.\nfresh: true');
    const { text, notes } = mergeYamlText(
      base,
      base.replace('size: 10', 'size: 99').replace('list: [a]', 'list: [b]'),
      theirs,
    );
    expect(parse(text)).to.deep.equal({
      replicas: 1,
      size: 99,
      list: ['b'],
      fresh: true,
      image: { tag: '1', pull: 'Always' },
    });
    expect(text).to.contain('# New.\nfresh: true').and.contain('# How large.');
    expect(notes).to.deep.equal(['size keeps the value of the file; generated: 11']);
  });

  it('leave away what the user has removed, and remove what is generated no more', () => {
    expect(
      merged(
        base.replace('size: 10\n', '').replace('tag: "1"', 'tag: "2"'),
        base.replace('size: 10', 'size: 11').replace('  pull: Always\n', '  pull: Never\n'),
      ),
    ).to.deep.equal({
      replicas: 1,
      list: ['a'],
      image: { tag: '2', pull: 'Never' },
    });
    expect(
      merged(
        base.replace('size: 10', 'size: 3'),
        base.replace('# How large.\nsize: 10\nlist: [a]\n', ''),
      ),
    ).to.deep.equal({
      replicas: 1,
      size: 3,
      image: { tag: '1', pull: 'Always' },
    });
  });
});

const METRICS = { on: 0, service: {} };

type Settings = { readonly [key: string]: number | Settings };

describe('any settings, however both sides have changed them', () => {
  const leaf = fc.integer({ min: 0, max: 3 });
  const keys = ['a', 'b', 'c', 'd', 'e'];
  const level = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Readonly<Record<string, T>>> =>
    fc.dictionary(fc.constantFrom(...keys), value, { noNullPrototype: true });
  const settings = fc.record({
    top: level(leaf),
    image: level(leaf),
    metrics: fc.record({ on: leaf, service: level(leaf) }),
  }) as unknown as fc.Arbitrary<Settings>;

  /** The settings with a comment above each key and behind each number. */
  function written(value: Settings, who: string, indent = ''): string {
    return Object.entries(value)
      .map(([key, inner]) => {
        const above = `${indent}# ${key} of ${who}\n`;
        if (typeof inner === 'number') {
          return `${above}${indent}${key}: ${inner} # ${who}\n`;
        }
        return Object.keys(inner).length === 0
          ? `${above}${indent}${key}: {}\n`
          : `${above}${indent}${key}:\n${written(inner, who, `${indent}  `)}`;
      })
      .join('');
  }
  /** What the promise says, without text. */
  function expected(base: Settings | undefined, mine: Settings, theirs: Settings): Settings {
    const result: Record<string, number | Settings> = {};
    for (const key of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
      const [was, is, wanted] = [base?.[key], mine[key], theirs[key]];
      const unchanged = was !== undefined && isDeepStrictEqual(was, is);
      if (is === undefined && wanted !== undefined && was === undefined) {
        result[key] = wanted;
      } else if (is === undefined) {
        continue;
      } else if (isBlock(is) && isBlock(wanted)) {
        result[key] = expected(isBlock(was) ? was : undefined, is, wanted);
      } else if (wanted === undefined) {
        Object.assign(result, unchanged ? {} : { [key]: is });
      } else {
        result[key] = unchanged ? wanted : is;
      }
    }
    return result;
  }
  const isBlock = (value: number | Settings | undefined): value is Settings =>
    typeof value === 'object' && Object.keys(value).length > 0;

  /** Found by chance: the user has reordered keys that are generated no more. */
  const REORDERED = { top: { e: 1, d: 0, b: 1, c: 1, a: 3 }, image: {}, metrics: METRICS };
  const REVERSED = { ...REORDERED, top: { a: 3, b: 1, e: 1, d: 0, c: 1 } };
  const EMPTY = { ...REORDERED, top: {} };

  it('become what each key by itself has become, and no comment of the user’s keys is lost', () => {
    fc.assert(
      fc.property(settings, settings, settings, (base, mine, theirs) => {
        const { text } = mergeYamlText(
          written(base, 'both'),
          `${written(mine, 'me')}x: [ 1,2 ] # as I write it\n`,
          `${written(theirs, 'them')}y: 1\n`,
        );
        const { x, y, ...rest } = parse(text) as Record<string, never>;
        expect([x, y]).to.deep.equal([[1, 2], 1]);
        expect(normal(rest)).to.deep.equal(normal(expected(base, mine, theirs)));
        expect(text).to.contain('x: [ 1,2 ] # as I write it\n');
      }),
      { numRuns: 300, examples: [[REORDERED, REVERSED, EMPTY]] },
    );
  });

  /** A block that has lost its last key is null in YAML, and an empty map to Helm. */
  function normal(value: unknown): unknown {
    if (value === null) {
      return {};
    }
    if (typeof value !== 'object') {
      return value;
    }
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, normal(inner)]));
  }
});

describe('a chart that its user has edited', () => {
  let dir: string;
  const chart = (path: string): string => join(dir, 'charts/example-operator', path);
  const read = (path: string): string => readFileSync(chart(path), 'utf8');
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-edits-'));
    await scaffold({ dir, kind: 'Example', runtime: 'registry' });
    mkdirSync(chart('templates/custom'));
    writeFileSync(chart('templates/custom/more.yaml'), '# mine\n');
    writeFileSync(
      chart('templates/_overrides.tpl'),
      read('templates/_overrides.tpl').replace(
        '"example-operator.userLabels" -}}',
        '"example-operator.userLabels" -}}\nteam: x',
      ),
    );
    writeFileSync(
      chart('values.yaml'),
      read('values.yaml')
        .replace('replicas: 1', 'replicas: 3 # we are many')
        .replace('custom: {}', 'custom:\n  # own\n  mine: true'),
    );
    writeFileSync(chart('README.md'), read('README.md').replace('Helm chart of', 'MY chart of'));
    writeFileSync(chart('templates/NOTES.txt'), `Hello.\n${read('templates/NOTES.txt')}`);
    const project = readFileSync(join(dir, 'autopilot.yaml'), 'utf8');
    writeFileSync(
      join(dir, 'autopilot.yaml'),
      project.replace(/outputs: \[virtualservices\]/, 'outputs: [virtualservices, configmaps]'),
    );
    const operatorConfig = readFileSync(join(dir, 'autopilot-operator.yaml'), 'utf8');
    writeFileSync(
      join(dir, 'autopilot-operator.yaml'),
      `${operatorConfig}maxConcurrentReconciles: 4\nwatchNamespace: a, b\n`,
    );
    const { plan } = await generateProject(dir);
    expect(plan.conflicts).to.deep.equal([]);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('keeps every edit', () => {
    expect(read('values.yaml'))
      .to.contain('replicas: 3 # we are many')
      .and.contain('custom:\n  # own\n  mine: true\n');
    expect(read('templates/custom/more.yaml')).to.equal('# mine\n');
    expect(read('templates/_overrides.tpl')).to.contain('team: x');
    expect(read('templates/NOTES.txt')).to.match(/^Hello\.\n/);
    expect(read('README.md')).to.contain('MY chart of');
  });

  it('follows the state machine and its configuration in everything else', () => {
    expect(read('templates/_rules.tpl')).to.contain('resources: ["configmaps"]');
    const values = parse(read('values.yaml')) as {
      config: object;
      watchNamespaces: readonly string[];
    };
    expect(values.config)
      .to.deep.include({ maxConcurrentReconciles: 4 })
      .and.not.have.property('watchNamespace');
    expect(values.watchNamespaces).to.deep.equal(['a', 'b']);
    expect(read('README.md')).to.contain('| `watchNamespaces` | `["a","b"]` |');
  });

  it('is not touched by a generate that has nothing new', async () => {
    const { plan } = await generateProject(dir, { dryRun: true });
    expect(plan.changes).to.deep.equal([]);
    expect(existsSync(chart('templates/custom/more.yaml'))).to.equal(true);
  });
});
