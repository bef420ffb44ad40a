import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { buildCrd } from '../../../generators/lib/crd/build-crd.ts';
import { requireModel } from '../../../generators/lib/model/load.ts';

const MODEL = requireModel(
  '{kind: Shop, apiVersion: examples.io/v1, phases: [{name: A, initial: true}]}',
  'autopilot.yaml',
);
const repository = resolve(import.meta.dirname, '../../..');

describe('src/spec.ts in a project with a tsconfig.json', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-tsconfig-'));
    mkdirSync(join(dir, 'src'));
    mkdirSync(join(dir, 'shared'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  function compile(spec: string, compilerOptions: object): string {
    const file = join(dir, 'src/spec.ts');
    writeFileSync(file, `${spec}\nexport interface ShopStatusInfo {}\n`);
    writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    return JSON.stringify(buildCrd(MODEL, file));
  }

  it('finds modules by the paths of that file', () => {
    writeFileSync(join(dir, 'shared/street.ts'), 'export interface Street { house: string }\n');
    const spec =
      "import type { Street } from '@shared/street.ts';\nexport interface ShopSpec { street: Street }";
    expect(() => compile(spec, {})).to.throw("Cannot find module '@shared/street.ts'");
    expect(compile(spec, { paths: { '@shared/*': ['./shared/*'] } })).to.contain('"house"');
  });

  it('knows the global types of that file, such as those of Node', () => {
    const spec = "export interface ShopSpec { port: import('node:net').AddressInfo['port'] }";
    expect(() => compile(spec, { types: [] })).to.throw('node:net');
    const typeRoots = [join(repository, 'node_modules/@types')];
    expect(compile(spec, { typeRoots, types: ['node'] })).to.contain('"port"');
  });
});
