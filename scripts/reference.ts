/** Writes docs/reference from the schema: run it after an edit of generators/lib/schema.ts or catalogue.ts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { referencePage } from '../generators/lib/reference.ts';
import { root } from './build.ts';

mkdirSync(join(root, 'docs/reference'), { recursive: true });
writeFileSync(join(root, 'docs/reference/autopilot-yaml.md'), referencePage());
