import { expect } from 'chai';
import { execa } from 'execa';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { AnyContext } from '../../runtime/src/internal.ts';
import type { Exploration } from '../../sandbox/src/exploration/index.ts';
import { explore } from '../../sandbox/src/exploration/index.ts';
import { permissiveCrd } from '../../sandbox/src/testing/definitions.ts';
import { WorkerPool } from '../../sandbox/src/verify/worker-pool.ts';
import type { VerifiedProject } from '../../sandbox/src/verify/load-project.ts';
import { loadProject } from '../../sandbox/src/verify/load-project.ts';
import { createScheduler } from './seeded/lift.ts';
import { wrongWorkers } from './seeded/wrong-workers.ts';

const repository = resolve(import.meta.dirname, '../..');
const RUNS = 300;

describe('the modules of a project in exploration', () => {
  const dirs: string[] = [];
  after(() => dirs.forEach((dir) => rmSync(dir, { recursive: true })));

  /**
   * @param workers source of a TypeScript module that exports `workers`: the workers that differ
   * from those of the correct operator
   */
  function projectOf(workers: string): string {
    // Inside the repository, so that the project finds its packages without an installation.
    mkdirSync(join(repository, 'dist'), { recursive: true });
    const dir = mkdtempSync(join(repository, 'dist/module-reload-'));
    dirs.push(dir);
    const lift = JSON.stringify(join(repository, 'test/exploration/seeded/lift.ts'));
    const files = {
      'package.json': '{ "type": "module" }',
      'autopilot-operator.yaml': '{}',
      'src/generated/crd.json': JSON.stringify(permissiveCrd(createScheduler().resource)),
      'src/generated/scheduler.ts': `import { createScheduler } from ${lift};\nimport { workers } from '../workers.ts';\nexport const scheduler = createScheduler(workers);\n`,
      'src/workers.ts': workers,
      'test/scenarios/life.ts': `export { life } from ${lift};\n`,
    };
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(join(dir, file, '..'), { recursive: true });
      writeFileSync(join(dir, file), text);
    }
    return dir;
  }

  const seededWorkers = (name: string): string =>
    `import { wrongWorkers } from ${JSON.stringify(join(repository, 'test/exploration/seeded/wrong-workers.ts'))};\nexport const workers = wrongWorkers[${JSON.stringify(name)}]!();\n`;

  /** Explores a project as `verify` does, with a number of runs instead of a budget. */
  async function exploreProject(
    dir: string,
    { freshScheduler, crd, scenarios }: VerifiedProject,
    threads: number,
    maxReloads?: number,
  ): Promise<Omit<Exploration, 'baseline'>> {
    const [life] = scenarios;
    if (life === undefined) {
      throw new Error('the project has no scenario');
    }
    const pool = new WorkerPool(dir, threads, maxReloads);
    try {
      const { baseline: _, ...found } = await explore({ scheduler: freshScheduler, crd }, life, {
        maxFindings: 1,
        hasBudget: (runs) => runs < RUNS,
        launchRun: pool.launcherFor(life.name, 1),
      });
      return found;
    } finally {
      await pool.end();
    }
  }

  for (const name of Object.keys(wrongWorkers)) {
    it(`are reloaded after a crash: a worker that ${name} is found`, async () => {
      const dir = projectOf(seededWorkers(name));
      const { findings } = await exploreProject(dir, await loadProject(dir), 1);
      expect(findings).to.have.length(1);
    });
  }

  it('make the same runs for any number of threads and reloads, and when a run is replayed', async () => {
    const dir = projectOf(seededWorkers('waits for a timer of its own process'));
    const project = await loadProject(dir);
    const one = await exploreProject(dir, project, 1);
    expect(await exploreProject(dir, project, 3, 2)).to.deep.equal(one);
    const [finding] = one.findings;
    const bin = join(repository, 'sandbox/bin/autopilot-sandbox.js');
    const args = ['--conditions=autopilot-source', bin, 'verify', '--replay', finding?.token ?? ''];
    const { exitCode, all } = await execa('node', args, { cwd: dir, all: true, reject: false });
    expect(all)
      .to.contain(`✘ ${finding?.violation.invariant}\n  ${finding?.violation.detail}`)
      .and.not.to.contain('Warning');
    expect(exitCode).to.equal(1);
  });

  it('may keep state that does not change results', async () => {
    const dir = projectOf(`const known = new Map<string, object>();
const cleaned = { next: 'Done', outputs: { configmaps: [] } };
interface Context {
  readonly resource: { readonly metadata: { readonly uid?: string } };
}
let calls = 0;
export const workers = {
  Cleaning: ({ resource }: Context) => {
    calls++;
    const { uid = '' } = resource.metadata;
    known.set(uid, known.get(uid) ?? cleaned);
    return known.get(uid) as never;
  },
};
`);
    const { findings, runs } = await exploreProject(dir, await loadProject(dir), 2);
    expect(findings).to.deep.equal([]);
    expect(runs).to.be.greaterThan(RUNS - 20);
  });

  it('have the names of their files in stack traces after any reload', async () => {
    const dir = projectOf(
      `interface Two {\n  readonly a: 1;\n}\nexport const workers = {\n  Preparing: () => {\n    throw new Error('on line 6');\n  },\n};\n`,
    );
    const { freshScheduler } = await loadProject(dir);
    for (const scheduler of typeof freshScheduler === 'function'
      ? [freshScheduler(), freshScheduler()]
      : []) {
      const called = async (): Promise<unknown> => scheduler.phases[0]?.worker?.({} as AnyContext);
      const error = await called().catch((thrown: Error) => thrown);
      expect((error as Error).stack)
        .to.contain(`${join(dir, 'src/workers.ts')}:6:11`)
        .and.not.to.contain('reload=');
    }
    expect(typeof freshScheduler).to.equal('function');
  });

  it('are not reloaded when they use top-level await, and verify says so', async () => {
    const { freshScheduler, sharedModulesReason } = await loadProject(
      projectOf('export const workers = await Promise.resolve({});\n'),
    );
    expect([typeof freshScheduler, sharedModulesReason]).to.deep.equal([
      'object',
      'a module uses top-level await',
    ]);
  });
});
