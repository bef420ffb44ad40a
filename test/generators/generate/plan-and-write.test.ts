import { expect } from 'chai';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProjectFile } from '../../../generators/lib/model/model.ts';
import { planWrites } from '../../../generators/lib/generate/plan.ts';
import type { Plan } from '../../../generators/lib/generate/plan.ts';
import { writePlan } from '../../../generators/lib/generate/write-files.ts';

const files = (generated = 'one', runtime = '^0.1.0'): ProjectFile[] => [
  { path: 'src/worker.ts', content: 'stub\n', ownership: 'user-owned' },
  { path: 'src/generated/a.ts', content: `${generated}\n`, ownership: 'generated' },
  { path: 'charts/c/values.yaml', content: `${generated}: 1\n`, ownership: 'merged' },
  {
    path: 'package.json',
    content: JSON.stringify({ name: 'c', dependencies: { 'autopilot-runtime': runtime } }),
    ownership: 'merged',
  },
];

describe('writing a project', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'autopilot-write-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  const read = (path: string): string => readFileSync(join(dir, path), 'utf8');
  const edit = (path: string, text: string): void => writeFileSync(join(dir, path), text);
  const plan = (wanted: readonly ProjectFile[], force = false, version = '1.0.0'): Plan =>
    planWrites(dir, wanted, { version, runtime: 'registry', force });
  const write = (wanted: readonly ProjectFile[], force = false, version = '1.0.0'): Plan => {
    const planned = plan(wanted, force, version);
    writePlan(dir, planned);
    return planned;
  };

  it('changes no byte the second time', () => {
    write(files());
    const before = readdirSync(dir, { recursive: true }).map((name) => [
      name,
      statSync(join(dir, String(name))).mtimeMs,
    ]);
    const second = write(files());
    expect(second.changes).to.deep.equal([]);
    expect(second.records).to.deep.equal([]);
    expect(
      readdirSync(dir, { recursive: true }).map((name) => [
        name,
        statSync(join(dir, String(name))).mtimeMs,
      ]),
    ).to.deep.equal(before);
  });

  it('keeps the mode of a file that it writes again', () => {
    write(files());
    chmodSync(join(dir, 'src/generated/a.ts'), 0o755);
    write(files('two'));
    expect(read('src/generated/a.ts')).to.equal('two\n');
    expect(statSync(join(dir, 'src/generated/a.ts')).mode & 0o777).to.equal(0o755);
  });

  it("never touches a file of the user's, not even when forced", () => {
    write(files());
    edit('src/worker.ts', 'mine\n');
    write(files('two'), true);
    expect(read('src/worker.ts')).to.equal('mine\n');
  });

  it('stops before writing anything when a generated file was edited by hand', () => {
    write(files());
    edit('src/generated/a.ts', 'edited\n');
    expect(() => write(files('two'))).to.throw(
      'src/generated/a.ts is generated but was edited by hand: undo that, or pass --force',
    );
    expect(read('charts/c/values.yaml')).to.equal('one: 1\n');
    write(files('two'), true);
    expect(read('src/generated/a.ts')).to.equal('two\n');
  });

  describe('a chart file', () => {
    const chart = (text: string): readonly ProjectFile[] => [
      { path: 'charts/c/values.yaml', content: text, ownership: 'merged' },
    ];
    const lines = (...values: readonly string[]): string =>
      values.map((value) => `${value}\n`).join('');

    it('follows as long as the user has not edited it', () => {
      write(chart(lines('a', 'b')));
      write(chart(lines('a', 'c')));
      expect(read('charts/c/values.yaml')).to.equal(lines('a', 'c'));
    });

    it('takes what is new and keeps what the user has edited in other lines', () => {
      write(chart(lines('a', 'b', 'c', 'd')));
      edit('charts/c/values.yaml', lines('mine', 'b', 'c', 'd', 'also mine'));
      const { changes, conflicts } = write(chart(lines('a', 'b', 'new', 'd')));
      expect(read('charts/c/values.yaml')).to.equal(lines('mine', 'b', 'new', 'd', 'also mine'));
      expect([changes[0]?.action, conflicts]).to.deep.equal(['merge', []]);
      expect(write(chart(lines('a', 'b', 'new', 'd'))).changes, 'the second time').to.deep.equal(
        [],
      );
    });

    it('shows both sides between marks where both have changed the same lines, and says so until they are gone', () => {
      write(chart(lines('a', 'b')));
      edit('charts/c/values.yaml', lines('a', 'mine'));
      const { conflicts } = write(chart(lines('a', 'new')));
      expect(read('charts/c/values.yaml')).to.equal(
        lines('a', '<<<<<<< user', 'mine', '=======', 'new', '>>>>>>> generated'),
      );
      expect(conflicts).to.deep.equal(['charts/c/values.yaml']);
      const again = write(chart(lines('a', 'newer')));
      expect([again.changes, again.conflicts]).to.deep.equal([[], ['charts/c/values.yaml']]);
      edit('charts/c/values.yaml', lines('a', 'mine'));
      expect(write(chart(lines('a', 'newer'))).conflicts).to.deep.equal([]);
      expect(read('charts/c/values.yaml')).to.equal(lines('a', 'mine'));
    });

    it('with CRLF line ends keeps them, and is not taken for edited', () => {
      write(chart(lines('a', 'b')));
      edit('charts/c/values.yaml', 'a\r\nb\r\n');
      expect(write(chart(lines('a', 'b'))).changes).to.deep.equal([]);
      write(chart(lines('a', 'c')));
      expect(read('charts/c/values.yaml')).to.equal('a\r\nc\r\n');
    });
  });

  it('says which value of package.json stays although a new one would be generated', () => {
    write(files());
    edit(
      'package.json',
      JSON.stringify({ name: 'c', dependencies: { 'autopilot-runtime': '^0.1.5' } }),
    );
    const { notes } = write(files('one', '^0.2.0'));
    expect(notes).to.deep.equal([
      'package.json: dependencies.autopilot-runtime keeps the value of the file; generated: "^0.2.0"',
    ]);
  });

  it("keeps the user's keys of package.json and updates its own", () => {
    write(files());
    edit(
      'package.json',
      JSON.stringify({
        name: 'renamed',
        license: 'MIT',
        dependencies: { zod: '4', 'autopilot-runtime': '^0.1.0' },
      }),
    );
    write(files('one', '^0.2.0'));
    expect(JSON.parse(read('package.json'))).to.deep.equal({
      name: 'renamed',
      license: 'MIT',
      dependencies: { zod: '4', 'autopilot-runtime': '^0.2.0' },
    });
  });

  it('does not bring back a key of package.json that the user has removed', () => {
    write(files());
    edit('package.json', JSON.stringify({ name: 'c', dependencies: {} }));
    write(files('one', '^0.2.0'));
    expect(JSON.parse(read('package.json'))).to.deep.equal({ name: 'c', dependencies: {} });
  });

  it('removes what is no longer generated, unless it was edited', () => {
    write(files());
    const less = files().filter(
      ({ path }) => path !== 'src/generated/a.ts' && !path.startsWith('charts'),
    );
    edit('charts/c/values.yaml', 'mine: 1\n');
    const done = write(less);
    expect(done.changes).to.deep.equal([{ action: 'remove', path: 'src/generated/a.ts' }]);
    expect(done.notes).to.deep.equal([
      'charts/c/values.yaml is no longer generated, but was edited, so it stays',
    ]);
  });

  it('completes a generate that was interrupted anywhere', () => {
    const wanted = files('two');
    const total = (() => {
      write(files());
      const planned = plan(wanted);
      return planned.records.length + planned.changes.length;
    })();
    for (let written = 0; written < total; written++) {
      rmSync(dir, { recursive: true });
      write(files());
      const planned = plan(wanted);
      const bases = planned.records.filter(({ path }) => !path.endsWith('lock.json'));
      const steps = [...bases, ...planned.changes].slice(0, written);
      writePlan(dir, { ...planned, records: [], changes: steps });
      write(wanted);
      expect(read('src/generated/a.ts')).to.equal('two\n');
      expect(plan(wanted).changes).to.deep.equal([]);
    }
  });

  it('refuses to let an older generator undo what a newer one has written', () => {
    write(files(), false, '2.0.0');
    expect(() => write(files('two'), false, '1.9.9')).to.throw(
      'was generated by generator-autopilot 2.0.0, this is 1.9.9',
    );
  });
});
