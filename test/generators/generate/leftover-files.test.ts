/** Files of the user that no longer belong to the project: they are named, and none comes back. */
import { expect } from 'chai';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateProject } from '../../../generators/lib/generate/generate-project.ts';
import { scaffold } from '../../../generators/lib/generate/scaffold.ts';
import { summarize } from '../../../generators/lib/generate/summary.ts';

describe('a file of the user', function () {
  this.timeout(120_000);
  let dir: string;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-leftover-'));
    await scaffold({ dir, kind: 'Shop', runtime: 'registry', finalizer: { inputs: ['pods'] } });
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const generate = async (): Promise<string> => summarize(await generateProject(dir)).join('\n');
  const change = (path: string, from: string | RegExp, to: string): void => {
    const text = readFileSync(join(dir, path), 'utf8');
    writeFileSync(join(dir, path), text.replace(from, to));
  };

  const stubs = {
    'test/processing.test.ts': 'src/workers/processing.ts',
    'test/finalizer.test.ts': 'src/finalizer.ts',
    'test/machine.test.ts': 'src/main.ts',
    'test/scenarios/life.ts': 'src/main.ts',
  };
  for (const [test, source] of Object.entries(stubs)) {
    it(`stays deleted: ${test}`, async () => {
      rmSync(join(dir, test));
      expect(await generate()).to.match(/^up to date/m);
      expect(existsSync(join(dir, test))).to.equal(false);
    });

    it(`comes with a new ${source}: ${test}`, async () => {
      rmSync(join(dir, test));
      rmSync(join(dir, source));
      await generate();
      expect(existsSync(join(dir, test))).to.equal(true);
    });
  }

  it('is named when it has the old name of the operator: chart, workflow and Dockerfile', async () => {
    appendFileSync(join(dir, 'Dockerfile'), '# shop-operator\n');
    change('autopilot.yaml', /operatorName: .*/, 'operatorName: store-operator');
    const said = await generate();
    expect(said)
      .to.contain('charts/shop-operator is the chart of an earlier operatorName')
      .and.contain('Dockerfile names shop-operator: change it to store-operator');
    expect(await generate()).to.contain('charts/shop-operator is the chart of an earlier');
    rmSync(join(dir, 'charts/shop-operator'), { recursive: true });
    expect(await generate()).to.not.contain('shop-operator');
  });

  it('is named when its finalizer was removed', async () => {
    change('autopilot.yaml', /^finalizer:[^]*$/m, '');
    const said = await generate();
    expect(said).to.contain('orphaned: src/finalizer.ts is not used any more');
    expect(said).to.contain('orphaned: test/finalizer.test.ts is not used any more');
    expect(await generate()).to.contain('orphaned: src/finalizer.ts');
    rmSync(join(dir, 'src/finalizer.ts'));
    rmSync(join(dir, 'test/finalizer.test.ts'));
    expect(await generate()).not.to.contain('orphaned');
  });

  it('is named when the operator has another name', async () => {
    change('charts/shop-operator/values.yaml', /^replicas: 1/m, 'replicas: 3');
    appendFileSync(join(dir, 'charts/shop-operator/templates/_overrides.tpl'), '{{/* mine */}}\n');
    change('autopilot.yaml', /^operatorName: .*$/m, 'operatorName: store-operator');
    const renamed = [
      'renamed: charts/shop-operator is the chart of an operator that this project no longer has: move your edits of values.yaml, templates/_overrides.tpl to charts/store-operator, then delete the folder',
      'renamed: .github/workflows/operator.yaml, Dockerfile, README.md still name shop-operator',
    ];
    for (const said of [await generate(), await generate()]) {
      for (const sentence of renamed) {
        expect(said).to.contain(sentence);
      }
    }
    rmSync(join(dir, 'charts/shop-operator'), { recursive: true });
    expect(await generate()).not.to.contain('renamed:');
  });
});
