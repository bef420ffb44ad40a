/** What an operator that has a new name leaves under the old one. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from '../util/files.ts';
import type { Model } from '../model/model.ts';

/** User-owned files that name the operator. */
const NAMING_FILES = ['Dockerfile', '.github/workflows/operator.yaml', 'README.md'];

/**
 * Sentences about the chart of an earlier name, and about files that go on naming it. The overrides
 * of a chart are user-owned, so they stay when the operator is renamed.
 */
export function renamedOperatorNotes(dir: string, { operatorName }: Model): readonly string[] {
  const charts = join(dir, 'charts');
  const folders = existsSync(charts) ? readdirSync(charts).sort() : [];
  const earlier = folders.filter(
    (name) =>
      name !== operatorName &&
      readText(join(charts, name, 'templates/_overrides.tpl'))?.includes(`"${name}.`) === true,
  );
  return earlier.flatMap((name) => [
    `charts/${name} is the chart of an earlier operatorName: move your edits of its values.yaml and templates to charts/${operatorName}, then delete it`,
    ...NAMING_FILES.filter((path) => readText(join(dir, path))?.includes(name) === true).map(
      (path) => `${path} names ${name}: change it to ${operatorName}`,
    ),
  ]);
}
