import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ejs from 'ejs';
import { packageRoot } from './package-root.ts';

/**
 * Root of the project's templates, and the `sourceRoot` of the generators. `<path>.ejs` makes the
 * file `<path>` of a project. `_phase_` and `_kind_` in a path are replaced by the names of a phase
 * and of the kind.
 *
 * Every template ends in `.ejs`, also those without EJS: npm leaves a `.gitignore` out of packages,
 * and tools in this repository would take a `package.json` or `tsconfig.json` for their own.
 *
 * Templates of the chart are in charts/operator: a chart that Helm's tools read as it is.
 */
export const templateRoot = join(packageRoot, 'generators/templates');

/**
 * Renders a file of `templateRoot`.
 *
 * @param path path of the template without `.ejs`: `src/workers/_phase_.ts`
 * @param data variables of the template
 * @throws Error with template and line when a variable is missing
 */
export function renderTemplate(path: string, data: object = {}): string {
  const filename = join(templateRoot, `${path}.ejs`);
  return ejs.render(readFileSync(filename, 'utf8'), { ...data }, { filename });
}
