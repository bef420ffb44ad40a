import { expect } from 'chai';
import { execa } from 'execa';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { completionsFor } from '../../../generators/lib/cli/completion.ts';
import { commandHelp, overviewText } from '../../../generators/lib/cli/help.ts';
import { commandTable, allOptions } from '../../../generators/lib/cli/command-table.ts';
import type { Command } from '../../../generators/lib/cli/command-table.ts';

const repository = resolve(import.meta.dirname, '../../..');
const canary = join(repository, 'examples/canary');
const PHASES = ['Initializing', 'Waiting', 'Evaluating', 'Promoting', 'RollBack'];
const commands: readonly (readonly [string, Command])[] = Object.entries(commandTable);

describe('the help of the commands', () => {
  it('has a purpose, at least three examples and a help text for every option, in 80 columns', () => {
    for (const [name, command] of commands) {
      expect(command.examples.length, name).to.be.at.least(3);
      const help = commandHelp(name, command);
      for (const [option, { text }] of Object.entries(allOptions(command))) {
        expect(help, name).to.contain(`--${option}`);
        expect(text, option).to.not.equal('');
      }
      expect(
        help.split('\n').filter((line) => line.length > 80),
        name,
      ).to.deep.equal([]);
    }
    expect(
      overviewText('1.0.0')
        .split('\n')
        .filter((line) => line.length > 80),
    ).to.deep.equal([]);
  });
});

describe('completion', () => {
  const words = (...typed: readonly string[]): readonly string[] =>
    completionsFor(typed, canary).map(([word]) => word);

  it('knows commands, verbs, shells and options', () => {
    expect(words('')).to.include.members(['init', 'phase', 'completion', 'help']);
    expect(words('phase', 'r')).to.deep.equal(['rename', 'remove']);
    expect(words('completion', '')).to.deep.equal(['bash', 'zsh', 'fish']);
    expect(words('generate', '--')).to.deep.equal([
      '--check',
      '--dry-run',
      '--bail',
      '--accept-breaking',
      '--refresh',
      '--force',
      '--runtime',
      '--help',
    ]);
    expect(words('generate', '--runtime', 'v')).to.deep.equal(['vendor']);
    expect(words('init', '--example', 'auto')).to.deep.equal(['autoroute']);
  });

  it("knows the project's phases, from below its folder too, and none where there is no project", () => {
    expect(words('phase', 'rename', '')).to.deep.equal(PHASES);
    expect(completionsFor(['phase', 'edit', 'E'], join(canary, 'src'))).to.deep.equal([
      ['Evaluating'],
    ]);
    expect(words('phase', 'remove', 'Evaluating', '--replacement', '')).to.deep.equal([
      ...PHASES,
      'none',
    ]);
    expect(words('phase', 'Draining', '')).to.deep.equal([]);
    expect(completionsFor(['phase', 'edit', ''], tmpdir())).to.deep.equal([]);
  });

  it('knows parameters, one after the other in a list, and metrics only where it can be read', () => {
    expect(words('phase', 'Draining', '--inputs', 'deployments,me')).to.deep.equal([
      'deployments,metrics',
    ]);
    expect(words('phase', 'Draining', '--outputs', 'me')).to.deep.equal([]);
    expect(words('phase', 'Draining', '--next=Wai')).to.deep.equal(['Waiting']);
    expect(words('phase', 'Draining', '--next', '=', 'Wai'), 'as bash breaks it').to.deep.equal([
      'Waiting',
    ]);
  });

  describe('in a real shell', function () {
    this.timeout(60_000);
    let bin: string;
    beforeEach(() => {
      bin = mkdtempSync(join(tmpdir(), 'autopilot-completion-'));
      writeFileSync(
        join(bin, 'autopilot'),
        `#!/bin/sh\nexec '${process.execPath}' -C autopilot-source '${repository}/bin/autopilot.js' "$@"\n`,
      );
      chmodSync(join(bin, 'autopilot'), 0o755);
    });
    afterEach(() => rmSync(bin, { recursive: true }));

    const shell = async (program: string, ...args: readonly string[]): Promise<string> => {
      const env = { PATH: `${bin}${delimiter}${process.env['PATH']}` };
      return (await execa(program, args, { cwd: canary, env })).stdout;
    };
    /** What bash offers when the last of the words is being typed. */
    const bash = (...line: readonly string[]): Promise<string> =>
      shell(
        'bash',
        '--norc',
        '-c',
        'eval "$(autopilot completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _autopilot autopilot; printf "%s\\n" "${COMPREPLY[@]}"',
        '-',
        'autopilot',
        ...line,
      );

    it('bash', async () => {
      expect(await bash('ph')).to.equal('phase');
      expect(await bash('phase', 'rename', 'Ev')).to.equal('Evaluating');
      expect(await bash('phase', 'add', 'Draining', '--next', 'Waiting,')).to.equal(
        PHASES.filter((phase) => phase !== 'Waiting')
          .map((phase) => `Waiting,${phase}`)
          .join('\n'),
      );
      expect(await bash('phase', 'add', 'Draining', '--inputs', '=', 'dep')).to.equal(
        'deployments',
      );
      expect(await bash('nonsense', '')).to.equal('');
      expect(
        await shell(
          'bash',
          '--norc',
          '-c',
          'eval "$(autopilot completion bash)"; complete -p autopilot',
        ),
      ).to.equal('complete -o default -F _autopilot autopilot');
    });

    it('fish', async function () {
      if (await isMissing('fish')) {
        return this.skip();
      }
      const offered = await shell(
        'fish',
        '--no-config',
        '-c',
        'autopilot completion fish | source; complete --do-complete "autopilot phase rename Ev"',
      );
      expect(offered.split('\n')).to.deep.equal(['Evaluating']);
      expect(
        await shell(
          'fish',
          '--no-config',
          '-c',
          'autopilot completion fish | source; complete --do-complete "autopilot ge"',
        ),
      ).to.match(/^generate\tupdate/);
    });

    it('zsh', async function () {
      if (await isMissing('zsh')) {
        return this.skip();
      }
      // Without a line editor: what is handed to _describe.
      const script = `compdef() { }
_describe() { print -l -- "\${(@P)2}" }
_files() { print files }
eval "$(autopilot completion zsh)"
words=(autopilot phase rename Ev); CURRENT=4; _autopilot
words=(autopilot gen); CURRENT=2; _autopilot
words=(autopilot init ''); CURRENT=3; _autopilot`;
      expect((await shell('zsh', '-f', '-c', script)).split('\n')).to.deep.equal([
        'Evaluating',
        `generate:${commandTable.generate.purpose}`,
        'files',
      ]);
    });

    it('is refused for a shell that is not known', async () => {
      const { stderr, exitCode } = await execa(join(bin, 'autopilot'), ['completion', 'csh'], {
        reject: false,
      });
      expect([exitCode, stderr]).to.deep.equal([
        1,
        "unknown shell 'csh': autopilot completion bash|zsh|fish",
      ]);
    });
  });
});

async function isMissing(program: string): Promise<boolean> {
  return (await execa(program, ['--version'], { reject: false })).exitCode !== 0;
}
