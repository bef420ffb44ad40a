import { expect } from 'chai';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateProject } from '../../../generators/lib/generate/generate-project.ts';
import { scaffold } from '../../../generators/lib/generate/scaffold.ts';
import { packageRoot } from '../../../generators/lib/util/package-root.ts';
import { templateRoot } from '../../../generators/lib/util/template.ts';

const OPERATOR_NAME = 'widget-operator';

/** The modules that compute files from the model, and the files they make. */
const COMPUTED: Readonly<Record<string, RegExp>> = {
  'generators/lib/code': /^src\/generated\//,
  'generators/lib/chart': /^charts\/[^/]+\/(values\.schema|files\/dashboard)\.json$/,
  'generators/lib/model (schemas for editors)': /^\.autopilot\/[\w-]+\.schema\.json$/,
};

/** What is left of a generate beside the project's files: the lock and the merge bases. */
const RECORDS = /^\.autopilot\/(lock\.json$|base\/)/;

describe('templates', () => {
  const templates = new Map(
    [
      ...filesUnder(templateRoot),
      ...filesUnder(join(packageRoot, 'charts/operator')).map(
        (path) => `charts/${OPERATOR_NAME}/${path}.ejs`,
      ),
    ].map((template) => [template, pathPattern(template)]),
  );
  let files: readonly string[];

  before(async () => {
    const dir = mkdtempSync(join(tmpdir(), 'autopilot-templates-'));
    const outputs = ['virtualservices'];
    await scaffold({
      dir,
      kind: 'Widget',
      operatorName: OPERATOR_NAME,
      runtime: 'registry',
      phases: [
        { name: 'Waiting', initial: true, inputs: ['deployments', 'metrics'], outputs },
        { name: 'Done', final: true },
      ],
      finalizer: { inputs: ['services'] },
    });
    const file = join(dir, 'autopilot.yaml');
    const text = readFileSync(file, 'utf8').replace(/( +)- name: Done\n/, (line, indent) => {
      return `${line}${indent}  approval: required\n`;
    });
    writeFileSync(file, `${text}formerVersions: [{ name: v1alpha1 }]\n`);
    await generateProject(dir);
    files = filesUnder(dir).filter((path) => !RECORDS.test(path));
    rmSync(dir, { recursive: true });
  });

  it('make every generated file that no module computes, one template each', () => {
    const sources = files.map((path) => [
      path,
      [
        ...[...templates].flatMap(([template, pattern]) => (pattern.test(path) ? [template] : [])),
        ...Object.entries(COMPUTED).flatMap(([module, made]) => (made.test(path) ? [module] : [])),
      ],
    ]);
    expect(sources.filter(([, found]) => found?.length !== 1)).to.deep.equal([]);
    expect(sources.length).to.be.greaterThan(60);
  });

  it('are all used', () => {
    const unused = [...templates].filter(
      ([, pattern]) => !files.some((path) => pattern.test(path)),
    );
    expect(unused.map(([template]) => template)).to.deep.equal([]);
  });

  it('have a mirror path: the path of the file that they make, and .ejs', () => {
    for (const template of templates.keys()) {
      expect(template).to.match(/\.ejs$/);
    }
  });
});

/** Paths that a template makes: `_phase_` and `_kind_` stand for lower-case names. */
function pathPattern(template: string): RegExp {
  const special: Readonly<Record<string, string>> = {
    'src/workers/_phase_.ts.ejs': String.raw`src/workers/\w+\.ts`,
    'test/_phase_.test.ts.ejs': String.raw`test/(?!machine|finalizer)\w+\.test\.ts`,
    'examples/_kind_.yaml.ejs': String.raw`examples/\w+\.yaml`,
    [`charts/${OPERATOR_NAME}/templates/crds/crd.yaml.ejs`]: String.raw`charts/[^/]+/templates/crds/\w+\.yaml`,
  };
  const path = template.replace(/\.ejs$/, '').replaceAll(/[.+]/g, String.raw`\$&`);
  return new RegExp(`^${special[template] ?? path}$`);
}

function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
