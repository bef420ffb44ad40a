/** Texts of the user reach the generated files as they are. */
import { expect } from 'chai';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { generateProject } from '../../../generators/lib/generate/generate-project.ts';

const PROJECT = `kind: Canary
apiVersion: examples.io/v1
phases:
  - { name: A, initial: true, next: [B] }
  - { name: B, final: true }
`;

describe("the user's texts", () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'autopilot-texts-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  const generate = async (spec: string): Promise<void> => {
    for (const [path, text] of [
      ['autopilot.yaml', PROJECT],
      ['src/spec.ts', spec],
    ] as const) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    }
    await generateProject(dir, { runtime: 'registry' });
  };
  const read = (path: string): string => readFileSync(join(dir, path), 'utf8');

  it("that look like a named template are in the chart's CRD as they are written", async () => {
    await generate(`
export interface CanarySpec {
  /** Which one: "operator.example.com/name", in quotes. */
  a?: string;
  /** @default "operator.example.com: x" */
  b?: string;
  c?: 'operator.a: 1' | 'operator.b: 2';
}
export interface CanaryStatusInfo {}
`);
    const chart = read('charts/canary-operator/templates/crds/canaries.yaml');
    const spec = chart.slice(chart.indexOf('\nspec:')).replace(/\{\{- end \}\}\s*$/, '');
    const crd = JSON.parse(read('src/generated/crd.json')) as { readonly spec: unknown };
    expect((parse(spec) as { readonly spec: unknown }).spec).to.deep.equal(crd.spec);
  });

  it('in defaults of the config stay, and so do fields that are called description', async () => {
    await generate(`
export interface CanarySpec {}
export interface CanaryStatusInfo {}
export interface CanaryConfig {
  /** @default {"description": "who is told", "channel": "#ops"} */
  alert?: { description?: string; channel?: string };
  default?: { /** How to say it. */ description: string };
}
`);
    const scheduler = read('src/generated/scheduler.ts');
    expect(scheduler).to.contain('who is told');
    expect(scheduler).to.contain("required: ['description']");
    expect(scheduler.match(/description: \{ type: 'string' \}/g)).to.have.length(2);
    expect(scheduler).not.to.contain('How to say it');
  });
});
