/**
 * Writes docs/reference and the USAGE files: run it after an edit of generators/lib/schema.ts, catalogue.ts or cli/table.ts, or of
 * test/conformance/cases.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cliPage, usageText } from '../generators/lib/cli/help.ts';
import { commandTable } from '../generators/lib/cli/table.ts';
import { specReferencePage } from '../generators/lib/crd/reference.ts';
import { referencePage } from '../generators/lib/reference.ts';
import { metricsPage } from '../runtime/src/observe/definitions.ts';
import { CASES } from '../test/conformance/cases/index.ts';
import { conformancePage } from '../test/conformance/page.ts';
import { root } from './build.ts';

mkdirSync(join(root, 'docs/reference'), { recursive: true });
writeFileSync(join(root, 'docs/reference/autopilot-yaml.md'), referencePage());
writeFileSync(join(root, 'docs/reference/cli.md'), cliPage());
writeFileSync(join(root, 'docs/reference/spec-ts.md'), specReferencePage());
for (const [folder, command] of [
  ['app', commandTable.init],
  ['phase', commandTable.phase],
  ['generate', commandTable.generate],
] as const)
  writeFileSync(join(root, 'generators', folder, 'USAGE'), usageText(command));
writeFileSync(join(root, 'docs/reference/metrics.md'), metricsPage());
writeFileSync(join(root, 'docs/reference/conformance.md'), conformancePage(CASES));
