/** docs/promises.md: each promise beside the tests that carry its tag. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROMISES, type PromiseSection } from '../test/promises.ts';
import { root } from './build.ts';

/** A tag in a test: `// @promise watching/consistent-lists`. */
export interface PromiseTag {
  /** Section and name of the promise, joined by a slash. */
  readonly promise: string;
  /** Path of the test file, relative to the repository. */
  readonly file: string;
  /** Line of the tag, from 1. */
  readonly line: number;
  /** The first line below that is no tag: where the test begins. */
  readonly test: string;
}

const FILES: readonly string[] = ['test/**/*.ts', 'examples/*/test/**/*.ts'];
const TAG = /^\s*\/\/ @promise (.+)$/;

const HEAD = `<!-- Made by scripts/reference.ts from test/promises.ts and tests. Do not edit. -->

# Promises and their tests

Each promise of [the design](design.md), and the test files that fail when it is broken. In a test
file, the comment \`@promise SECTION/NAME\` marks the tests of a promise. Files below
\`test/exploration/seeded\` hold mistakes that exploration must find. Files below
\`test/conformance/cases\` hold cases that run on the sandbox and on a real API server.
`;

const TAIL = `## Without a test

- Time and memory (share of bare writes, CPU, MB, the first reconcile after start) depend on the
  computer. [bench/](../bench/README.md) measures them. Tests count requests and reconciles.
- \`metrics\` enqueues no resource: the operator does not watch Prometheus.
- The first apply of an object can arrive after its process has died, and create an object that no
  resource wants ([the design](design.md)). Exploration has this as the fault \`crash-late\`. A
  phase with \`prune: true\` deletes the object, as AutoRoute's does.
`;

/** @returns every tag of every test, by file and line. */
export function promiseTags(): readonly PromiseTag[] {
  const files = globSync([...FILES], { cwd: root, exclude: ['**/fixtures/**'] });
  return files.sort().flatMap((file) => {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    return lines.flatMap((text, index) => {
      const [, promise] = TAG.exec(text) ?? [];
      const test = lines.slice(index).find((line) => !TAG.test(line)) ?? '';
      return promise === undefined ? [] : [{ promise, file, line: index + 1, test }];
    });
  });
}

/** @returns the text of docs/promises.md. */
export function promisesPage(): string {
  const tags = promiseTags();
  const sections = Object.entries(PROMISES).map(([name, section]) => {
    return sectionText(name, section, tags);
  });
  return [HEAD, ...sections, TAIL].join('\n');
}

function sectionText(
  name: string,
  { title, promises }: PromiseSection,
  tags: readonly PromiseTag[],
): string {
  const rows = Object.entries(promises).map(([key, text]) => {
    const own = tags.filter(({ promise }) => promise === `${name}/${key}`);
    const links = [...new Set(own.map(({ file }) => file))].map(linkTo);
    return `| ${text} | \`${key}\` | ${links.join('<br>')} |`;
  });
  const header = `## ${title}: \`${name}\`\n\n| promise | name | tests |\n|---|---|---|\n`;
  return `${header}${rows.join('\n')}\n`;
}

function linkTo(file: string): string {
  const name = file.replace(/^test\//, '').replace(/(\.test)?\.ts$/, '');
  return `[${name}](../${file})`;
}
