import { expect } from 'chai';
import { execa } from 'execa';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generateProject, scaffold, upToDate } from '../../../generators/lib/index.ts';
import { runPhaseCommand } from '../../../generators/lib/cli/phase-command.ts';
import { acquireProjectLock } from '../../../generators/lib/generate/project-lock.ts';
import { scriptAnswers } from '../support/scripted-answers.ts';

const bin = resolve(import.meta.dirname, '../../../bin/autopilot.js');

describe('several who change a project at once', function () {
  this.timeout(240_000);
  let dir: string;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-at-once-'));
    await scaffold({ dir, kind: 'Shop', runtime: 'registry' });
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const project = (): string => readFileSync(join(dir, 'autopilot.yaml'), 'utf8');
  const edit = (): void =>
    writeFileSync(join(dir, 'autopilot.yaml'), `${project()}# written in an editor\n`);

  it('by `phase add`: each phase that was reported as added is in autopilot.yaml', async () => {
    const names = ['One', 'Two', 'Three', 'Four'];
    const place = ['--after', 'Initializing', '--next', 'Processing'];
    const results = await Promise.all(
      names.map((name) =>
        execa(process.execPath, ['-C', 'autopilot-source', bin, 'phase', 'add', name, ...place], {
          cwd: dir,
          reject: false,
          stdin: 'ignore',
        }),
      ),
    );
    expect(results.map(({ exitCode, stderr }) => [exitCode, stderr])).to.deep.equal(
      names.map(() => [0, '']),
    );
    expect(names.filter((name) => project().includes(`name: ${name}\n`))).to.deep.equal(names);
    expect(upToDate((await generateProject(dir, { dryRun: true })).plan)).to.equal(true);
    expect(readdirSync(join(dir, '.autopilot'))).to.not.include('generating');
  });

  it('by an editor during the prompts: the change is refused with a sentence, and the edit stays', async () => {
    const { ask } = scriptAnswers([
      ['verb', 'rename'],
      ['phase', 'Processing'],
      ['name', 'Working'],
      ['write', true],
    ]);
    const saved: string[] = [];
    const error = await runPhaseCommand(
      dir,
      [],
      {},
      {
        ask: async (question) => {
          if (question.name === 'write') {
            edit();
            saved.push(project());
          }
          return ask(question);
        },
        print: () => {},
      },
    ).then(
      () => 'none',
      ({ message }: Error) => message,
    );
    expect(error).to.equal(
      'autopilot.yaml was changed while this command worked with it: run the command again. Nothing was written.',
    );
    expect([project()]).to.deep.equal(saved);
  });

  it('and died: their lock is taken over, also from another machine or after their number was given away', async () => {
    const lock = join(dir, '.autopilot/generating');
    const left = [
      { pid: 4_194_305, host: hostname(), id: 'gone' },
      { pid: process.pid, host: hostname(), id: 'number given away' },
      { pid: 1, host: 'elsewhere', id: 'long ago' },
    ];
    for (const holder of left) {
      writeFileSync(lock, JSON.stringify(holder));
      utimesSync(lock, 0, 0);
      using _taken = await acquireProjectLock(dir, 0);
      expect(JSON.parse(readFileSync(lock, 'utf8')))
        .to.include({ pid: process.pid, host: hostname() })
        .and.not.include({ id: holder.id });
    }
    expect(readdirSync(join(dir, '.autopilot'))).to.not.include('generating');
  });

  it('and one holds the lock for long: the other says who and where, and writes nothing', async () => {
    using _held = await acquireProjectLock(dir, 0);
    const error = await acquireProjectLock(dir, 0).then(
      () => 'none',
      ({ message }: Error) => message,
    );
    expect(error).to.equal(
      `another generate (process ${process.pid} on ${hostname()}) is at work in ${dir}: wait for it, or delete .autopilot/generating when it is gone. Nothing was written.`,
    );
  });

  it('a dead lock is taken over by one of many, never by two', async () => {
    writeFileSync(
      join(dir, '.autopilot/generating'),
      JSON.stringify({ pid: 4_194_305, host: hostname(), id: 'gone' }),
    );
    let inside = 0;
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        using _taken = await acquireProjectLock(dir, 60_000);
        expect(++inside).to.equal(1);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
      }),
    );
  });
});
