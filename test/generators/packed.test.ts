import { expect } from 'chai';
import { execa } from 'execa';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { createEnv } from 'yeoman-environment';
import { build } from '../../scripts/build.ts';
import { packPackage } from '../../scripts/pack.ts';
import { nodeProblem } from '../../generators/lib/util/node-version.ts';
import { pathWithNpm } from './support/npm.ts';
import { FakeTerminal } from './support/fake-terminal.ts';

const repository = resolve(import.meta.dirname, '../..');

describe('the packed generator', function () {
  this.timeout(300_000);
  let dir: string;
  let tarball: string;
  let autopilot: string;
  let path = process.env['PATH'] ?? '';

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-packed-'));
    // Other users are to run it, too.
    chmodSync(dir, 0o755);
    autopilot = join(dir, 'node_modules/.bin/autopilot');
    build();
    tarball = packPackage('.', dir);
    path = await pathWithNpm(11);
    await installIn(dir);
  });
  after(() => rmSync(dir, { recursive: true }));

  async function installIn(folder: string): Promise<void> {
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    await run(
      folder,
      'npm',
      'install',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      '--silent',
      tarball,
    );
  }

  /** Runs a command without the tests' own conditions, with the compiled packages. */
  const attempt = (cwd: string, command: string, args: readonly string[], options: object = {}) =>
    execa(command, args, {
      cwd,
      reject: false,
      all: true,
      stdin: 'ignore',
      env: { NODE_OPTIONS: '', PATH: path, npm_config_prefer_offline: 'true' },
      ...options,
    });

  async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
    const result = await attempt(cwd, command, args);
    expect(result.exitCode, result.all).to.equal(0);
    return result.all;
  }

  /** What its user does first. */
  async function passes(project: string): Promise<void> {
    if (!existsSync(join(project, 'node_modules'))) {
      await run(project, 'npm', 'install', '--no-audit', '--no-fund', '--silent');
    }
    expect(await run(project, 'npm', 'test')).to.match(/[1-9]\d* passing/);
    expect(await run(project, 'npm', 'run', 'verify', '--', '--budget', '5s')).to.match(
      /[✔○] life: .* single faults/,
    );
    await run(project, 'npm', 'run', 'typecheck');
    expect(await run(project, autopilot, 'generate', '--check')).to.contain('up to date');
  }

  it('leaves the Node of a project that installs it alone', () => {
    const bins = readdirSync(join(dir, 'node_modules/.bin'));
    expect(bins).to.include('autopilot').and.not.include('node');
    const platforms = readdirSync(join(dir, 'node_modules')).filter((name) =>
      /^node-(bin-)?(linux|darwin|win)/.test(name),
    );
    expect(platforms).to.deep.equal([]);
  });

  it('refuses --runtime registry while the registry has no such package, and writes nothing', async () => {
    const server = createServer((_, response) => {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end('{"error":"Not found"}');
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    try {
      const words = ['init', 'unpublished', '--kind', 'Canary', '--yes', '--runtime', 'registry'];
      const env = {
        NODE_OPTIONS: '',
        PATH: path,
        npm_config_registry: `http://127.0.0.1:${port}/`,
        npm_config_cache: join(dir, 'unpublished-cache'),
      };
      const refused = await attempt(dir, autopilot, words, { env });
      expect(refused.exitCode, refused.all).to.equal(1);
      expect(refused.all).to.match(
        /^--runtime registry: npm's registry has no autopilot-runtime@\^[\d.]+ and no autopilot-sandbox@\^[\d.]+\./,
      );
      expect(existsSync(join(dir, 'unpublished'))).to.equal(false);
    } finally {
      server.close();
    }
  });

  it('makes a default project whose own tests and types pass right after npm install', async () => {
    const text = await run(
      dir,
      autopilot,
      'init',
      'default',
      '--kind',
      'Canary',
      '--api-version',
      'examples.io/v1',
    );
    expect(text).to.contain('created src/generated/ (');
    const project = join(dir, 'default');
    expect(
      existsSync(join(project, 'node_modules/autopilot-runtime/package.json')),
      'init installs',
    ).to.equal(true);
    await passes(project);
  });

  it('does the same through yo and npm 12, from an install of its own', async () => {
    const before = path;
    const folder = join(dir, 'twelve');
    mkdirSync(folder);
    path = await pathWithNpm(12);
    try {
      expect(await run(folder, 'npm', '--version')).to.match(/^12\./);
      await installIn(folder);
      const yo = join(repository, 'node_modules/yo/lib/cli.js');
      const made = await attempt(
        folder,
        process.execPath,
        [yo, 'autopilot', 'my-canary', '--kind', 'Canary', '--yes'],
        {
          env: { NODE_OPTIONS: '', PATH: path, SUDO_UID: '-1', npm_config_prefer_offline: 'true' },
        },
      );
      expect(made.exitCode, made.all).to.equal(0);
      await passes(join(folder, 'my-canary'));
    } finally {
      path = before;
    }
  });

  it('is a library: it loads a model and renders a project in memory', async () => {
    const spec = join(dir, 'spec.ts');
    writeFileSync(
      spec,
      'export interface CanarySpec { host: string }\nexport interface CanaryStatusInfo {}\n',
    );
    const script = `import { loadModel, renderProject, loadSpec } from 'generator-autopilot';
      const loaded = loadModel(${JSON.stringify('kind: Canary\napiVersion: examples.io/v1\nphases: [{ name: Waiting, initial: true }]\n')}, 'autopilot.yaml');
      if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems));
      const described = await loadSpec(loaded.model, ${JSON.stringify(spec)});
      const dependency = { runtime: '^0.1.0', sandbox: '^0.1.0' };
      const input = { ...described, operatorConfig: '', dependency, vendor: [] };
      const files = renderProject(loaded.model, input);
      console.log(files.map(({ path, ownership }) => ownership + ' ' + path).join('\\n'));
      const wrong = loadModel('kind: canary', 'autopilot.yaml');
      console.log('problems' in wrong ? wrong.problems.length : 'none');`;
    const text = await run(dir, process.execPath, '--input-type=module', '-e', script);
    expect(text)
      .to.contain('user-owned src/workers/waiting.ts')
      .and.to.contain('generated src/generated/scheduler.ts')
      .and.to.contain('merged package.json');
    expect(text.split('\n').at(-1)).to.equal('2');
    writeFileSync(
      join(dir, 'typed.ts'),
      "import { loadModel } from 'generator-autopilot';\nexport const loaded: { model: unknown } | { problems: unknown } = loadModel('', '');\n",
    );
    await run(
      dir,
      join(repository, 'node_modules/.bin/tsc'),
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--skipLibCheck',
      '--types',
      '',
      'typed.ts',
    );
  });

  it('without a network writes the project, and says what to run when there is one', async () => {
    const env = {
      NODE_OPTIONS: '',
      PATH: path,
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_fetch_retries: '0',
      npm_config_cache: join(dir, 'no-cache'),
    };
    const made = await attempt(dir, autopilot, ['init', 'offline', '--kind', 'Canary', '--yes'], {
      env,
    });
    expect(made.exitCode).to.equal(1);
    expect(made.all).to.contain(
      `npm install failed in ${join(dir, 'offline')}: the project is written. Fix the cause that npm printed, then run npm install there`,
    );
    expect(made.all).to.not.match(/^ {4}at .*:\d+:\d+/m);
    await run(join(dir, 'offline'), autopilot, 'check');
  });

  it('in a folder without write permission names user and path, and says that yo drops root privileges', async function () {
    if (process.getuid?.() !== 0) {
      return this.skip();
    }
    const folder = join(dir, 'of-root');
    mkdirSync(folder);
    // The user has to reach this Node, wherever the checkout is.
    const node = join(dir, 'node');
    copyFileSync(process.execPath, node);
    const main = join(dir, 'node_modules/generator-autopilot/bin/autopilot.js');
    const args = [main, 'init', 'mine', '--kind', 'Canary', '--yes', '--skip-install'];
    const refused = await attempt(folder, node, args, {
      uid: 65534,
      gid: 65534,
      env: { NODE_OPTIONS: '', HOME: '/root' },
    });
    expect(refused.exitCode, refused.all).to.equal(1);
    expect(refused.all).to.equal(
      `cannot write ${join(folder, 'mine')}: this user may not write there. yo drops root privileges and runs as user 65534: as root run 'autopilot init' instead`,
    );
    expect(readdirSync(folder)).to.deep.equal([]);
    chownSync(folder, 65534, 65534);
    const made = await attempt(folder, node, args, {
      uid: 65534,
      gid: 65534,
      env: { NODE_OPTIONS: '', HOME: folder },
    });
    expect(made.exitCode, made.all).to.equal(0);
  });

  it('on an older Node says which one it needs, as a bin and as generators of yo', async function () {
    const old = await olderNode();
    if (old === undefined) {
      console.log('skipped: there is no Node below 24.12 on the PATH');
      return this.skip();
    }
    const sentence = /^generator-autopilot needs Node 24\.12 or newer; this is Node [\d.]+\.$/m;
    const bin = await attempt(dir, old, [
      join(dir, 'node_modules/generator-autopilot/bin/autopilot.js'),
      'init',
    ]);
    expect(bin.exitCode).to.equal(1);
    expect(bin.all).to.match(sentence).and.to.not.contain('    at ');
    const yo = await attempt(
      dir,
      old,
      [join(repository, 'node_modules/yo/lib/cli.js'), 'autopilot', 'old'],
      { env: { NODE_OPTIONS: '', SUDO_UID: '-1' } },
    );
    expect(yo.exitCode).to.equal(1);
    expect(yo.all).to.match(sentence).and.to.not.contain('    at ');
  });

  it('makes projects for which npm refuses an older Node, whatever is asked of it, before that dies of a type', async function () {
    const old = await olderNode();
    if (old === undefined) {
      console.log('skipped: there is no Node below 24.12 on the PATH');
      return this.skip();
    }
    await run(dir, autopilot, 'init', 'refusing', '--kind', 'Canary', '--yes', '--skip-install');
    const npm = join(path.split(delimiter)[0] ?? '', '../npm/bin/npm-cli.js');
    for (const command of [['install'], ['test'], ['start'], ['run', 'verify']]) {
      const refused = await attempt(join(dir, 'refusing'), old, [npm, ...command]);
      expect(refused.exitCode, refused.all).to.equal(1);
      expect(refused.all)
        .to.match(/">=24\.12" does not match "v[\d.]+"/)
        .and.to.not.contain('    at ');
    }
    const bare = await attempt(dir, old, [
      join(repository, 'sandbox/bin/autopilot-sandbox.js'),
      'verify',
    ]);
    expect(bare.exitCode).to.equal(1);
    expect(bare.all).to.match(
      /^autopilot-sandbox needs Node 24\.12 or newer; this is Node [\d.]+\.$/,
    );
  });

  it('makes the AutoRoute example, with its workers and their tests', async () => {
    await run(dir, autopilot, 'init', 'autoroute', '--example', 'autoroute', '--skip-install');
    const project = join(dir, 'autoroute');
    expect(readFileSync(join(project, 'src/workers/routing.ts'), 'utf8')).to.equal(
      readFileSync(join(repository, 'examples/autoroute/src/workers/routing.ts'), 'utf8'),
    );
    await passes(project);
  });

  it('makes a project of phases that were named in the dialogue', async () => {
    const terminal = new FakeTerminal();
    const env = createEnv({
      cwd: dir,
      stdin: terminal.stdin,
      stdout: terminal.stdout,
      skipInstall: true,
    } as never);
    env.register(join(dir, 'node_modules/generator-autopilot/dist/generators/app/index.js'), {
      namespace: 'autopilot:app',
    });
    const dialogue = Promise.resolve(
      env.run(['autopilot:app', 'prompted'], { skipInstall: true } as never),
    );
    const answers: readonly (readonly [question: string, keys: string])[] = [
      ['What do you want to start from', '\n'],
      ['What is the kind of the resource', 'Experiment\n'],
      ['What is the API group and version', '\n'],
      ['What is the name of the operator', '\n'],
      ['What is the first phase', 'Waiting\n'],
      ['What happens in Waiting', 'Waits for its turn\n'],
      ['Is a resource in Waiting ready', '\n'],
      ['What does Waiting read', ' \n'],
      ['What does Waiting write', '\n'],
      ['Which phases may follow Waiting', 'Running\n'],
      ['Add another phase', '\n'],
      ['What is the next phase', 'Running\n'],
      ['What happens in Running', '\n'],
      ['Is Running final', '\n'],
      ['Is a resource in Running ready', '\n'],
      ['What does Running read', '\n'],
      ['What does Running write', ' \n'],
      ['Which phases may follow Running', 'Waiting,Done\n'],
      ['Add another phase', '\n'],
      ['What is the next phase', 'Done\n'],
      ['What happens in Done', '\n'],
      ['Is Done final', 'y\n'],
      ['Is Done a successful end', '\n'],
      ['Add another phase', 'n\n'],
      ['Add a finalizer', '\n'],
      ['Write experiment-operator', '\n'],
    ];
    for (const [question, keys] of answers) {
      await terminal.shows(question, dialogue);
      terminal.type(keys);
    }
    await dialogue;
    const project = join(dir, 'prompted');
    expect(readFileSync(join(project, 'autopilot.yaml'), 'utf8'))
      .to.contain('Waits for its turn')
      .and.to.match(/next: \[\s?Waiting, Done\s?\]/);
    await passes(project);
  });
});

/** A Node on the PATH that is too old. */
async function olderNode(): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const node = join(folder, 'node');
    if (!existsSync(node)) {
      continue;
    }
    const { stdout } = await execa(node, ['-p', 'process.versions.node'], {
      reject: false,
      env: { NODE_OPTIONS: '' },
    });
    if (nodeProblem(stdout) !== undefined) {
      return node;
    }
  }
  return undefined;
}
