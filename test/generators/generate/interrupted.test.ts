import { expect } from 'chai';
import { execa } from 'execa';
import fs, {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generateProject, scaffold, upToDate } from '../../../generators/lib/index.ts';
import { runPhaseCommand } from '../../../generators/lib/cli/phase-command.ts';

const library = resolve(import.meta.dirname, '../../../generators/lib/index.ts');
const terminal = { ask: undefined, print: () => {} };

/**
 * Runs with the nth rename, which is what makes a written file visible, failing as a full disk
 * does. @returns how many there were
 */
async function failNthWrite(nth: number, run: () => Promise<unknown>): Promise<number> {
  const { renameSync } = fs;
  let count = 0;
  fs.renameSync = (from, to) => {
    if (count++ === nth) {
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    }
    renameSync(from, to);
  };
  syncBuiltinESMExports();
  try {
    await run().catch((error: Error) =>
      expect(error.message).to.match(
        /^cannot write \/.*: the disk is full\. What was written is whole; generate again/,
      ),
    );
  } finally {
    fs.renameSync = renameSync;
    syncBuiltinESMExports();
  }
  return count;
}

const contents = (dir: string): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(dir.length + 1), readFileSync(path, 'utf8')]),
  );

describe('a generate that is interrupted', function () {
  this.timeout(240_000);
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'autopilot-interrupted-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  /**
   * After every `stride`th written file: fails there, is run again, and all is as if nothing had
   * happened.
   */
  async function everywhere(
    stride: number,
    prepare: () => Promise<unknown>,
    run: () => Promise<unknown>,
    again: () => Promise<unknown>,
  ): Promise<unknown> {
    await prepare();
    await run();
    const whole = contents(dir);
    for (let nth = 0; ; nth += stride) {
      rmSync(dir, { recursive: true });
      mkdirSync(dir);
      await prepare();
      const written = await failNthWrite(nth, run);
      if (written <= nth) {
        return expect(nth).to.be.greaterThan(10);
      }
      await again();
      expect(contents(dir), `after ${nth} files`).to.deep.equal(whole);
    }
  }

  it('while a project begins from an example: the same command completes it', async () => {
    const run = (): Promise<unknown> =>
      scaffold({ dir, example: 'autoroute', runtime: 'registry' });
    const again = (): Promise<unknown> =>
      existsSync(join(dir, 'autopilot.yaml'))
        ? generateProject(dir, { runtime: 'registry' })
        : run();
    await everywhere(6, async () => {}, run, again);
  });

  it('while a phase is renamed: the next generate, or the same command, completes it', async () => {
    const start = (): Promise<unknown> => scaffold({ dir, kind: 'Canary', runtime: 'registry' });
    const rename = (): Promise<unknown> =>
      runPhaseCommand(dir, ['rename', 'Processing', 'Working'], {}, terminal);
    const again = (): Promise<unknown> =>
      readFileSync(join(dir, 'autopilot.yaml'), 'utf8').includes('name: Working')
        ? generateProject(dir)
        : rename();
    await everywhere(2, start, rename, again);
  });

  it('by kill -9, before a file is renamed to its place: the next one takes over and leaves nothing behind', async () => {
    await scaffold({ dir, kind: 'Canary', runtime: 'registry' });
    writeFileSync(
      join(dir, 'autopilot.yaml'),
      readFileSync(join(dir, 'autopilot.yaml'), 'utf8').replace('has finished', 'is done'),
    );
    for (const nth of [0, 1, 3]) {
      const script = `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
        const { renameSync } = fs; let count = 0;
        fs.renameSync = (...paths) => {
          if (count++ === ${nth}) process.kill(process.pid, 'SIGKILL');
          renameSync(...paths);
        };
        syncBuiltinESMExports();
        const { generateProject } = await import(${JSON.stringify(library)});
        await generateProject(${JSON.stringify(dir)});`;
      const killed = await execa(
        process.execPath,
        ['-C', 'autopilot-source', '--input-type=module', '-e', script],
        { reject: false },
      );
      expect(killed.signal, killed.stderr).to.equal('SIGKILL');
      const left = [...contents(dir).keys()].filter(
        (path) => path.endsWith('.tmp') || path.endsWith('/generating'),
      );
      expect(left, 'what a kill leaves').to.have.length(2);
    }
    await generateProject(dir);
    expect(
      [...contents(dir).keys()].filter(
        (path) => path.endsWith('.tmp') || path.endsWith('/generating'),
      ),
    ).to.deep.equal([]);
    expect(upToDate((await generateProject(dir, { dryRun: true })).plan)).to.equal(true);
  });
});
