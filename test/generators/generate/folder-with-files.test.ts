import { expect } from 'chai';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { scaffold } from '../../../generators/lib/index.ts';
import { summarize } from '../../../generators/lib/generate/summary.ts';

/** What `npm init -y` writes. */
const NPM_INIT = {
  name: 'shop',
  version: '1.0.0',
  main: 'index.js',
  scripts: { test: 'echo "Error: no test specified" && exit 1' },
  license: 'ISC',
  type: 'commonjs',
};

describe('a new project in a folder with files', function () {
  this.timeout(60_000);
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'autopilot-folder-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  const manifest = (): Record<string, Record<string, string> | string> =>
    JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as never;
  const start = async (): Promise<string> =>
    summarize(await scaffold({ dir, kind: 'Shop', runtime: 'registry' })).join('\n');

  it('by `npm init -y` gets the type and the test script that its commands need, and says so', async () => {
    write('package.json', JSON.stringify(NPM_INIT, null, 4));
    const said = await start();
    const { type, scripts, engines, license, name } = manifest();
    expect({ type, license, name }).to.deep.equal({
      type: 'module',
      license: 'ISC',
      name: 'shop',
    });
    expect(scripts).to.include({ test: 'mocha', typecheck: 'tsc --noEmit' });
    expect(engines).to.have.property('node');
    expect(said)
      .to.contain('package.json: type is "module" now (was "commonjs")')
      .and.contain('package.json: scripts.test is "mocha" now');
  });

  it('with scripts of its own keeps them, and says what the project would have', async () => {
    write('package.json', JSON.stringify({ ...NPM_INIT, scripts: { test: 'vitest' } }, null, 2));
    expect(await start()).to.contain(
      'package.json: scripts.test keeps the value of the file; generated: "mocha"',
    );
    expect(manifest()['scripts']).to.include({ test: 'vitest' });
  });

  it('keeps the indentation of package.json', async () => {
    write('package.json', JSON.stringify(NPM_INIT, null, '\t'));
    await start();
    expect(readFileSync(join(dir, 'package.json'), 'utf8')).to.match(/^\{\n\t"name": "shop",\n/);
  });

  it('with modules that need type commonjs is refused with a sentence, and stays as it is', async () => {
    write('package.json', JSON.stringify(NPM_INIT));
    write('index.js', "const fs = require('node:fs');\n");
    const error = await start().catch(({ message }: Error) => message);
    expect(error).to.equal(
      'index.js is a CommonJS module, and package.json of an operator says "type": "module": rename it to index.cjs, or begin in an empty folder. Nothing was written.',
    );
    expect(manifest()).to.deep.equal(NPM_INIT);
  });

  it('names each file that stays although the project would have another one', async () => {
    const files = ['Dockerfile', 'src/main.ts', '.github/workflows/operator.yaml'];
    for (const path of files) {
      write(path, '# mine\n');
    }
    const said = await start();
    for (const path of files) {
      expect(said).to.contain(
        `${path} was there already and stays: move it away and generate again to see the file of the project`,
      );
    }
  });

  it('adds to its ignore files what the project needs', async () => {
    write('.gitignore', 'dist\n*.tgz');
    await start();
    expect(readFileSync(join(dir, '.gitignore'), 'utf8')).to.equal(
      'dist\n*.tgz\nnode_modules/\n*.log\n/.autopilot/generating*\n!/vendor/*.tgz\n',
    );
  });

  it('of pnpm or yarn says which package manager the commands of the project use', async () => {
    write('pnpm-lock.yaml', '');
    expect(await start()).to.contain(
      'pnpm-lock.yaml: scripts, Dockerfile and workflow of the project use npm',
    );
  });
});
