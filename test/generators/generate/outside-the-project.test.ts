/** What the files of a foreign checkout can make a generate do outside of the project. */
import { expect } from 'chai';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { generateProject } from '../../../generators/lib/generate/generate-project.ts';
import { sha256 } from '../../../generators/lib/generate/lock.ts';
import { planWrites } from '../../../generators/lib/generate/plan.ts';
import type { ProjectFile } from '../../../generators/lib/model/model.ts';
import { packageVersion } from '../../../generators/lib/util/package-root.ts';
import { writePlan } from '../../../generators/lib/generate/write-files.ts';

const SECRET = 'secret key';

describe('generate never writes or deletes outside of the project', () => {
  let home: string;
  let project: string;
  beforeEach(() => {
    home = realpathSync(mkdtempSync(join(tmpdir(), 'autopilot-outside-')));
    project = join(home, 'work', 'project');
    mkdirSync(join(project, '.autopilot'), { recursive: true });
    put(join(home, '.ssh/key'), SECRET);
  });
  afterEach(() => {
    expect(readFileSync(join(home, '.ssh/key'), 'utf8')).to.equal(SECRET);
    rmSync(home, { recursive: true });
  });

  const put = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  const generate = (files: readonly ProjectFile[] = []): void => {
    const options = { version: packageVersion, runtime: 'vendor' } as const;
    writePlan(project, planWrites(project, files, options));
  };
  const generated = (path: string): ProjectFile => ({ path, content: 'x', ownership: 'generated' });
  const lockOf = (files: Record<string, string>): void =>
    put(
      join(project, '.autopilot/lock.json'),
      JSON.stringify({ generator: packageVersion, runtime: 'vendor', files }),
    );

  for (const [path, why] of [
    ['../../.ssh/key', 'leads out of the project'],
    ['../../../../.ssh/key', 'leads out of .autopilot/base'],
    ['src/../../../.ssh/key', 'leads out further along'],
    ['/etc/passwd', 'is absolute'],
    ['C:/Windows/win.ini', 'names a drive'],
    ['..\\..\\.ssh\\key', 'leads out with backslashes'],
    ['', 'is empty'],
    ['.', 'is the project itself'],
    ['a\0b', 'has a NUL'],
  ] as const) {
    it(`and refuses a lock with a path that ${why}`, () => {
      lockOf({ [path]: sha256(SECRET) });
      expect(() => generate()).to.throw(/^\.autopilot\/lock\.json: .*no path inside the project/);
    });
  }

  describe('and a dry run says so:', () => {
    const dryRun = (): Promise<string> =>
      generateProject(project, { dryRun: true }).then(
        () => 'nothing refused',
        ({ message }: Error) => message,
      );
    beforeEach(() =>
      put(
        join(project, 'autopilot.yaml'),
        'kind: Canary\napiVersion: examples.io/v1\nphases: [{ name: A, initial: true, final: true }]\n',
      ),
    );

    it('of a path in the lock', async () => {
      lockOf({ '../../.ssh/key': sha256(SECRET) });
      expect(await dryRun()).to.contain('no path inside the project');
    });

    it('of a symbolic link', async () => {
      mkdirSync(join(home, 'elsewhere'));
      symlinkSync(join(home, 'elsewhere'), join(project, 'src'));
      expect(await dryRun()).to.contain('src is a symbolic link');
    });
  });

  const links = [
    ['a folder', 'src/generated', 'src/generated/a.ts'],
    ['a folder above a missing one', 'src', 'src/generated/a.ts'],
    ['the folder of the merge bases', '.autopilot/base', 'a.ts'],
    ['a link to nothing yet', 'charts', 'charts/c/values.yaml'],
  ] as const;
  for (const [what, link, path] of links) {
    it(`and refuses ${what} that is a symbolic link, before anything is written`, () => {
      const elsewhere = join(home, 'elsewhere');
      if (link !== 'charts') {
        mkdirSync(elsewhere);
      }
      mkdirSync(dirname(join(project, link)), { recursive: true });
      symlinkSync(elsewhere, join(project, link));
      expect(() => generate([generated('first.txt'), generated(path)])).to.throw(
        `${link} is a symbolic link`,
      );
      expect(existsSync(join(project, 'first.txt'))).to.equal(false);
    });
  }

  it('and refuses a file that is a symbolic link', () => {
    put(join(home, 'theirs'), 'y');
    symlinkSync(join(home, 'theirs'), join(project, 'a.txt'));
    lockOf({ 'a.txt': sha256('y') });
    expect(() => generate([generated('a.txt')])).to.throw('a.txt is a symbolic link');
    expect(() => generate()).to.throw('a.txt is a symbolic link');
    expect(readFileSync(join(home, 'theirs'), 'utf8')).to.equal('y');
  });

  it('and leaves a file of the user that is a symbolic link as it is', () => {
    put(join(home, 'theirs'), 'y');
    symlinkSync(join(home, 'theirs'), join(project, 'a.txt'));
    generate([{ path: 'a.txt', content: 'x', ownership: 'user-owned' }]);
    expect(readFileSync(join(project, 'a.txt'), 'utf8')).to.equal('y');
  });

  it('and refuses the run lock as a symbolic link', () => {
    symlinkSync(join(home, '.ssh/key'), join(project, '.autopilot/generating'));
    expect(() => generate([generated('a.txt')])).to.throw(
      '.autopilot/generating is a symbolic link',
    );
    expect(existsSync(join(project, 'a.txt'))).to.equal(false);
  });

  it('and does not write through a symbolic link with the name of its temporary file', () => {
    symlinkSync(join(home, '.ssh/key'), join(project, `a.txt.${process.pid}.tmp`));
    generate([generated('a.txt')]);
    expect(readFileSync(join(project, 'a.txt'), 'utf8')).to.equal('x');
  });

  it('and works in a project that is reached through a symbolic link', () => {
    symlinkSync(project, join(home, 'shortcut'));
    project = join(home, 'shortcut');
    generate([generated('src/generated/a.ts')]);
    expect(readFileSync(join(home, 'work/project/src/generated/a.ts'), 'utf8')).to.equal('x');
  });
});
