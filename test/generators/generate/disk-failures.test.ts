import { expect } from 'chai';
import { execa } from 'execa';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generateProject, scaffold, upToDate } from '../../../generators/lib/index.ts';

const bin = resolve(import.meta.dirname, '../../../bin/autopilot.js');

describe('where and when a project is written', function () {
  this.timeout(120_000);
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'autopilot-disk-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  const autopilot = (cwd: string, ...args: readonly string[]) =>
    execa(process.execPath, ['-C', 'autopilot-source', bin, ...args], {
      cwd,
      reject: false,
      stdin: 'ignore',
    });
  const leftovers = (folder: string): readonly string[] =>
    readdirSync(folder, { recursive: true })
      .map(String)
      .filter((path) => path.endsWith('.tmp') || path.endsWith('generating'));

  it('on a disk that is full: a sentence that names the file, no half file, and the next one completes it', async function () {
    const disk = join(dir, 'small');
    mkdirSync(disk);
    const mounted = await execa('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], {
      reject: false,
    });
    if (mounted.exitCode !== 0) {
      console.log(`skipped: a small disk cannot be mounted here (${mounted.stderr})`);
      return this.skip();
    }
    try {
      const full = await autopilot(
        disk,
        'init',
        '.',
        '--kind',
        'Canary',
        '--yes',
        '--runtime',
        'registry',
        '--skip-install',
      );
      expect(full.exitCode, full.stdout).to.equal(1);
      expect(full.stderr).to.match(
        /^cannot write \/.*: the disk is full\. What was written is whole; generate again, and the rest follows when there is room$/,
      );
      expect(leftovers(disk)).to.deep.equal([]);
      await execa('mount', ['-o', 'remount,size=4m', disk]);
      // autopilot.yaml comes early: from there on it is a project.
      const there = readdirSync(disk).includes('autopilot.yaml');
      const again = await autopilot(
        disk,
        ...(there
          ? ['generate', '--runtime', 'registry']
          : ['init', '.', '--kind', 'Canary', '--yes', '--runtime', 'registry', '--skip-install']),
      );
      expect(again.exitCode, again.stderr).to.equal(0);
      expect(upToDate((await generateProject(disk, { dryRun: true })).plan)).to.equal(true);
    } finally {
      await execa('umount', [disk]);
    }
  });

  it('twice at the same time: one writes, the other one does too afterwards or says why not, and the project is whole', async () => {
    await scaffold({ dir, kind: 'Canary', runtime: 'registry' });
    writeFileSync(
      join(dir, 'autopilot.yaml'),
      readFileSync(join(dir, 'autopilot.yaml'), 'utf8').replace(
        'Processing\n    description',
        'Processing\n    timeout: 1m\n    onTimeout: Finished\n    description',
      ),
    );
    const both = await Promise.all([
      autopilot(dir, 'generate'),
      autopilot(dir, 'generate'),
      autopilot(dir, 'generate'),
    ]);
    expect(both.map(({ exitCode }) => exitCode)).to.include(0);
    for (const { exitCode, stderr } of both) {
      if (exitCode !== 0) {
        expect(stderr).to.match(/another generate .*: wait for it|is generated but was edited/);
      }
    }
    expect(leftovers(dir)).to.deep.equal([]);
    expect(upToDate((await generateProject(dir, { dryRun: true })).plan)).to.equal(true);
  });

  it('on a read-only disk: check works, generate names the user without permission', async function () {
    if (process.getuid?.() !== 0) {
      return this.skip();
    }
    const copy = join(dir, 'read-only');
    await scaffold({ dir: join(dir, 'made'), kind: 'Canary', runtime: 'registry' });
    mkdirSync(copy);
    const mounted = await execa('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', copy], {
      reject: false,
    });
    if (mounted.exitCode !== 0) {
      console.log(`skipped: no disk can be mounted here (${mounted.stderr})`);
      return this.skip();
    }
    try {
      cpSync(join(dir, 'made'), copy, { recursive: true });
      copyFileSync(join(dir, 'made/autopilot.yaml'), join(copy, 'autopilot.yaml'));
      await execa('mount', ['-o', 'remount,ro', copy]);
      expect((await autopilot(copy, 'check')).exitCode).to.equal(0);
      const added = await autopilot(
        copy,
        'phase',
        'Waiting',
        '--next',
        'Processing',
        '--after',
        'Initializing',
      );
      expect([added.exitCode, added.stderr]).to.deep.equal([
        1,
        `cannot write ${copy}: the file system is read-only`,
      ]);
    } finally {
      await execa('umount', [copy]);
    }
  });
});
