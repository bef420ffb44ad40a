/**
 * Writes docs/reference, docs/promises.md and the USAGE files (`reference-pages.ts`). Run it when
 * test/house/reference.test.ts reports a stale page.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './build.ts';
import { referencePages } from './reference-pages.ts';

for (const [path, text] of Object.entries(referencePages())) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
