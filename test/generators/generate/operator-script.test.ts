import { expect } from 'chai';
import { execa } from 'execa';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

const script = resolve(import.meta.dirname, '../../../examples/autoroute/scripts/operator.ts');
const NAME = 'autoroute-operator';

describe('the life of an operator: npm run build, deploy, undeploy, logs', () => {
  let dir: string;
  let log: string;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-life-'));
    log = join(dir, 'log');
    mkdirSync(join(dir, 'bin'));
    symlinkSync('/bin/sh', join(dir, 'bin/sh'));
    mkdirSync(join(dir, 'project/scripts'), { recursive: true });
    writeFileSync(join(dir, 'project/scripts/operator.ts'), readFileSync(script));
    writeFileSync(join(dir, 'project/package.json'), '{ "type": "module" }');
    symlinkSync(
      resolve(import.meta.dirname, '../../../node_modules'),
      join(dir, 'project/node_modules'),
    );
    writeFileSync(join(dir, 'project/package-lock.json'), '{}');
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  /** A tool that notes how it was called. */
  function tool(name: string, body = ''): void {
    const file = join(dir, 'bin', name);
    writeFileSync(file, `#!/bin/sh\necho "${name} $*" >> "${log}"\n${body}\n`);
    chmodSync(file, 0o755);
  }
  async function operator(
    ...args: readonly string[]
  ): Promise<{ readonly code: number | undefined; readonly out: string; readonly err: string }> {
    const { exitCode, stdout, stderr } = await execa(
      process.execPath,
      [join(dir, 'project/scripts/operator.ts'), ...args],
      {
        reject: false,
        env: { PATH: join(dir, 'bin') },
        extendEnv: false,
      },
    );
    return { code: exitCode, out: stdout, err: stderr };
  }
  const calls = (): readonly string[] =>
    existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];

  describe('dev, where kubectl sees an installed one', () => {
    beforeEach(() => {
      mkdirSync(join(dir, 'project/src'));
      writeFileSync(
        join(dir, 'project/src/main.ts'),
        "console.log(`runs in ${process.env['POD_NAMESPACE']} for '${process.env['WATCH_NAMESPACE']}'`);",
      );
    });
    const answers = (deployments: string): void =>
      tool('kubectl', `case $2 in deployments) ${deployments};; esac`);

    // @promise election/dev-lease
    it('takes its namespace and the namespaces it watches, all of them too', async () => {
      answers(`echo '${NAME} '`);
      expect((await operator('dev')).out.split('\n').at(-1)).to.equal(`runs in ${NAME} for ''`);
      answers("echo 'canary a,b'");
      expect((await operator('dev', '-n', 'there')).out.split('\n')).to.deep.equal([
        'canary is installed in namespace there for a,b: this process shares its lease, and waits while a Pod holds it',
        'to make this process the leader: kubectl scale deployment canary --namespace there --replicas 0',
        "runs in there for 'a,b'",
      ]);
    });

    it('asks which one is meant when there are several', async () => {
      answers("printf 'one a\\ntwo b\\n'");
      const { code, err } = await operator('dev');
      expect([code, err]).to.deep.equal([
        1,
        `error: several operators are installed in namespace ${NAME}: set WATCH_NAMESPACE to 'a' or 'b'`,
      ]);
    });

    // @promise election/dev-lease
    it('says what it needs to know when there is no kubectl', async () => {
      const said =
        'kubectl is not installed, so an operator in the cluster cannot be found. To share its lease, set POD_NAMESPACE and WATCH_NAMESPACE to its values.';
      expect((await operator('dev')).out.split('\n')).to.deep.equal([
        said,
        "runs in undefined for 'undefined'",
      ]);
    });

    it('says so when it cannot see it', async () => {
      answers('exit 1');
      expect((await operator('dev')).out).to.match(
        /^cannot read the Deployments of namespace .*: set WATCH_NAMESPACE to the value of the installed operator.*\nruns in /,
      );
    });
  });

  describe('the workflow of a project', () => {
    const folder = resolve(import.meta.dirname, '../../../examples/autoroute/.github');
    const text = readFileSync(join(folder, 'workflows/operator.yaml'), 'utf8');

    it('tests, installs the chart in a cluster, and releases only then', () => {
      const { jobs } = parse(text) as {
        jobs: Record<string, { needs?: string[]; steps: { run?: string }[] }>;
      };
      expect(Object.keys(jobs)).to.deep.equal(['test', 'install', 'release']);
      expect(jobs['release']?.needs).to.deep.equal(['test', 'install']);
      const commands = jobs['install']?.steps.map(({ run = '' }) => run).join('\n');
      expect(commands).to.contain('helm install').and.to.contain('helm test');
    });

    it('names every action by its commit, and a bot proposes newer ones', () => {
      const actions = [...text.matchAll(/uses: (\S+)/g)].map(([, action]) => action);
      expect(actions).to.have.length.greaterThan(10);
      expect(actions.filter((action) => !/@[0-9a-f]{40}$/.test(action ?? ''))).to.deep.equal([]);
      const bot = parse(readFileSync(join(folder, 'dependabot.yml'), 'utf8')) as {
        updates: { 'package-ecosystem': string }[];
      };
      expect(bot.updates.map((update) => update['package-ecosystem'])).to.deep.equal([
        'github-actions',
        'npm',
        'docker',
      ]);
    });
  });

  it('build takes the first tool that is there, and says what comes next', async () => {
    tool('podman');
    tool('buildah');
    const { code, out } = await operator('build', 'example.com/op:1');
    expect(code).to.equal(0);
    expect(calls()).to.deep.equal(['podman build --file Dockerfile --tag example.com/op:1 .']);
    expect(out).to.contain('npm run deploy -- example.com/op:1 --push');
  });

  it('build passes platforms, arguments and --push on', async () => {
    tool('buildah');
    const args = [
      '--platform',
      'linux/amd64,linux/arm64',
      '--build-arg',
      'NODE_IMAGE=node:26-slim',
      '--image-build-args',
      '--no-cache  --quiet',
      '--push',
    ];
    expect((await operator('build', 'op:1', '--tool', 'buildah', ...args)).code).to.equal(0);
    expect(calls()).to.deep.equal([
      'buildah build --file Dockerfile --tag op:1 --build-arg NODE_IMAGE=node:26-slim --platform linux/amd64,linux/arm64 --no-cache --quiet .',
      'buildah push op:1',
    ]);
  });

  it('build says which tools it looked for, and what the lock file is for', async () => {
    expect((await operator('build', 'op:1')).err).to.equal(
      'error: none of docker, podman, buildah, nerdctl is installed: install one to build images',
    );
    rmSync(join(dir, 'project/package-lock.json'));
    expect((await operator('build', 'op:1')).err).to.contain('run npm install first');
  });

  it('a tool that fails ends in a sentence and exit code 1, and nothing after it runs', async () => {
    tool('docker', 'exit 7');
    const { code, err } = await operator('build', 'op:1', '--push');
    expect(code).to.equal(1);
    expect(err).to.equal('error: docker build failed with exit code 7; the lines above say why');
    expect(calls()).to.have.length(1);
  });

  it('deploy is helm upgrade --install that waits, with the image as values', async () => {
    tool('helm');
    expect(
      (
        await operator(
          'deploy',
          'localhost:5000/team/op:1.2@sha256:abc',
          '--set',
          'replicas=2',
          '-f',
          'my.yaml',
        )
      ).code,
    ).to.equal(0);
    const chart = join(dir, 'project/charts', NAME);
    expect(calls()).to.deep.equal([
      `helm upgrade --install ${NAME} ${chart} --namespace ${NAME} --create-namespace --set-string image.repository=localhost:5000/team/op --set-string image.tag=1.2 --set-string image.digest=sha256:abc --values my.yaml --set replicas=2 --wait --timeout 5m`,
    ]);
  });

  it('deploy keeps the flags of the original: namespace, cluster scope, push, delete Pods', async () => {
    tool('docker');
    tool('helm');
    tool('kubectl');
    expect(
      (await operator('deploy', 'op:1', '-n', 'team', '-c', 'false', '-p', '-d')).code,
    ).to.equal(0);
    const [push, helm, restart, status] = calls();
    expect(push).to.equal('docker push op:1');
    expect(helm).to.contain('--namespace team').and.contain('--set-json watchNamespaces=["team"]');
    expect(restart).to.equal(
      `kubectl rollout restart deployment --namespace team --selector app.kubernetes.io/name=${NAME},app.kubernetes.io/instance=${NAME}`,
    );
    expect(status).to.contain('kubectl rollout status deployment');
  });

  it('deploy takes over what other clients have set, when it is asked to', async () => {
    tool('helm');
    tool('kubectl');
    expect((await operator('deploy', 'op:1', '--force-conflicts')).code).to.equal(0);
    expect(calls().find((call) => call.startsWith('helm upgrade'))).to.contain('--force-conflicts');
  });

  it('deploy refuses what is not an image or not a scope', async () => {
    tool('helm');
    expect((await operator('deploy', 'a b')).err).to.contain("'a b' is not an image");
    expect((await operator('deploy', 'op:1', '-c', 'maybe')).err).to.equal(
      "error: --cluster-scoped is 'maybe'; it is true or false",
    );
    expect(calls()).to.deep.equal([]);
  });

  it('undeploy stops while resources wait for this operator alone, and --force goes on', async () => {
    tool('helm');
    tool(
      'kubectl',
      `echo 'default/a ["examples.io/${NAME}"]'; echo 'default/b ["other.example/x"]'`,
    );
    const { code, err } = await operator('undeploy');
    expect(code).to.equal(1);
    expect(err)
      .to.contain('1 of autoroutes.examples.io')
      .and.contain('default/a')
      .and.contain('--force');
    expect(calls().some((call) => call.startsWith('helm'))).to.equal(false);
    expect((await operator('undeploy', '--force')).code).to.equal(0);
    expect(calls().at(-1)).to.equal(
      `helm uninstall ${NAME} --namespace ${NAME} --wait --timeout 5m`,
    );
  });

  it('logs follows all Pods of the release', async () => {
    tool('kubectl');
    expect((await operator('logs', '-f', '-n', 'team')).code).to.equal(0);
    expect(calls()).to.deep.equal([
      `kubectl logs --namespace team --selector app.kubernetes.io/name=${NAME},app.kubernetes.io/instance=${NAME} --tail 100 --prefix --max-log-requests 20 --follow`,
    ]);
  });

  it('an unknown option, a missing argument and an unknown verb are sentences', async () => {
    expect(await operator('build', '--pusch', 'op:1')).to.include({
      code: 2,
      err: "error: Unknown option '--pusch'; --help says more",
    });
    expect((await operator('deploy')).err).to.equal(
      'error: npm run deploy takes one: IMAGE; --help says more',
    );
    expect((await operator('launch')).err).to.equal(
      "'launch' is not one of dev, build, deploy, undeploy, logs",
    );
    expect((await operator('deploy', '--help')).out).to.contain('--cluster-scoped true|false');
  });

  it('a tool that is not there is a sentence', async () => {
    expect((await operator('logs')).err).to.equal(
      'error: kubectl is not installed: install it, or add it to the PATH',
    );
  });
});

describe('autopilot build, deploy, undeploy and logs', () => {
  it("run the project's own script, from any folder below it, with its exit code", async () => {
    const cwd = resolve(import.meta.dirname, '../../../examples/autoroute/src');
    const bin = resolve(import.meta.dirname, '../../../bin/autopilot.js');
    const run = async (...args: readonly string[]): Promise<unknown> => {
      const { exitCode, stdout, stderr } = await execa(
        process.execPath,
        ['--conditions=autopilot-source', bin, ...args],
        { cwd, reject: false },
      );
      return { exitCode, said: stdout + stderr };
    };
    expect(await run('deploy')).to.deep.equal({
      exitCode: 1,
      said: 'error: npm run deploy takes one: IMAGE; --help says more',
    });
    expect(await run('logs', '--nonsense')).to.include({ exitCode: 2 });
  });
});
