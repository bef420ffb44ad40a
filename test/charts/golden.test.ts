import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { renderText } from './rendering.ts';
import type { Json } from './rendering.ts';

const chart = resolve(import.meta.dirname, '../../examples/autoroute/charts/autoroute-operator');
const golden = join(import.meta.dirname, 'golden');

describe('what AutoRoute’s chart renders, without the CustomResourceDefinition and the dashboard', () => {
  for (const file of globSync('ci/*-values.yaml', { cwd: chart }).sort()) {
    const name = file.slice('ci/'.length).replace('-values', '');
    it(`with ${file} is as reviewed in test/charts/golden/${name} (UPDATE_GOLDEN=1 writes it)`, async () => {
      const values = (parse(readFileSync(join(chart, file), 'utf8')) ?? {}) as Json;
      const text = (
        await renderText(chart, { values, release: 'autoroute', namespace: 'operators' })
      )
        .split(/^---\n/m)
        .filter((document) => !/kind: CustomResourceDefinition|grafana_dashboard/.test(document))
        .join('---\n');
      const path = join(golden, name);
      if (process.env['UPDATE_GOLDEN'] === '1') {
        mkdirSync(golden, { recursive: true });
        writeFileSync(path, text);
      }
      expect(existsSync(path), path).to.equal(true);
      expect(text).to.equal(readFileSync(path, 'utf8'));
    });
  }
});
