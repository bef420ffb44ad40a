/**
 * A real terminal for a command: a pseudo-terminal by `script` of util-linux, which every Debian
 * has.
 */
import { execa } from 'execa';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';

/** Why there is none here; undefined when there is. */
export async function missingPty(): Promise<string | undefined> {
  const { exitCode, stdout } = await execa('script', ['--version'], { reject: false });
  return exitCode === 0 && stdout.includes('util-linux')
    ? undefined
    : "there is no 'script' of util-linux to make a pseudo-terminal with";
}

export class Pty {
  readonly #process: ChildProcess;
  /** The exit code. */
  readonly ended: Promise<number | null>;
  #shown = '';
  /** All that was ever shown, without colours. */
  transcript = '';
  #noticed: () => void = () => {};

  constructor(
    command: string,
    { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
    columns = 80,
    rows = 24,
  ) {
    const sized = `stty cols ${columns} rows ${rows}; exec ${command}`;
    this.#process = spawn('script', ['-qfec', sized, '/dev/null'], {
      cwd,
      env: { ...process.env, TERM: 'xterm', ...env },
    });
    this.#process.stdout?.on('data', (data: Buffer) => {
      const text = stripVTControlCharacters(data.toString());
      this.#shown += text;
      this.transcript += text;
      this.#noticed();
    });
    this.ended = new Promise((resolve) => this.#process.once('close', resolve));
  }

  /**
   * Waits until `text` is shown, and forgets what was shown up to there: what follows may have come
   * at once. Fails when the command ends before, or shows nothing more for long.
   */
  async shows(text: string): Promise<void> {
    const over = this.ended.then((code) => `ended with ${code}`);
    while (!this.#shown.includes(text)) {
      const late = new Promise<string>((resolve) =>
        AbortSignal.timeout(60_000).addEventListener('abort', () =>
          resolve('showed nothing for a minute'),
        ),
      );
      const end = await Promise.race([
        over,
        late,
        new Promise<undefined>((resolve) => (this.#noticed = () => resolve(undefined))),
      ]);
      if (end !== undefined && !this.#shown.includes(text)) {
        throw new Error(`${end}, and never showed '${text}':\n${this.transcript}`);
      }
    }
    this.#shown = this.#shown.slice(this.#shown.indexOf(text) + text.length);
  }

  type(keys: string): void {
    this.#process.stdin?.write(keys);
  }

  /** Each question as soon as it is shown. */
  async answers(answers: readonly (readonly [question: string, keys: string])[]): Promise<void> {
    for (const [question, keys] of answers) {
      await this.shows(question);
      this.type(keys);
    }
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
