import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runtimeTypes } from '../../../generators/lib/spec/runtime-types.ts';
import { docTags } from '../../../generators/lib/spec/doc-tags.ts';
import { FEATURES } from '../../crd/features.ts';
import { compileCrd } from '../../crd/compile-crd.ts';

const repository = resolve(import.meta.dirname, '../../..');

/** What the examples take for granted. */
const BEFORE = `
interface Steps { /** @default 5 */ readonly steps: Int32 }
interface Backend { readonly name: string }
interface IPodTemplateSpec { readonly spec?: unknown }
`;
const STATUS =
  'export interface FeatureStatusInfo { readonly replicas?: Int32; readonly selector?: string }';

describe('the reference of src/spec.ts', () => {
  for (const [name, { example }] of Object.entries(docTags)) {
    it(`has an example of @${name} that generates`, () => {
      const whole = example.includes('interface');
      const types = whole
        ? example.replaceAll(/CanarySpec|Range/g, 'FeatureSpec')
        : `export interface FeatureSpec {\n${example}\n}`;
      expect(example).to.contain(`@${name}`);
      const crd = compileCrd(
        `${BEFORE}${types.replace(/^interface FeatureSpec/m, 'export interface FeatureSpec')}\n${STATUS}`,
      );
      expect(crd.kind).to.equal('CustomResourceDefinition');
    });
  }

  for (const [name, { example }] of Object.entries(runtimeTypes)) {
    it(`has an example of ${name} that generates`, () => {
      expect(compileCrd(`export interface FeatureSpec {\n${example}\n}`).kind).to.equal(
        'CustomResourceDefinition',
      );
    });
  }

  it('names nothing that is not tried on a real API server', () => {
    // The tags about the kind and about printing are in test/crd/kind-tags.test.ts.
    const tried = `${FEATURES.map(({ types }) => types).join('\n')}\n${readFileSync(join(repository, 'test/crd/kind-tags.test.ts'), 'utf8')}`;
    expect(Object.keys(docTags).filter((name) => !tried.includes(`@${name}`))).to.deep.equal([]);
    expect(
      Object.keys(runtimeTypes).filter(
        (name) => name !== 'Int64' && !new RegExp(`: ${name}\\b`).test(tried),
      ),
    ).to.deep.equal([]);
  });
});

describe('the types of autopilot-runtime that src/spec.ts may import', () => {
  it('are those that the runtime exports', () => {
    const exported = readFileSync(join(repository, 'runtime/src/index.ts'), 'utf8');
    const declared = readFileSync(join(repository, 'runtime/src/api/spec-types.ts'), 'utf8');
    for (const [name, { typescript }] of Object.entries(runtimeTypes)) {
      expect(exported, name).to.match(new RegExp(`\\b${name}\\b`));
      const plain = declared.replaceAll(/\/\*\*.*?\*\//gs, '').replaceAll(/\s+/g, ' ');
      if (typescript.startsWith('{')) {
        expect(plain).to.contain(
          `export interface ${name} { readonly apiVersion: string; readonly kind: string; readonly metadata?: object;`,
        );
      } else if (name !== 'Duration') {
        expect(plain).to.contain(`export type ${name} = ${typescript};`);
      }
    }
  });
});
