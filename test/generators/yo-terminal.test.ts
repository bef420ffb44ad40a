import { expect } from 'chai';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generateProject, upToDate } from '../../generators/lib/index.ts';
import { build } from '../../scripts/build.ts';
import { missingPty, Pty } from './support/pty.ts';

const repository = resolve(import.meta.dirname, '../..');
const ENTER = '\r';
const DOWN = '\u001B[B';
const UP = '\u001B[A';
const CTRL_C = '\u0003';
const CTRL_U = '\u0015';

describe('yo in a terminal', function () {
  this.timeout(180_000);
  let dir: string;
  let pty: Pty | undefined;
  before(async function () {
    const reason = await missingPty();
    if (reason !== undefined) {
      console.log(`skipped: ${reason}`);
      this.skip();
    }
    build();
  });
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-pty-'));
    mkdirSync(join(dir, 'node_modules'));
    symlinkSync(repository, join(dir, 'node_modules/generator-autopilot'));
  });
  afterEach(() => {
    pty?.kill();
    rmSync(dir, { recursive: true });
  });

  /** Starts yo. SUDO_UID=-1 keeps yo from changing to another user when it runs as root. */
  function yo(cwd: string, line: string): Pty {
    pty = new Pty(`${process.execPath} ${join(repository, 'node_modules/yo/lib/cli.js')} ${line}`, {
      cwd,
      env: { SUDO_UID: '-1', NODE_OPTIONS: '' },
    });
    return pty;
  }

  it('takes a person from nothing to a project: ? explains, a wrong answer is asked again, Enter takes what is likely', async () => {
    const terminal = yo(dir, 'autopilot my-canary --runtime registry --skip-install');
    await terminal.answers([
      ['What do you want to start from', '?' + ENTER],
      ['A state machine of your own', ''],
      ['What do you want to start from', ENTER],
      ['What is the kind of the resource', 'canary' + ENTER],
      ['must be in Pascal case', CTRL_U + '?' + ENTER],
      ['The kind of the resource that users', ''],
      ['What is the kind of the resource', ENTER],
      ['What is the API group and version', ENTER],
      ['What is the name of the operator', ENTER],
      ['What is the first phase', 'a/b' + ENTER],
      ['must be letters and digits', CTRL_U + 'Waiting' + ENTER],
      ['What happens in Waiting', 'Waits for its turn' + ENTER],
      ['Is a resource in Waiting ready', 'perhaps' + ENTER],
      ['y or n', CTRL_U + ENTER],
      // The first entry is metrics; the one above it, around the corner, explains.
      ['What does Waiting read', DOWN + ' ' + ENTER],
      ['What does Waiting write', UP + ' ' + ENTER],
      ['The kinds that the worker writes', ''],
      ['What does Waiting write', ENTER],
      ['Which phases may follow Waiting', ENTER],
      ['Add another phase', ENTER],
      ['What is the next phase', 'waiting' + ENTER],
      ["is taken by 'Waiting'", CTRL_U + 'Done' + ENTER],
      ['What happens in Done', ENTER],
      ['Is Done final', ENTER],
      ['Is Done a successful end', ENTER],
      ['Add another phase', ENTER],
      ['Add a finalizer', ENTER],
      ['Write canary-operator for Canary', ''],
    ]);
    expect(
      existsSync(join(dir, 'my-canary')),
      'nothing is written before the last answer',
    ).to.equal(false);
    expect(terminal.transcript)
      .to.contain('│ Waiting │ ──▶ Done  (ready)')
      .and.to.contain('║ Done    ║  (final)');
    terminal.type(ENTER);
    expect(await terminal.ended, terminal.transcript).to.equal(0);
    expect(terminal.transcript).to.match(/created autopilot\.yaml[^]*Next:/);
    expect(readFileSync(join(dir, 'my-canary/autopilot.yaml'), 'utf8')).to.contain(`phases:
  - name: Waiting
    description: Waits for its turn
    initial: true
    ready: true
    inputs: [deployments]
    next: [Done]
  - name: Done
    final: true
`);

    const phase = yo(join(dir, 'my-canary'), 'autopilot:phase');
    await phase.answers([
      ['What do you want to do', DOWN + DOWN + ENTER],
      ['Which phase do you want to rename', ENTER],
      ['What is the new name of Waiting', 'Watching' + ENTER],
      ['continue in Watching', ''],
      ['Change autopilot.yaml and generate', ENTER],
    ]);
    expect(await phase.ended, phase.transcript).to.equal(0);
    expect(existsSync(join(dir, 'my-canary/src/workers/watching.ts'))).to.equal(true);
    expect(
      upToDate((await generateProject(join(dir, 'my-canary'), { dryRun: true })).plan),
    ).to.equal(true);
  });

  it('leaves no half project behind when Ctrl-C is pressed, whatever is being asked', async () => {
    const early = [['What do you want to start from', ENTER]] as const;
    const late = [
      ...early,
      ['What is the kind of the resource', ENTER],
      ['What is the API group', ENTER],
      ['What is the name of the operator', ENTER],
      ['What is the first phase', 'Waiting' + ENTER],
      ['What happens', ENTER],
      ['Is a resource in Waiting ready', ENTER],
    ] as const;
    for (const [answers, last] of [
      [early, 'What is the kind of the resource'],
      [late, 'What does Waiting read'],
    ] as const) {
      const terminal = yo(dir, 'autopilot my-canary --skip-install');
      await terminal.answers(answers);
      await terminal.shows(last);
      terminal.type(CTRL_C);
      expect(await terminal.ended, terminal.transcript).to.equal(1);
      expect(terminal.transcript)
        .to.match(/Stopped; nothing was written|force closed/)
        .and.to.not.contain('    at ');
      expect(existsSync(join(dir, 'my-canary'))).to.equal(false);
    }
  });
});
