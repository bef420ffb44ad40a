import { expect } from 'chai';
import { execa } from 'execa';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { AnyContext } from '../../runtime/src/ports.ts';
import type { Exploration } from '../../sandbox/src/explore/index.ts';
import { explore } from '../../sandbox/src/explore/index.ts';
import { openDefinition } from '../../sandbox/src/kit/fly.ts';
import { Crew } from '../../sandbox/src/verify/crew.ts';
import type { Project } from '../../sandbox/src/verify/project.ts';
import { loadProject } from '../../sandbox/src/verify/project.ts';
import { machineOf } from './seeded/lift.ts';
import { wrongWorkers } from './seeded/workers.ts';

const repository = resolve(import.meta.dirname, '../..');
const FLIGHTS = 300;

describe('the modules of a project in its flights', () => {
  const dirs: string[] = [];
  after(() => dirs.forEach((dir) => rmSync(dir, { recursive: true })));

  /**
   * @param workers TypeScript: a module that exports `workers`, those in which the machine differs
   * from the correct one
   */
  function projectOf(workers: string): string {
    // Inside the repository, so that the project finds its packages without an installation.
    mkdirSync(join(repository, 'dist'), { recursive: true });
    const dir = mkdtempSync(join(repository, 'dist/lives-'));
    dirs.push(dir);
    const lift = JSON.stringify(join(repository, 'test/explore/seeded/lift.ts'));
    const files = {
      'package.json': '{ "type": "module" }',
      'autopilot-operator.yaml': '{}',
      'src/generated/crd.json': JSON.stringify(openDefinition(machineOf())),
      'src/generated/scheduler.ts': `import { machineOf } from ${lift};\nimport { workers } from '../workers.ts';\nexport const scheduler = machineOf(workers);\n`,
      'src/workers.ts': workers,
      'test/scenarios/life.ts': `export { life } from ${lift};\n`,
    };
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(join(dir, file, '..'), { recursive: true });
      writeFileSync(join(dir, file), text);
    }
    return dir;
  }

  const seeded = (name: string): string =>
    `import { wrongWorkers } from ${JSON.stringify(join(repository, 'test/explore/seeded/workers.ts'))};\nexport const workers = wrongWorkers[${JSON.stringify(name)}]!();\n`;

  /** As `verify` does, with so many flights instead of a budget. */
  async function fly(
    dir: string,
    { anew, crd, scenarios }: Project,
    threads: number,
    mostLives?: number,
  ): Promise<Omit<Exploration, 'quiet'>> {
    const [life] = scenarios;
    if (life === undefined) {
      throw new Error('the project has no scenario');
    }
    const crew = new Crew(dir, threads, mostLives);
    try {
      const { quiet: _, ...found } = await explore({ scheduler: anew, crd }, life, {
        findings: 1,
        more: (flown) => flown < FLIGHTS,
        launch: crew.launch(life.name, 1),
      });
      return found;
    } finally {
      await crew.end();
    }
  }

  for (const name of Object.keys(wrongWorkers)) {
    it(`are new after a crash: a worker that ${name} is found`, async () => {
      const dir = projectOf(seeded(name));
      const { findings } = await fly(dir, await loadProject(dir), 1);
      expect(findings).to.have.length(1);
    });
  }

  it('make the same flights in any number of threads that live for any time, and when they are flown again', async () => {
    const dir = projectOf(seeded('waits for a timer of its own process'));
    const project = await loadProject(dir);
    const one = await fly(dir, project, 1);
    expect(await fly(dir, project, 3, 2)).to.deep.equal(one);
    const [finding] = one.findings;
    const bin = join(repository, 'sandbox/bin/autopilot-sandbox.js');
    const args = ['--conditions=autopilot-source', bin, 'verify', '--replay', finding?.token ?? ''];
    const { exitCode, all } = await execa('node', args, { cwd: dir, all: true, reject: false });
    expect(all)
      .to.contain(`✘ ${finding?.violation.promise}\n  ${finding?.violation.detail}`)
      .and.not.to.contain('Warning');
    expect(exitCode).to.equal(1);
  });

  it('may remember what changes nothing', async () => {
    const dir = projectOf(`const known = new Map<string, object>();
const cleaned = { next: 'Done', outputs: { configmaps: [] } };
let calls = 0;
export const workers = {
  Cleaning: ({ resource }: { readonly resource: { readonly metadata: { readonly uid?: string } } }) => {
    calls++;
    const { uid = '' } = resource.metadata;
    known.set(uid, known.get(uid) ?? cleaned);
    return known.get(uid) as never;
  },
};
`);
    const { findings, flown } = await fly(dir, await loadProject(dir), 2);
    expect(findings).to.deep.equal([]);
    expect(flown).to.be.greaterThan(FLIGHTS - 20);
  });

  it('are named as their files are in a stack trace, whatever their life', async () => {
    const dir = projectOf(
      `interface Two {\n  readonly a: 1;\n}\nexport const workers = {\n  Preparing: () => {\n    throw new Error('on line 6');\n  },\n};\n`,
    );
    const { anew } = await loadProject(dir);
    for (const scheduler of typeof anew === 'function' ? [anew(), anew()] : []) {
      const called = async (): Promise<unknown> => scheduler.phases[0]?.worker?.({} as AnyContext);
      const error = await called().catch((thrown: Error) => thrown);
      expect((error as Error).stack)
        .to.contain(`${join(dir, 'src/workers.ts')}:6:11`)
        .and.not.to.contain('life=');
    }
    expect(typeof anew).to.equal('function');
  });

  it('are loaded once when they await something, and verify says so', async () => {
    const { anew, once } = await loadProject(
      projectOf('export const workers = await Promise.resolve({});\n'),
    );
    expect([typeof anew, once]).to.deep.equal([
      'object',
      'a module awaits something while it is loaded',
    ]);
  });
});
