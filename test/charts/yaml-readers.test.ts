/** YAML that generate writes, read by Helm: what Helm reads, kubectl and the API server read. */
import { expect } from 'chai';
import { execa } from 'execa';
import fc from 'fast-check';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { generateProject } from '../../generators/lib/generate/generate-project.ts';
import { formatYaml, portableYaml } from '../../generators/lib/util/yaml-text.ts';
import { NASTY_STRINGS, nastyValue } from '../generators/util/nasty-yaml.ts';
import { tool } from '../realparts/index.ts';

const READER = {
  'Chart.yaml': 'apiVersion: v2\nname: reader\nversion: 0.1.0\n',
  'templates/value.yaml': 'json: {{ .Values | toJson | b64enc }}\n',
};

for (const helm of ['helm', 'helm3'] as const) {
  describe(`YAML read by ${helm}`, () => {
    let dir: string;
    before(() => {
      dir = mkdtempSync(join(tmpdir(), 'autopilot-yaml-'));
      mkdirSync(join(dir, 'templates'));
      for (const [path, text] of Object.entries(READER)) {
        writeFileSync(join(dir, path), text);
      }
    });
    after(() => rmSync(dir, { recursive: true }));

    /** What Helm reads from the text of a mapping. */
    const read = async (text: string): Promise<unknown> => {
      const args = ['template', 'r', dir, '-f', '-'];
      const { stdout } = await execa(await tool(helm), args, { input: text });
      const [, json = ''] = /^json: (\S+)$/m.exec(stdout) ?? [];
      return JSON.parse(Buffer.from(json, 'base64').toString()) as unknown;
    };

    it('is the value that was written', async () => {
      const drawn = fc.sample(nastyValue, { numRuns: 3000, seed: 11 });
      const drops = (value: unknown): boolean => JSON.stringify(value).includes(':null');
      const cases = [
        ...NASTY_STRINGS.flatMap((text) => [{ [text]: text }, [{ [text]: [text] }], text]),
        ...drawn.filter((value) => !drops(value)),
      ];
      expect(await read(formatYaml({ cases }))).to.deep.equal({ cases });
    });

    it('is what YAML 1.2 reads from the config of the user', async () => {
      const text =
        'mode: on # \u2028 why\nyes: no\nsize: 1_000\nbits: 0b11\nmask: 0o17\nat: 1:20\nday: 2026-01-01\n' +
        'text: |\n  a\u2028b\n# \u0085 b: 1\nlast: [y, n, "y", 0x1F, 007]\n';
      expect(await read(portableYaml(text))).to.deep.equal(parse(text));
    });

    it('is the CRD, the rules and the config of a project of which every word is special', async () => {
      const project = join(dir, 'project');
      writeProject(project);
      const { model } = await generateProject(project, { runtime: 'registry', force: true });
      const chart = join(project, 'charts', model.operatorName);
      expect(await read(readFileSync(join(chart, 'Chart.yaml'), 'utf8'))).to.deep.include({
        name: 'no',
        keywords: ['operator', 'on'],
      });
      const { stdout } = await execa(await tool(helm), ['template', 'r', chart]);
      const objects = new Map<string, Manifest>();
      for (const text of stdout.split(/^---$/m).filter((part) => /^kind:/m.test(part))) {
        const object = (await read(text)) as Manifest;
        objects.set(object.kind, object);
      }
      const crd = JSON.parse(
        readFileSync(join(project, 'src/generated/crd.json'), 'utf8'),
      ) as Manifest;
      expect(objects.get('CustomResourceDefinition')?.spec).to.deep.equal(crd.spec);
      expect(objects.get('ClusterRole')?.rules).to.deep.include({
        apiGroups: ['no'],
        resources: ['on', '{{ x }}'],
        verbs: ['y', '1_000'],
      });
      const config = objects.get('ConfigMap')?.data?.['autopilot-operator.yaml'] ?? '';
      expect(parseAllDocuments(config).map((one) => one.toJS() as unknown)).to.deep.equal([
        parse(CONFIG),
      ]);
    });
  });
}

interface Manifest {
  readonly kind: string;
  readonly spec?: unknown;
  readonly rules?: readonly unknown[];
  readonly data?: Readonly<Record<string, string>>;
}

const CONFIG =
  'config:\n  mode: on\n  yes: no\n  size: 1_000\n  mask: "0o17"\n  time: 1:20\n  none: "~"\n';

function writeProject(project: string): void {
  mkdirSync(join(project, 'src'), { recursive: true });
  writeFileSync(join(project, 'autopilot-operator.yaml'), CONFIG);
  writeFileSync(
    join(project, 'autopilot.yaml'),
    `kind: On
apiVersion: examples.io/v1
operatorName: no
phases:
  - { name: Off, initial: true, description: "yes", inputs: [pods], next: [No] }
  - { name: No, inputs: [pods], next: [Off] }
rbac:
  extraRules:
    - { apiGroups: ["no"], resources: ["on", "{{ x }}"], verbs: ["y", "1_000"] }
`,
  );
  writeFileSync(
    join(project, 'src/spec.ts'),
    `export interface OnSpec {
  readonly x?: number;
  /** Yes */
  readonly y?: number;
  /** Weight \u2028 of \u0085 a \u2029 step, "operator.example.com/name" in quotes. */
  readonly on?: boolean;
  readonly mode?: 'auto' | 'off' | 'operator.a: 1';
  readonly size?: '1_000' | '2_000';
  /** @default "no" */
  readonly null?: string;
  readonly '1:20'?: string;
}
export interface OnStatusInfo {}
`,
  );
}
