import { expect } from 'chai';
import fc from 'fast-check';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { generateProject, scaffold } from '../../../generators/lib/index.ts';

const word = fc.stringMatching(/^[a-z]{4,9}$/);
const CHART = 'charts/canary-operator';

/** An edit of a user in a place of theirs, and how it is found again. */
interface Edit {
  readonly path: string;
  readonly edit: (text: string) => string;
  readonly survives: (text: string) => boolean;
}

const line = (path: string, mark: string): fc.Arbitrary<Edit> =>
  word.map((text) => ({
    path,
    edit: (before) => `${before}${before.endsWith('\n') ? '' : '\n'}${mark} ${text}\n`,
    survives: (after) => after.includes(`${mark} ${text}\n`),
  }));
const json = (path: string, key: string): fc.Arbitrary<Edit> =>
  fc.tuple(word, word).map(([name, value]) => {
    const at = (text: string): Record<string, unknown> =>
      ((JSON.parse(text) as Record<string, Record<string, unknown>>)[key] ??= {});
    return {
      path,
      edit: (before) => {
        const all = JSON.parse(before) as Record<string, Record<string, unknown>>;
        all[key] = { ...all[key], [name]: value };
        return JSON.stringify(all, null, 2);
      },
      survives: (after) => at(after)[name] === value,
    };
  });
const values = fc.tuple(fc.integer({ min: 2, max: 9 }), word).map(([replicas, comment]): Edit => ({
  path: `${CHART}/values.yaml`,
  edit: (before) => before.replace(/^replicas: \d+.*$/m, `replicas: ${replicas} # ${comment}`),
  survives: (after) =>
    after.includes(`replicas: ${replicas} # ${comment}`) &&
    (parse(after) as { replicas: number }).replicas === replicas,
}));
const comment = word.map((text): Edit => ({
  path: 'autopilot.yaml',
  edit: (before) => before.replace('  - name: Processing', `  # ${text}\n  - name: Processing`),
  survives: (after) => after.includes(`# ${text}\n`),
}));

const edits = fc.uniqueArray(
  fc.oneof(
    line('src/workers/processing.ts', '//'),
    line('src/workers/mine.ts', '//'),
    line('src/spec.ts', '//'),
    line('test/machine.test.ts', '//'),
    line('README.md', 'Note:'),
    line('Dockerfile', '#'),
    line('autopilot-operator.yaml', '#'),
    line(`${CHART}/templates/custom/mine.yaml`, '#'),
    line(`${CHART}/values.yaml`, '#'),
    json('package.json', 'scripts'),
    json('package.json', 'mine'),
    json('tsconfig.json', 'mine'),
    values,
    comment,
  ),
  { minLength: 1, maxLength: 8, selector: ({ path }) => path },
);

describe('whatever a user has edited in places of theirs', function () {
  this.timeout(240_000);
  let origin: string;
  let dir: string;
  before(async () => {
    origin = mkdtempSync(join(tmpdir(), 'autopilot-edits-'));
    dir = join(origin, 'edited');
    await scaffold({ dir: join(origin, 'project'), kind: 'Canary', runtime: 'registry' });
  });
  after(() => rmSync(origin, { recursive: true }));

  const read = (path: string): string => readFileSync(join(dir, path), 'utf8');
  const bytes = (): unknown =>
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path, readFileSync(path, 'utf8')]);

  it('survives a change of the state machine and another generate, and a second time changes no byte', async () => {
    await fc.assert(
      fc.asyncProperty(edits, word, async (made, description) => {
        rmSync(dir, { recursive: true, force: true });
        cpSync(join(origin, 'project'), dir, { recursive: true });
        for (const { path, edit } of made) {
          mkdirSync(dirname(join(dir, path)), { recursive: true });
          const own = path.endsWith('mine.ts') || path.includes('/custom/');
          writeFileSync(join(dir, path), edit(own ? '' : read(path)));
        }
        const changed = read('autopilot.yaml')
          .replace('has begun processing', description)
          .replace('outputs: [virtualservices]', 'outputs: [virtualservices, services]');
        writeFileSync(join(dir, 'autopilot.yaml'), changed);
        const { plan } = await generateProject(dir);
        expect([plan.conflicts, plan.edited]).to.deep.equal([[], []]);
        for (const { path, survives } of made) {
          expect(survives(read(path)), `${path}:\n${read(path)}`).to.equal(true);
        }
        expect(read('src/generated/canary.ts')).to.contain(description);
        const before = bytes();
        await generateProject(dir);
        expect(bytes()).to.deep.equal(before);
      }),
      { numRuns: 12 },
    );
  });
});
