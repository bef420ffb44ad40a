/**
 * Everything in docs/reference, docs/promises.md and the USAGE files: by path, as it follows from
 * the sources.
 */
import { cliPage, usageText } from '../generators/lib/cli/help.ts';
import { commandTable } from '../generators/lib/cli/command-table.ts';
import { specReferencePage } from '../generators/lib/docs/spec-reference.ts';
import { operatorReferencePage, referencePage } from '../generators/lib/docs/yaml-reference.ts';
import { renderMetricsPage } from '../runtime/src/observability/metric-definitions.ts';
import { CASES } from '../test/conformance/cases/index.ts';
import { conformancePage } from '../test/conformance/conformance-page.ts';
import { promisesPage } from './promises.ts';

export function referencePages(): Readonly<Record<string, string>> {
  return {
    'docs/promises.md': promisesPage(),
    'docs/reference/autopilot-yaml.md': referencePage(),
    'docs/reference/autopilot-operator-yaml.md': operatorReferencePage(),
    'docs/reference/cli.md': cliPage(),
    'docs/reference/spec-ts.md': specReferencePage(),
    'docs/reference/metrics.md': renderMetricsPage(),
    'docs/reference/conformance.md': conformancePage(CASES),
    'generators/app/USAGE': usageText(commandTable.init),
    'generators/phase/USAGE': usageText(commandTable.phase),
    'generators/generate/USAGE': usageText(commandTable.generate),
  };
}
