/**
 * Measures the start-up time of the generators and compares it with an empty generator of yo:
 * `node bench/startup.ts [RUNS [WORD]]`. With WORD only the commands whose title contains it run.
 * The column `diff` is the difference to the empty generator. Without WORD the time from
 * `yo autopilot` to a passing `npm test` is measured too.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { build, root } from '../scripts/build.ts';
import { missingPty, Pty } from '../test/generators/support/pty.ts';

const [, , runsText = '7', word = ''] = process.argv;
const runs = Number(runsText);
const env = { SUDO_UID: '-1', NODE_OPTIONS: '' };
const yo = join(root, 'node_modules/yo/lib/cli.js');
const bin = join(root, 'bin/autopilot.js');

build();
const dir = mkdtempSync(join(tmpdir(), 'autopilot-startup-'));
try {
  writeEmptyGenerator();
  mkdirSync(join(dir, 'node_modules'), { recursive: true });
  symlinkSync(root, join(dir, 'node_modules/generator-autopilot'));
  await command(dir, yo, 'autopilot', 'project', '--kind', 'Canary', '--yes', '--skip-install');
  const project = join(dir, 'project');

  const help = (generator: string): Measured => ({
    title: `yo ${generator} --help`,
    run: () => command(dir, yo, generator, '--help'),
    beside: 'yo empty --help',
  });
  const asking = 'yo empty, to its question';
  const idle = 'yo empty, all of it';
  const all: readonly Measured[] = [
    { title: 'yo --help', run: () => command(dir, yo, '--help') },
    { title: 'yo empty --help', run: () => command(dir, yo, 'empty', '--help') },
    ...['autopilot', 'autopilot:phase', 'autopilot:generate'].map(help),
    ...((await missingPty()) === undefined
      ? [
          { title: asking, run: () => question('empty', 'What?', dir) },
          {
            title: 'yo autopilot, to its first question',
            run: () => question('autopilot new', 'Start from', dir),
            beside: asking,
          },
          {
            title: 'yo autopilot:phase, to its first question',
            run: () => question('autopilot:phase', 'What is to be done', project),
            beside: asking,
          },
        ]
      : []),
    { title: idle, run: () => command(dir, yo, 'empty', '--idle') },
    {
      title: 'yo autopilot:generate --check, all of it',
      run: () => command(project, yo, 'autopilot:generate', '--check'),
      beside: idle,
    },
    { title: 'autopilot --help', run: () => command(dir, bin, '--help') },
    { title: 'autopilot check', run: () => command(project, bin, 'check') },
  ];
  const measured = all.filter(({ title }) => title.includes(word));
  // Each command runs once per round, so that other load of the computer affects all of them.
  const times = new Map<string, number[]>(measured.map(({ title }) => [title, []]));
  for (let index = 0; index < runs; index++) {
    for (const { title, run } of measured) {
      const started = performance.now();
      await run();
      times.get(title)?.push(performance.now() - started);
    }
  }
  const at = (title: string, share: number): number =>
    times.get(title)?.toSorted((a, b) => a - b)[Math.floor(share * runs)] ?? 0;
  const figures = (title: string, beside: string | undefined, share: number): string =>
    `${at(title, share).toFixed(0).padStart(6)} ms${beside === undefined ? ' '.repeat(14) : ` (diff ${(at(title, share) - at(beside, share)).toFixed(0).padStart(5)})`}`;
  console.log(
    `${runs} runs, Node ${process.versions.node}\n${' '.repeat(44)}    median                   fastest`,
  );
  for (const { title, beside } of measured) {
    console.log(`${title.padEnd(42)} ${figures(title, beside, 0.5)}  ${figures(title, beside, 0)}`);
  }

  if (word === '') {
    const started = performance.now();
    await command(dir, yo, 'autopilot', 'first', '--kind', 'Canary', '--yes');
    await execa('npm', ['test'], { cwd: join(dir, 'first'), env });
    console.log(
      `\nyo autopilot (npm install included) to a passing npm test: ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
  }
} finally {
  rmSync(dir, { recursive: true });
}

interface Measured {
  readonly title: string;
  readonly run: () => Promise<void>;
  /** Title of the baseline, which `diff` is computed from. */
  readonly beside?: string;
}

/** Writes an empty generator: the baseline for every generator of this version of Yeoman. */
function writeEmptyGenerator(): void {
  const folder = join(dir, 'node_modules/generator-empty/generators/app');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(dir, 'node_modules/generator-empty/package.json'),
    '{ "name": "generator-empty", "version": "1.0.0", "type": "module" }',
  );
  const yeoman = pathToFileURL(createRequire(import.meta.url).resolve('yeoman-generator')).href;
  writeFileSync(
    join(folder, 'index.js'),
    `import Generator from ${JSON.stringify(yeoman)};
export default class extends Generator {
  constructor(args, options) {
    super(args, options, { customInstallTask: true });
    this.option('idle', { type: Boolean });
  }
  async writing() {
    if (!this.options.idle) await this.prompt([{ type: 'input', name: 'what', message: 'What?' }]);
  }
}
`,
  );
}

async function command(cwd: string, ...args: readonly string[]): Promise<void> {
  await execa(process.execPath, args, { cwd, env, stdin: 'ignore' });
}

async function question(generator: string, text: string, cwd: string): Promise<void> {
  const pty = new Pty(`${process.execPath} ${yo} ${generator}`, { cwd, env });
  await pty.shows(text);
  pty.kill();
  await pty.ended;
}
