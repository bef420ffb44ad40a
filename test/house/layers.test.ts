import { expect } from 'chai';
import { execa } from 'execa';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');

/** A wrong line for each arrow of docs/design.md, and the place that must not have it. */
const REFUSED: readonly (readonly [file: string, line: string])[] = [
  ['runtime/src/operator/x.ts', "import '../../../generators/lib/model.ts';"],
  ['runtime/src/reconciler/x.ts', "import 'autopilot-sandbox';"],
  ['runtime/src/reconciler/x.ts', "import '../operator/start.ts';"],
  ['runtime/src/cache/x.ts', "import '../reconciler/reconcile.ts';"],
  ['runtime/src/workqueue/x.ts', "import '../operator/config.ts';"],
  ['runtime/src/util/x.ts', "import '../client/errors.ts';"],
  ['runtime/src/client/x.ts', "import '../cache/store.ts';"],
  ['runtime/src/client/x.ts', "import '../api/worker.ts';"],
  ['runtime/src/client/x.ts', "import '../leader-election/write-fence.ts';"],
  ['runtime/src/leader-election/x.ts', "import '../cache/store.ts';"],
  ['runtime/src/cache/x.ts', "import '../workqueue/work-queue.ts';"],
  ['runtime/src/workqueue/x.ts', "import '../observability/observer.ts';"],
  ['runtime/src/api/x.ts', "import '../queries/query-template.ts';"],
  ['runtime/src/queries/x.ts', "import '../mesh/weights.ts';"],
  ['runtime/src/mesh/x.ts', "import '../queries/query-template.ts';"],
  ['runtime/src/mesh/x.ts', "import '../index.ts';"],
  ['runtime/src/observability/x.ts', "import '../reconciler/reconcile.ts';"],
  ['runtime/src/reconciler/outputs/x.ts', "import '../../controller/controller.ts';"],
  ['runtime/src/controller/x.ts', "import '../operator/start.ts';"],
  ['sandbox/src/testing/x.ts', "import '../../../runtime/src/clock.ts';"],
  ['sandbox/src/testing/x.ts', "import '../../../generators/lib/model.ts';"],
  ['sandbox/src/cluster/x.ts', "import '../api-server/serve-api.ts';"],
  ['sandbox/src/cluster/x.ts', "import '../simulators/simulator.ts';"],
  ['sandbox/src/api-server/x.ts', "import '../simulators/simulator.ts';"],
  ['sandbox/src/simulators/x.ts', "import '../testing/sandbox.ts';"],
  ['sandbox/src/simulators/x.ts', "import '../exploration/scenario.ts';"],
  ['sandbox/src/testing/x.ts', "import '../exploration/scenario.ts';"],
  ['sandbox/src/testing/x.ts', "import '../index.ts';"],
  ['sandbox/src/exploration/x.ts', "import '../verify/main.ts';"],
  ['generators/lib/x.ts', "import 'autopilot-runtime';"],
  ['generators/lib/code/x.ts', "import '../../../runtime/src/scheduler.ts';"],
  ['generators/lib/util/x.ts', "import '../model/model.ts';"],
  ['generators/lib/kinds/x.ts', "import '../model/load.ts';"],
  ['generators/lib/model/x.ts', "import '../generate/plan.ts';"],
  ['generators/lib/spec/x.ts', "import '../crd/build-crd.ts';"],
  ['generators/lib/crd/x.ts', "import '../code/scheduler.ts';"],
  ['generators/lib/rbac/x.ts', "import '../chart/values.ts';"],
  ['generators/lib/kinds/x.ts', "import '../generate/lock.ts';"],
  ['generators/lib/model/x.ts', "import '../rbac/finalizer.ts';"],
  ['generators/lib/chart/x.ts', "import '../code/scheduler.ts';"],
  ['generators/lib/code/x.ts', "import '../generate/plan.ts';"],
  ['generators/lib/generate/x.ts', "import '../docs/yaml-reference.ts';"],
  ['runtime/src/reconciler/x.ts', 'export const x = Date.now();'],
  ['runtime/src/cache/x.ts', 'export const x = Math.random();'],
  ['sandbox/src/cluster/x.ts', 'export const x = performance.now();'],
  ['runtime/src/client/x.ts', 'setTimeout(() => {}, 1);'],
  ['sandbox/src/testing/x.ts', 'setInterval(() => {}, 1);'],
];
const ALLOWED: typeof REFUSED = [
  ['runtime/src/reconciler/x.ts', "import '../cache/store.ts';"],
  ['runtime/src/reconciler/x.ts', "import '../observability/logger.ts';"],
  ['runtime/src/cache/x.ts', "import '../client/errors.ts';"],
  [
    'runtime/src/observability/x.ts',
    "import { ENQUEUE_CAUSES } from '../workqueue/work-queue.ts';",
  ],
  ['runtime/src/queries/x.ts', "import { PermanentError } from '../api/worker.ts';"],
  ['sandbox/src/testing/x.ts', "import 'autopilot-runtime/internal';"],
  ['generators/lib/model/x.ts', "import '../kinds/built-in-kinds.ts';"],
  ['generators/lib/crd/x.ts', "import '../spec/read-spec.ts';"],
  ['sandbox/src/simulators/x.ts', "import '../cluster/cluster.ts';"],
  ['sandbox/src/testing/x.ts', "import '../simulators/simulator.ts';"],
  ['sandbox/src/exploration/x.ts', "import '../testing/sandbox.ts';"],
  ['sandbox/src/verify/x.ts', "import '../exploration/index.ts';"],
  ['runtime/src/util/clock.ts', 'export const x = Date.now();'],
  ['generators/lib/generate/x.ts', "import '../code/scheduler.ts';"],
];

describe('lint', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-lint-'));
    copyFileSync(join(repository, '.oxlintrc.json'), join(dir, '.oxlintrc.json'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  async function problems([file, line]: (typeof REFUSED)[number]): Promise<number> {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), `${line}\n`);
    const { stdout } = await execa(
      join(repository, 'node_modules/.bin/oxlint'),
      ['--format=json'],
      { cwd: dir, reject: false },
    );
    return (JSON.parse(stdout) as { diagnostics: readonly { code: string }[] }).diagnostics.filter(
      ({ code }) => code.includes('no-restricted'),
    ).length;
  }

  for (const wrong of REFUSED) {
    it(`refuses ${wrong[1]} in ${dirname(wrong[0])}`, async () =>
      expect(await problems(wrong)).to.equal(1));
  }
  for (const right of ALLOWED) {
    it(`allows ${right[1]} in ${right[0]}`, async () => expect(await problems(right)).to.equal(0));
  }
});
