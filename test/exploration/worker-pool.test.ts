import { expect } from 'chai';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ExploreOptions, Scenario } from '../../sandbox/src/exploration/index.ts';
import { explore } from '../../sandbox/src/exploration/index.ts';
import { WorkerPool } from '../../sandbox/src/verify/worker-pool.ts';
import { loadProject } from '../../sandbox/src/verify/load-project.ts';

const repository = resolve(import.meta.dirname, '../..');

describe('WorkerPool', () => {
  let dir: string;
  before(() => {
    // Inside the repository, so that the project finds its packages without an installation.
    mkdirSync(join(repository, 'dist'), { recursive: true });
    dir = mkdtempSync(join(repository, 'dist/worker-pool-'));
    cpSync(join(repository, 'examples/autoroute'), dir, {
      recursive: true,
      filter: (path) => !path.includes('node_modules'),
    });
    // A verb that the operator needs only after a conflict: the baseline run does not miss it.
    const file = join(dir, 'charts/autoroute-operator/templates/_rules.tpl');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(/(resources: \["services"\]\n {2}verbs: \[)"get", /, '$1'),
    );
  });
  after(() => rmSync(dir, { recursive: true }));

  // @promise exploration/threads
  it('makes the runs that one thread makes, and finds the same', async () => {
    const { scheduler, crd, scenarios, chart } = await loadProject(dir);
    const life = scenarios.find(({ name }) => name === 'life') as Scenario;
    const pool = new WorkerPool(dir, 3);
    const explored = async (more: ExploreOptions): Promise<unknown> => {
      const { baseline: _, ...rest } = await explore(
        { scheduler, crd, policyRules: chart.policyRules },
        life,
        {
          maxFindings: 9,
          hasBudget: (runs) => runs < 400,
          ...more,
        },
      );
      return rest;
    };
    const here = await explored({});
    const there = await explored({ launchRun: pool.launcherFor(life.name, 1) });
    await pool.end();
    expect(here).to.have.property('findings').that.is.an('array').with.length(1);
    expect(there).to.deep.equal(here);
  });

  it('rejects all runs with the reason after a thread has failed', async () => {
    const pool = new WorkerPool(tmpdir(), 1);
    const launch = pool.launcherFor('life', 1);
    const failure = (): Promise<unknown> => launch([])().catch((error: Error) => error.message);
    expect(await failure()).to.contain('src/generated/scheduler.ts does not exist');
    expect(await failure()).to.contain('src/generated/scheduler.ts does not exist');
    await pool.end();
  });
});
