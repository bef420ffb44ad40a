/** A terminal for real prompts without a terminal: streams, and waiting for what is shown. */
import { PassThrough } from 'node:stream';

export class FakeTerminal {
  readonly stdin: PassThrough & { isTTY: boolean };
  readonly stdout: PassThrough & { isTTY: boolean; columns: number; rows: number };
  #shown = '';
  #noticed: () => void = () => {};

  constructor() {
    this.stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => this.stdin });
    this.stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 200, rows: 50 });
    // Each prompt ends the stream that it has piped to; a terminal's own output cannot be ended.
    this.stdout.end = () => this.stdout;
    this.stdout.on('data', (data: Buffer) => {
      this.#shown += data.toString();
      this.#noticed();
    });
  }

  /** Waits until `text` is shown, and forgets what was shown. Fails when `run` does. */
  async shows(text: string | RegExp, run: Promise<unknown>): Promise<void> {
    const failed = run.then(() => new Promise<never>(() => {}));
    while (this.#shown.search(text) < 0) {
      await Promise.race([failed, new Promise<void>((resolve) => (this.#noticed = resolve))]);
    }
    this.#shown = '';
  }

  type(keys: string): void {
    this.stdin.write(keys);
  }
}
